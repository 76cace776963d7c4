//! Handles secrets through the public API, drops them, and looks for them in its own memory.
//!
//! The test `forgotten` runs one scenario per process. Exit code 0: nothing was found; 1: what is
//! printed was found; 2: no such scenario, or this is not Linux.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    return linux::main();
    #[cfg(not(target_os = "linux"))]
    return ExitCode::from(2);
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{hint::black_box, process::ExitCode};

    use pollster::block_on;
    use rand::{SeedableRng as _, rngs::ChaCha20Rng};
    use twoshare::{
        Client, Exported, Import, Wallet,
        core::{
            curve::AnySigningKey,
            envelope::{Envelope, Expected, Header, Payload, Slot, SlotTable, VouchedBy, seal},
            id::{CurveId, WalletKind},
            method::{Password, RecoveryCode},
            store::{MemoryStore, Operator},
        },
        protocol::memory::MemoryCustodian,
    };
    use twoshare_core::{
        channel::{ClientChannel, CustodianChannel, EphemeralSecret, Step},
        curve::{Curve, Ed25519, Secp256k1, SigningKey},
        id::{Epoch, Purpose, Sharing, WalletId},
        identity::{CustodianKeys, SigningDomain},
        sealed::{SealedSecret, SecretKind, WalletSecret},
        secret::SecretBytes,
        share::{ClientShare, CustodianShare, KeyId, reconstruct, split},
    };
    use twoshare_tests::memory::{MASK, Trace, search};

    pub(crate) fn main() -> ExitCode {
        let mut args = std::env::args().skip(1);
        let (scenario, file) = (args.next().unwrap_or_default(), args.next().unwrap_or_default());
        let mut traces = Vec::new();
        match scenario.as_str() {
            "leak" => leak(&mut traces),
            "stack" => stack(&mut traces),
            "share-secp256k1" => share::<Secp256k1>(&mut traces),
            "share-ed25519" => share::<Ed25519>(&mut traces),
            "channel" => channel(&mut traces),
            "seed" => seed(&mut traces),
            "mnemonic" => mnemonic(&mut traces),
            // Choosing a password is apart from opening with it: judging it leaves pieces behind.
            "choose-password" => choose_password(&file),
            "open-with-password" => open_with_password(&file, &mut traces),
            "single-key" => single_key(&mut traces),
            "mpc" => mpc(&mut traces),
            _ => return ExitCode::from(2),
        }
        let findings = search(&traces).expect("a process may read its own memory");
        for finding in &findings {
            println!("{finding}");
        }
        if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Bytes that are nowhere in this program in the clear.
    fn unmasked(masked: &[u8]) -> SecretBytes {
        let mut secret = SecretBytes::with_capacity(masked.len());
        for byte in masked {
            secret.extend(&[byte ^ MASK]);
        }
        secret
    }

    /// What the search must find: freed memory that nobody has wiped.
    fn leak(traces: &mut Vec<Trace>) {
        let masked = black_box(*b"0123456789 some bytes to be left behind 98765432");
        traces.push(Trace::of_masked("left behind", &masked));
        // In the middle of a larger piece, whose first bytes the allocator uses when it is freed.
        let mut plain = vec![0; 256];
        // Exposed to be left behind.
        plain.extend_from_slice(unmasked(&masked).expose_secret());
        drop(black_box(plain));
    }

    /// What the search must find: a local variable that nobody has wiped.
    fn stack(traces: &mut Vec<Trace>) {
        let masked = black_box(*b"0123456789 some bytes to be left behind 98765432");
        traces.push(Trace::of_masked("left behind", &masked));
        black_box(masked.map(|byte| byte ^ MASK));
    }

    /// A key is shared, its shares are written, read, and put together again.
    fn share<C: Curve>(traces: &mut Vec<Trace>) {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let key = SigningKey::<C>::make(&mut rng);
        let sharing = Sharing {
            wallet: WalletId::make(&mut rng),
            purpose: Purpose::Backup,
            epoch: Epoch::FIRST,
        };
        let (client, custodian) = split(&key, KeyId { sharing, index: 0 }, &mut rng);
        // Exposed only to be looked for.
        traces.push(Trace::of("key", key.expose_secret().expose_secret()));
        traces.push(Trace::of("client share", client.expose_secret().expose_secret()));
        traces.push(Trace::of("custodian share", custodian.expose_secret().expose_secret()));

        // Written and read again, as it is when it crosses a store.
        let client = ClientShare::<C>::from_bytes(client.to_bytes().expose_secret());
        let custodian = CustodianShare::<C>::from_bytes(custodian.to_bytes().expose_secret());
        let (client, custodian) = (client.expect("just written"), custodian.expect("just written"));
        let again = reconstruct(&client, &custodian, key.verifying_key()).expect("of one sharing");
        assert!(!format!("{again:?}{client:?}{custodian:?}").is_empty());
    }

    /// A message crosses the channel, both ends of which are here.
    fn channel(traces: &mut Vec<Trace>) {
        let masked = black_box(*b"0123456789 the share that crosses in between 987");
        traces.push(Trace::of_masked("message", &masked));
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let keys = CustodianKeys::make(&mut rng);
        let (ours, theirs) = (EphemeralSecret::make(&mut rng), EphemeralSecret::make(&mut rng));
        // Exposed only to be looked for.
        traces.push(Trace::of("custodian's keys", keys.to_bytes().expose_secret()));
        traces.push(Trace::of("client's ephemeral", ours.to_bytes().expose_secret()));
        traces.push(Trace::of("custodian's ephemeral", theirs.to_bytes().expose_secret()));

        let client = ClientChannel::new(&ours, &theirs.public_key(), keys.identity(), b"context");
        let custodian = CustodianChannel::new(&theirs, &ours.public_key(), &keys, b"context");
        // Exposed to be sealed, there and back.
        let sealed = client.seal(Step::FIRST, unmasked(&masked).expose_secret(), &mut rng);
        let message = custodian.open(Step::FIRST, &sealed.expect("it is short")).expect("intact");
        let sealed = custodian.seal(Step::FIRST, message.expose_secret(), &mut rng);
        client.open(Step::FIRST, &sealed.expect("it is short")).expect("intact");
        let _ = keys.sign(SigningDomain::ROTATION, b"anything");
        let again = CustodianKeys::from_bytes(keys.to_bytes().expose_secret());
        assert!(again.is_ok() && !format!("{keys:?}{ours:?}{client:?}{custodian:?}").is_empty());
    }

    /// An Ed25519 seed is sealed, written, and opened again.
    fn seed(traces: &mut Vec<Trace>) {
        let masked = black_box(*b"0123456789 seed of 32 bytes 9876");
        seal_secret(traces, SecretKind::Ed25519Seed, &masked);
    }

    /// So is a mnemonic, one of the vectors of BIP-39.
    fn mnemonic(traces: &mut Vec<Trace>) {
        let masked = black_box(*MASKED_WORDS);
        seal_secret(traces, SecretKind::Mnemonic, &masked);
    }

    fn seal_secret(traces: &mut Vec<Trace>, kind: SecretKind, masked: &[u8]) {
        traces.push(Trace::of_masked("secret", masked));
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let wallet = WalletId::make(&mut rng);
        let secret = WalletSecret::new(kind, "label", unmasked(masked)).expect("of its kind");
        let (key, sealed) = SealedSecret::seal(wallet, 0, &secret, &mut rng);
        // Exposed only to be looked for.
        traces.push(Trace::of("key", key.expose_secret().expose_secret()));
        let sealed = SealedSecret::from_bytes(&sealed.to_bytes()).expect("just written");
        let opened = sealed.open(wallet, 0, &key).expect("just sealed");
        assert!(
            opened.bytes().len() == masked.len() && !format!("{opened:?}{secret:?}").is_empty()
        );
    }

    /// A single-key wallet is imported, backed up, recovered with each method, and exported.
    fn single_key(traces: &mut Vec<Trace>) {
        let masked = black_box(*b"0123456789 seed of 32 bytes 9876");
        traces.push(Trace::of_masked("seed", &masked));
        let key = SigningKey::<Secp256k1>::make(&mut ChaCha20Rng::seed_from_u64(4));
        // Exposed only to be looked for.
        traces.push(Trace::of("key", key.expose_secret().expose_secret()));
        let seed = WalletSecret::new(SecretKind::Ed25519Seed, "seed", unmasked(&masked));
        let imports = vec![Import::Key(key), Import::Secret(seed.expect("32 bytes"))];
        tell(
            traces,
            |client, _| client.import_wallet(imports).expect("within the bounds"),
            |wallet| {
                let exported = wallet.export().expect("just recovered");
                assert!(matches!(&exported[..], [Exported::Key(_), Exported::Secret(_)]));
            },
        );
    }

    /// An MPC wallet is created, backed up, and recovered with each method.
    fn mpc(traces: &mut Vec<Trace>) {
        let mut shares = Vec::new();
        let make = |client: &Client, traces: &mut Vec<Trace>| {
            let curves = [CurveId::Secp256k1, CurveId::Ed25519];
            let wallet = block_on(client.create_wallet(&curves)).expect("an honest custodian");
            trace_shares("first signing share", &wallet, traces);
            wallet
        };
        tell(traces, make, |wallet| trace_shares("new signing share", wallet, &mut shares));
        traces.append(&mut shares);
    }

    fn trace_shares(name: &str, wallet: &Wallet, traces: &mut Vec<Trace>) {
        for share in wallet.signing_shares() {
            // Exposed only to be looked for.
            traces.push(Trace::of(name, share.expose_secret().expose_secret()));
        }
    }

    /// The life of a wallet with a custodian and a store that are here too, and end here.
    fn tell(
        traces: &mut Vec<Trace>,
        make: impl FnOnce(&Client, &mut Vec<Trace>) -> Wallet,
        mut recovered: impl FnMut(&Wallet),
    ) {
        let custodian = MemoryCustodian::start(ChaCha20Rng::seed_from_u64(5));
        let client = Client::new(custodian.login("user"), custodian.identity(), "user")
            .with_store(MemoryStore::new(), Operator::User);
        let password = password();
        let code = RecoveryCode::make(&mut ChaCha20Rng::seed_from_u64(6));
        traces.push(Trace::of("recovery code", code.to_text().as_bytes()));

        let mut wallet = make(&client, traces);
        block_on(client.backup(&mut wallet, &[&password, &code])).expect("all are honest");
        let id = wallet.id();
        drop(wallet);
        let wallet = block_on(client.recover(id, &password, VouchedBy::Method));
        recovered(&wallet.expect("all are honest"));
        let typed = RecoveryCode::from_text(&code.to_text()).expect("just written");
        let wallet = block_on(client.recover(id, &typed, VouchedBy::Method));
        recovered(&wallet.expect("all are honest"));
        assert!(!format!("{password:?}{code:?}").is_empty());
    }

    /// Twelve words as a password.
    fn password() -> Password {
        let words = unmasked(&black_box(*MASKED_WORDS));
        // Exposed to be normalised.
        let words = str::from_utf8(words.expose_secret()).expect("words are ASCII");
        Password::new(words).expect("long, and of common letters")
    }

    /// Writes an envelope that the password opens.
    fn choose_password(file: &str) {
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let wallet = WalletId::make(&mut rng);
        let sharing = Sharing { wallet, purpose: Purpose::Backup, epoch: Epoch::FIRST };
        let key = AnySigningKey::make(CurveId::Ed25519, &mut rng);
        let (share, _) = key.split(KeyId { sharing, index: 0 }, &mut rng);
        let payload = Payload {
            kind: WalletKind::SingleKey,
            keys: vec![share],
            secrets: Vec::new(),
            attachments: Vec::new(),
            custodian: *CustodianKeys::make(&mut rng).identity(),
        };
        let mut slots = SlotTable::new();
        let slot = block_on(Slot::make(&password(), wallet, &[key.verifying_key()], &mut rng));
        slots.add(slot.expect("a good password")).expect("the first of 16");
        let header = Header::new(wallet, Epoch::FIRST, 0);
        let sealed = seal(&header, &payload, &slots, &mut rng).expect("within the bounds");
        std::fs::write(file, sealed.bytes).expect("the test's own folder");
    }

    /// Opens it.
    fn open_with_password(file: &str, traces: &mut Vec<Trace>) {
        traces.push(Trace::of_masked("password", &black_box(*MASKED_WORDS)));
        let envelope = std::fs::read(file).expect("written before");
        let envelope = Envelope::from_bytes(&envelope).expect("just sealed");
        let opened = block_on(envelope.open(&password(), &Expected::default()));
        let opened = opened.expect("the same password");
        for share in &opened.payload.keys {
            // Exposed only to be looked for.
            traces.push(Trace::of("backup share", share.expose_secret().expose_secret()));
        }
        assert!(!format!("{opened:?}").is_empty());
    }

    /// Twelve words, masked by hand so that no constant of this program has them in the clear:
    /// legal, winner, thank, year, wave, sausage, worth, useful, legal, winner, thank, yellow.
    const MASKED_WORDS: &[u8; 75] = b"\
        \xcb\xc2\xc0\xc6\xcb\x87\xd0\xce\xc9\xc9\xc2\xd5\x87\xd3\xcf\xc6\xc9\xcc\x87\xde\
        \xc2\xc6\xd5\x87\xd0\xc6\xd1\xc2\x87\xd4\xc6\xd2\xd4\xc6\xc0\xc2\x87\xd0\xc8\xd5\
        \xd3\xcf\x87\xd2\xd4\xc2\xc1\xd2\xcb\x87\xcb\xc2\xc0\xc6\xcb\x87\xd0\xce\xc9\xc9\
        \xc2\xd5\x87\xd3\xcf\xc6\xc9\xcc\x87\xde\xc2\xcb\xcb\xc8\xd0\
";
}
