//! A wallet that signs with FROST (BIP-340 on secp256k1, RFC 8032 on Ed25519), backed up by twoshare: once
//! with keys that FROST generated before twoshare was there, once with keys that twoshare made.
//!
//! ```sh
//! cargo run -p twoshare-examples --example frost
//! ```
//!
//! The device is lost; a password and the custodian bring the wallet back on another one; FROST signs there
//! under the same public keys, and what the lost device has signs nothing any more.

use std::collections::BTreeMap;

use frost_core::{
    Ciphersuite, Error, Identifier, SigningPackage, aggregate,
    keys::{KeyPackage, PublicKeyPackage, dkg},
    round1, round2,
};
use frost_ed25519::Ed25519Sha512;
use frost_secp256k1_tr::Secp256K1Sha256TR;
use rand_core_06::OsRng;
use twoshare::{
    Client, MemoryDevice, Recovered, Recovery, Wallet,
    core::{
        id::{CurveId, Epoch, Purpose, Sharing, WalletId},
        share::{AnyClientShare, AnyCustodianShare, KeyId},
    },
};
use twoshare_examples::{Origin, Result, custodian::Custodian, password, say, short};
use twoshare_interop::{frost_ed25519 as on_ed25519, frost_secp256k1_tr as on_secp256k1};

const MESSAGE: &[u8] = b"pay 1 to bob";

#[tokio::main]
async fn main() -> Result<()> {
    for origin in [Origin::Before, Origin::Created] {
        story(origin).await?;
    }
    Ok(())
}

/// What a story leaves behind, for whoever checks it.
#[derive(Debug)]
pub struct Told {
    /// The public keys, on secp256k1 and Ed25519.
    pub keys: Vec<Vec<u8>>,
    /// Signatures under each: before the loss, and after the recovery.
    pub signatures: [Vec<Vec<u8>>; 2],
    /// How many attempts there were to sign with an old and a new share.
    pub mixed: usize,
}

/// A wallet's life with FROST.
///
/// # Errors
///
/// Whatever should have gone well and did not.
pub async fn story(origin: Origin) -> Result<Told> {
    let custodian = Custodian::start().await?;
    let phone = custodian.client(MemoryDevice::new())?;
    let wallet = match origin {
        Origin::Before => adopt(&phone, &custodian).await?,
        Origin::Created => {
            say("\nA wallet that twoshare creates, as two shares from the first moment.");
            phone.create_wallet(&[CurveId::Secp256k1, CurveId::Ed25519], None).await?
        }
    };
    let keys: Vec<_> = wallet.verifying_keys().iter().map(|key| key.to_bytes()).collect();
    for (key, curve) in keys.iter().zip(["secp256k1", "Ed25519"]) {
        say(format_args!("  public key on {curve}: {}", short(key)));
    }
    phone.backup(wallet.id(), &[password()?]).await?;
    say("  backed up: stored, read back, opened with the password, the custodian's half proven");
    let before = sign_with_each(&wallet, &custodian).await?;

    let lost = wallet.signing_shares().to_vec();
    drop(phone);
    say("  the phone is lost");
    let phone = custodian.client(MemoryDevice::new())?;
    let recovery = Recovery::with(password()?);
    let Recovered::Done(recovered) = phone.recover(wallet.id(), recovery).await? else {
        return Err("this custodian lets nobody wait".into());
    };
    say("  recovered on another phone with the password; FROST has nothing to make anew");
    let after = sign_with_each(&recovered, &custodian).await?;

    let mut mixed = 0;
    for (old, new) in lost.iter().zip(recovered.signing_shares()) {
        // The lost phone with the server of today.
        let (_, server) = custodian.beside(new).await?;
        if sign(old, &server).is_ok() {
            return Err("an old and a new share have signed".into());
        }
        mixed += 1;
    }
    say("  the lost phone's shares sign nothing with the server's of today");
    custodian.stop().await;
    Ok(Told { keys, signatures: [before, after], mixed })
}

/// The app has signed with FROST since long ago: its phone and its server have key packages.
async fn adopt(phone: &Client, custodian: &Custodian) -> Result<Wallet> {
    say("\nA wallet that FROST generated before twoshare was there.");
    let (taproot, ed25519) = (generate::<Secp256K1Sha256TR>()?, generate::<Ed25519Sha512>()?);

    // From here on it is twoshare's wallet, and this is its first signing epoch.
    let id = WalletId::make(&mut twoshare::rng());
    let sharing = Sharing { wallet: id, purpose: Purpose::Signing, epoch: Epoch::FIRST };
    let (first, second) = (KeyId { sharing, index: 0 }, KeyId { sharing, index: 1 });
    // On the phone …
    let mine = vec![
        on_secp256k1::client_share(first, &Default::default(), &taproot.phone, &taproot.public)?
            .into(),
        on_ed25519::client_share(second, &Default::default(), &ed25519.phone, &ed25519.public)?
            .into(),
    ];
    // … and on the server.
    let theirs = vec![
        on_secp256k1::custodian_share(
            first,
            &Default::default(),
            &taproot.server,
            &taproot.public,
        )?
        .into(),
        on_ed25519::custodian_share(second, &Default::default(), &ed25519.server, &ed25519.public)?
            .into(),
    ];
    custodian.adopt(id, theirs).await?;
    Ok(phone.adopt_wallet(id, mine, None).await?)
}

