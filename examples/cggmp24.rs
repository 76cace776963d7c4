//! A wallet that signs ECDSA with cggmp24, backed up by twoshare: once with keys that cggmp24 generated before
//! twoshare was there, once with keys that twoshare made.
//!
//! ```sh
//! cargo run -p twoshare-examples --example cggmp24 [-- --fresh-primes]
//! ```
//!
//! The device is lost; a password and the custodian bring the wallet back on another one. The Paillier keys do
//! not come back: both sides make new ones, and the types give no signer before. Then cggmp24 signs under the
//! same public key, and what the lost device has signs nothing any more. The primes of those keys are fixtures,
//! unless they are to be fresh, which takes many minutes.

use std::sync::atomic::{AtomicBool, Ordering};

use cggmp24::{
    DataToSign, ExecutionId, PregeneratedPrimes, backend::Integer, generic_ec::curves::Secp256k1,
    key_share::KeyShare,
};
use futures::executor::block_on;
use rand_core_06::OsRng;
use sha2_010::Sha256;
use twoshare::{
    Client, MemoryDevice, Recovered, Recovery, Wallet,
    core::{
        attachment::Attachment,
        id::{CurveId, Epoch, Purpose, Sharing, WalletId},
        share::{AnyClientShare, AnyCustodianShare, KeyId},
    },
};
use twoshare_examples::{
    Origin, Result, connection::both, custodian::Custodian, password, say, short,
};
use twoshare_interop::{
    UnfitError,
    cggmp24::{
        AUX, Aux, CoreShare, Parties, attachments, chain_code, client_share, custodian_share,
    },
};

const MESSAGE: &[u8] = b"pay 1 to bob";

/// Whether the primes are made now.
static FRESH_PRIMES: AtomicBool = AtomicBool::new(false);

#[tokio::main]
async fn main() -> Result<()> {
    FRESH_PRIMES.store(std::env::args().any(|arg| arg == "--fresh-primes"), Ordering::Relaxed);
    for origin in [Origin::Before, Origin::Created] {
        story(origin).await?;
    }
    Ok(())
}

/// What a story leaves behind, for whoever checks it.
#[derive(Debug)]
pub struct Told {
    /// The public key.
    pub key: Vec<u8>,
    /// Signatures under it: before the loss, and after the recovery.
    pub signatures: [[u8; 64]; 2],
    /// What was to be made anew.
    pub regenerated: Vec<String>,
    /// Whether an old share and a new one have signed.
    pub mixed: bool,
}

/// A wallet's life with cggmp24.
///
/// # Errors
///
/// Whatever should have gone well and did not.
pub async fn story(origin: Origin) -> Result<Told> {
    let custodian = Custodian::start().await?;
    let phone = custodian.client(MemoryDevice::new())?;
    let (wallet, [old_aux, server_aux]) = match origin {
        Origin::Before => adopt(&phone, &custodian).await?,
        Origin::Created => create(&phone, &custodian).await?,
    };
    let key = wallet.verifying_keys().first().ok_or("a wallet has keys")?.to_bytes();
    say(format_args!("  public key: {}", short(&key)));
    phone.backup(wallet.id(), &[password()?]).await?;
    say("  backed up: stored, read back, opened with the password, the custodian's half proven");
    let (old_phone, old_server) = cores(&wallet, &custodian).await?;
    let old = [old_phone.key_share(&old_aux)?, old_server.key_share(&server_aux)?];
    let before = sign(&old).ok_or("they did not sign")?;
    say(format_args!("  signed with cggmp24: {}", short(&before)));

    drop(phone);
    say("  the phone is lost, with its Paillier key");
    let phone = custodian.client(MemoryDevice::new())?;
    let recovery = Recovery::with(password()?);
    let Recovered::Done(recovered) = phone.recover(wallet.id(), recovery).await? else {
        return Err("this custodian lets nobody wait".into());
    };
    let regenerated = recovered.to_regenerate().to_vec();
    say(format_args!("  recovered on another phone; to be made anew: {}", regenerated.join(", ")));
    let (new_phone, new_server) = cores(&recovered, &custodian).await?;
    // The thief and a careless server still have the old: the types do not take it.
    let Err(UnfitError::Epoch { .. }) = new_server.key_share(&server_aux) else {
        return Err("auxiliary info of before was taken".into());
    };
    let [new_aux, server_aux] = make_aux([&new_phone, &new_server], 1)?;
    phone.keep_attachments(recovered.id(), recovered.attachments().to_vec()).await?;
    if !phone.wallet(recovered.id()).await?.to_regenerate().is_empty() {
        return Err("it was made anew".into());
    }
    let new = [new_phone.key_share(&new_aux)?, new_server.key_share(&server_aux)?];
    let after = sign(&new).ok_or("they did not sign")?;
    say(format_args!("  made anew on both sides; signed with cggmp24: {}", short(&after)));

    let [lost, _] = old;
    let [_, server] = new;
    let mixed = sign(&[lost, server]).is_some();
    say("  the lost phone's key share signs nothing with the server's of today");
    custodian.stop().await;
    Ok(Told { key, signatures: [before, after], regenerated, mixed })
}