/// A signature under each key, with what phone and server have today.
async fn sign_with_each(wallet: &Wallet, custodian: &Custodian) -> Result<Vec<Vec<u8>>> {
    let mut signatures = Vec::new();
    for mine in wallet.signing_shares() {
        let (mine, theirs) = custodian.beside(mine).await?;
        let signature = sign(&mine, &theirs)?;
        say(format_args!("  signed with FROST: {}", short(&signature)));
        signatures.push(signature);
    }
    Ok(signatures)
}

/// FROST's signing between phone and server, each with its own share.
fn sign(mine: &AnyClientShare, theirs: &AnyCustodianShare) -> Result<Vec<u8>> {
    match mine.curve() {
        CurveId::Secp256k1 => Ok(sign_with(
            &on_secp256k1::client_key_package(mine)?,
            &on_secp256k1::custodian_key_package(theirs)?,
            &on_secp256k1::public_key_package(mine)?,
        )?),
        CurveId::Ed25519 => Ok(sign_with(
            &on_ed25519::client_key_package(mine)?,
            &on_ed25519::custodian_key_package(theirs)?,
            &on_ed25519::public_key_package(mine)?,
        )?),
    }
}

/// What FROST's key generation leaves on each side.
struct Generated<S: Ciphersuite> {
    phone: KeyPackage<S>,
    server: KeyPackage<S>,
    public: PublicKeyPackage<S>,
}

/// FROST's own distributed key generation, between party 1 and party 2.
fn generate<S: Ciphersuite>() -> std::result::Result<Generated<S>, Error<S>> {
    let phone = Identifier::try_from(1)?;
    let server = Identifier::try_from(2)?;
    let (phone_1, from_phone) = dkg::part1::<S, _>(phone, 2, 2, OsRng)?;
    let (server_1, from_server) = dkg::part1::<S, _>(server, 2, 2, OsRng)?;
    let (from_phone, from_server) =
        (BTreeMap::from([(phone, from_phone)]), BTreeMap::from([(server, from_server)]));
    let (phone_2, mut to_server) = dkg::part2(phone_1, &from_server)?;
    let (server_2, mut to_phone) = dkg::part2(server_1, &from_phone)?;
    let at_phone = to_phone.remove(&phone).map(|package| (server, package));
    let at_server = to_server.remove(&server).map(|package| (phone, package));
    let (phone, public) = dkg::part3(&phone_2, &from_server, &at_phone.into_iter().collect())?;
    let (server, _) = dkg::part3(&server_2, &from_phone, &at_server.into_iter().collect())?;
    Ok(Generated { phone, server, public })
}

/// FROST's own signing in two rounds. In an app, what goes from one side to the other are the commitments and
/// the signature share.
fn sign_with<S: Ciphersuite>(
    phone: &KeyPackage<S>,
    server: &KeyPackage<S>,
    public: &PublicKeyPackage<S>,
) -> std::result::Result<Vec<u8>, Error<S>> {
    let (phone_nonces, phone_commitments) = round1::commit(phone.signing_share(), &mut OsRng);
    let (server_nonces, server_commitments) = round1::commit(server.signing_share(), &mut OsRng);
    let commitments = BTreeMap::from([
        (*phone.identifier(), phone_commitments),
        (*server.identifier(), server_commitments),
    ]);
    let package = SigningPackage::new(commitments, MESSAGE);
    let shares = BTreeMap::from([
        (*phone.identifier(), round2::sign(&package, &phone_nonces, phone)?),
        (*server.identifier(), round2::sign(&package, &server_nonces, server)?),
    ]);
    aggregate(&package, &shares, public)?.serialize()
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "in a test a panic is the failure"
    )]

    use super::*;

    async fn is_told(origin: Origin) {
        let told = story(origin).await.unwrap();
        assert_eq!(told.mixed, 2);
        let bip340 = k256::schnorr::VerifyingKey::from_slice(&told.keys[0][1..]).unwrap();
        let ed25519 = told.keys[1].as_slice().try_into().unwrap();
        let ed25519 = ed25519_dalek::VerifyingKey::from_bytes(ed25519).unwrap();
        for signatures in &told.signatures {
            let signature = k256::schnorr::Signature::try_from(signatures[0].as_slice()).unwrap();
            bip340.verify_raw(MESSAGE, &signature).unwrap();
            let signature = ed25519_dalek::Signature::from_slice(&signatures[1]).unwrap();
            ed25519.verify_strict(MESSAGE, &signature).unwrap();
        }
    }

    #[tokio::test]
    async fn a_wallet_of_before_signs_after_the_recovery() {
        is_told(Origin::Before).await;
    }

    #[tokio::test]
    async fn a_wallet_of_ours_signs_after_the_recovery() {
        is_told(Origin::Created).await;
    }
}