/// The app has signed with cggmp24 since long ago: its phone is party 0, its server party 1.
async fn adopt(phone: &Client, custodian: &Custodian) -> Result<(Wallet, [Aux; 2])> {
    say("\nA wallet that cggmp24 generated before twoshare was there.");
    let [on_phone, on_server] = generate()?;

    // From here on it is twoshare's wallet, and this is its first signing epoch.
    let id = WalletId::make(&mut twoshare::rng());
    let sharing = Sharing { wallet: id, purpose: Purpose::Signing, epoch: Epoch::FIRST };
    let (key, parties) = (KeyId { sharing, index: 0 }, Parties::default());
    let mine: AnyClientShare = client_share(key, parties, &on_phone.core)?.into();
    let theirs: AnyCustodianShare = custodian_share(key, parties, &on_server.core)?.into();
    let auxes = [
        Aux::of_client(&mine, parties, &on_phone)?,
        Aux::of_custodian(&theirs, parties, &on_server)?,
    ];
    custodian.adopt(id, vec![theirs]).await?;
    let wallet = phone.adopt_wallet(id, vec![mine], None).await?;
    // The chain code comes back in a recovery, bit for bit; the Paillier keys by name only.
    phone.keep_attachments(id, attachments(&on_phone.core.key_info)).await?;
    Ok((wallet, auxes))
}

/// A wallet of ours, whose device and server make their auxiliary info for it.
async fn create(phone: &Client, custodian: &Custodian) -> Result<(Wallet, [Aux; 2])> {
    say("\nA wallet that twoshare creates, as two shares from the first moment.");
    let wallet = phone.create_wallet(&[CurveId::Secp256k1], None).await?;
    let (mine, theirs) = cores(&wallet, custodian).await?;
    let auxes = make_aux([&mine, &theirs], 0)?;
    phone.keep_attachments(wallet.id(), vec![Attachment::per_device(AUX)?]).await?;
    Ok((wallet, auxes))
}

/// The core key shares that phone and server have today.
async fn cores(wallet: &Wallet, custodian: &Custodian) -> Result<(CoreShare, CoreShare)> {
    let mine = wallet.signing_shares().first().ok_or("an MPC wallet has shares")?;
    let (mine, theirs) = custodian.beside(mine).await?;
    // The server keeps the chain code in its own database; here it is asked of the wallet.
    let code = chain_code(wallet.attachments())?;
    let mine = CoreShare::client(&mine)?.with_chain_code(code);
    let theirs = CoreShare::custodian(&theirs)?.with_chain_code(code);
    Ok((mine, theirs))
}

/// New auxiliary info on both sides: what every recovery asks for.
fn make_aux(cores: [&CoreShare; 2], time: usize) -> Result<[Aux; 2]> {
    let run = twoshare::core::id::OperationId::make(&mut twoshare::rng()).to_bytes();
    let [core, other] = cores;
    let [mine, theirs] = both(|party, connection| {
        let core = if party == 0 { core } else { other };
        let primes = primes(time, party);
        block_on(Aux::make(core, &run, primes, &mut OsRng, connection))
    });
    Ok([mine?, theirs?])
}

/// cggmp24's own key generation between two, with auxiliary info: an HD wallet with Shamir shares.
fn generate() -> Result<[KeyShare<Secp256k1>; 2]> {
    let [phone, server] = both(|party, connection| {
        let keygen = cggmp24::keygen::<Secp256k1>(ExecutionId::new(b"keygen 1"), party, 2);
        let keygen = keygen.set_threshold(2).hd_wallet(true);
        block_on(keygen.start(&mut OsRng, connection))
    });
    let [phone_aux, server_aux] = both(|party, connection| {
        let id = ExecutionId::new(b"aux 1");
        let aux = cggmp24::aux_info_gen(id, party, 2, primes(0, party));
        block_on(aux.start(&mut OsRng, connection))
    });
    Ok([
        KeyShare::from_parts((phone?, phone_aux?)).map_err(|error| error.to_string())?,
        KeyShare::from_parts((server?, server_aux?)).map_err(|error| error.to_string())?,
    ])
}

/// cggmp24's own signing; `None` if the two do not fit.
fn sign(shares: &[KeyShare<Secp256k1>; 2]) -> Option<[u8; 64]> {
    let data = DataToSign::digest::<Sha256>(MESSAGE);
    let [phone, server] = shares;
    let [signature, same] = both(|party, connection| {
        let share = if party == 0 { phone } else { server };
        let signing = cggmp24::signing(ExecutionId::new(b"signing 1"), party, &[0, 1], share);
        block_on(signing.sign(&mut OsRng, connection, &data)).ok()
    });
    same?;
    let mut bytes = [0; 64];
    signature?.normalize_s().write_to_slice(&mut bytes);
    Some(bytes)
}

/// Four safe primes for a party: those of before a recovery (0) or of after it (1).
fn primes(time: usize, party: u16) -> PregeneratedPrimes {
    if FRESH_PRIMES.load(Ordering::Relaxed) {
        return PregeneratedPrimes::generate(&mut OsRng);
    }
    const FIXTURE: &str = include_str!("../crates/interop/tests/fixtures/cggmp24-safe-primes.txt");
    let set = 2 * time + usize::from(party);
    let mut primes = FIXTURE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .skip(4 * set)
        .filter_map(|line| Integer::from_str_radix(line, 16));
    let four = std::array::from_fn(|_| primes.next().expect("the fixture has four sets of four"));
    four.try_into().expect("they have the size that the library wants")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in a test a panic is the failure")]

    use k256::ecdsa::{Signature, VerifyingKey, signature::Verifier as _};

    use super::*;

    async fn is_told(origin: Origin) {
        let told = story(origin).await.unwrap();
        assert_eq!(told.regenerated, [AUX]);
        assert!(!told.mixed);
        let key = VerifyingKey::from_sec1_bytes(&told.key).unwrap();
        for signature in told.signatures {
            key.verify(MESSAGE, &Signature::from_slice(&signature).unwrap()).unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_wallet_of_before_signs_after_the_recovery() {
        is_told(Origin::Before).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_wallet_of_ours_signs_after_the_recovery() {
        is_told(Origin::Created).await;
    }
}
