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
    use std::{convert::Infallible, hint::black_box, process::ExitCode, sync::Arc};

    use pollster::block_on;
    use rand::{CryptoRng, TryCryptoRng, TryRng};
    use twoshare::{
        Client, Exported, Import, MemoryDevice, Method, Place, Recovered, Recovery, StoreId,
        Wallet,
        core::{
            curve::AnySigningKey,
            envelope::{Envelope, Expected, Header, Payload, Slot, SlotTable, seal},
            id::{CurveId, WalletKind},
            method::{BackupMethod, Identity as _, Password, RecoveryCode, SoftwareIdentity},
            store::{MemoryStore, Operator},
        },
        protocol::memory::MemoryCustodian,
    };
    use twoshare_core::{
        base32,
        channel::{ClientChannel, CustodianChannel, EphemeralSecret, Step},
        curve::{Curve, Ed25519, Secp256k1, SigningKey},
        id::{Epoch, Purpose, Sharing, WalletId},
        identity::{CustodianKeys, SigningDomain},
        sealed::{SealedSecret, SecretKind, WalletSecret},
        secret::SecretBytes,
        share::{ClientShare, CustodianShare, KeyId, reconstruct, split},
    };
    use twoshare_tests::memory::{MASK, Trace, search};

    /// Straight from the system: a generator with a buffer would leave there what it gave out.
    use twoshare::rng as randomness;

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
            "identity" => identity(&mut traces),
            "content-key" => content_key(&mut traces),
            "channel-keys" => channel_keys(&mut traces),
            "sealing-key" => sealing_key(&mut traces),
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
        let mut rng = randomness();
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
        let mut rng = randomness();
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
        let mut rng = randomness();
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
        let key = SigningKey::<Secp256k1>::make(&mut randomness());
        // Exposed only to be looked for.
        traces.push(Trace::of("key", key.expose_secret().expose_secret()));
        let seed = WalletSecret::new(SecretKind::Ed25519Seed, "seed", unmasked(&masked));
        let imports = vec![Import::Key(key), Import::Secret(seed.expect("32 bytes"))];
        tell(
            traces,
            |client, _| block_on(client.import_wallet(imports, None)).expect("within the bounds"),
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
            let wallet =
                block_on(client.create_wallet(&curves, None)).expect("an honest custodian");
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

    /// A method's identity is derived from its secret, and agrees with another's. What it derives was
    /// computed with Python's integers.
    fn identity(traces: &mut Vec<Trace>) {
        const SCALAR: &[u8; 32] =
            b"\xa4\x81\xad\xb6\x56\xe0\xb2\x39\x64\x21\x46\x40\xcd\xb4\xb1\x4a\
            \x2a\xb0\x07\xb7\xe7\x99\x4f\x6b\x26\xf5\xd8\x02\x16\x45\xb3\xfb";
        const OTHER: &[u8; 32] =
            b"\x60\x6a\xee\x74\xcd\x06\xa1\x27\x55\x22\xf9\x21\x7c\x08\x2d\x78\
            \x22\xa0\x13\x8b\x23\x62\xeb\x1e\xdc\xed\x8d\x18\x46\x2e\xfd\xc6";
        const AGREED: &[u8; 32] =
            b"\xde\x0e\x1f\xe6\xce\x89\x48\xd7\x16\xca\xdd\xdd\xd4\xbd\x4c\xf7\
            \x87\x34\xc5\x1b\x05\xe0\xf4\xfe\x22\x83\x52\x08\xd0\x01\x7f\xcc";
        traces.push(Trace::of_masked("scalar", SCALAR));
        traces.push(Trace::of_masked("other scalar", OTHER));
        traces.push(Trace::of_masked("agreed", AGREED));
        let derive = |masked: &[u8]| {
            Box::new(SoftwareIdentity::derive(&unmasked(masked), b"salt", "domain"))
        };
        let one = derive(&b"0123456789 of an identity 987654".map(|byte| byte ^ MASK));
        let other = derive(&b"another identity's secret bytes!".map(|byte| byte ^ MASK));
        block_on(one.agree(&other.public_key())).expect("it is in memory");
    }

    fn trace_code(traces: &mut Vec<Trace>, code: &RecoveryCode) {
        let shown = code.to_text();
        traces.push(Trace::of("code as text", shown.as_bytes()));
        // The 28 digits, and the 128 bits that they are of.
        let mut digits = SecretBytes::with_capacity(28);
        let groups = shown.split('-').flat_map(|group| group.chars().take(4));
        groups.for_each(|c| digits.extend(&[base32::digit(c).expect("just written")]));
        let mut entropy = SecretBytes::with_capacity(16);
        for byte in 0..16_usize {
            let bit =
                |at: usize| digits.expose_secret().get(at / 5).map_or(0, |d| d >> (4 - at % 5) & 1);
            entropy.extend(&[(0..8).fold(0, |value, at| value << 1 | bit(8 * byte + at))]);
        }
        traces.push(Trace::of("code's digits", digits.expose_secret()));
        traces.push(Trace::of("code's entropy", entropy.expose_secret()));
    }

    fn trace_custodian(traces: &mut Vec<Trace>, custodian: &MemoryCustodian) {
        for share in custodian.hazmat_stored_shares() {
            // Exposed only to be looked for.
            traces.push(Trace::of("custodian's share", share.expose_secret().expose_secret()));
        }
    }

    /// The life of a wallet with a custodian and a store that are here too, and end here.
    fn tell(
        traces: &mut Vec<Trace>,
        make: impl FnOnce(&Client, &mut Vec<Trace>) -> Wallet,
        mut recovered: impl FnMut(&Wallet),
    ) {
        let custodian = MemoryCustodian::start(randomness());
        let store: StoreId = "memory".parse().expect("a name");
        let client = Client::builder()
            .custodian(custodian.login("user"))
            .pinned(custodian.identity())
            .user("user")
            .device(MemoryDevice::new())
            .store(store, Place::store(MemoryStore::new(), Operator::User))
            .build()
            .expect("it has a store");
        let password: Method = Arc::new(password());
        let code = RecoveryCode::make(&mut randomness());
        trace_code(traces, &code);
        let text = code.to_text();
        let code: Method = Arc::new(code);

        let wallet = make(&client, traces);
        let methods = [Arc::clone(&password), Arc::clone(&code)];
        block_on(client.backup(wallet.id(), &methods)).expect("all are honest");
        trace_custodian(traces, &custodian);
        let opened = block_on(client.open(wallet.id(), &code)).expect("all are honest");
        for share in &opened.payload.keys {
            // Exposed only to be looked for.
            traces.push(Trace::of("backup share", share.expose_secret().expose_secret()));
        }
        drop(opened);
        let id = wallet.id();
        drop(wallet);
        // On the same device, which keeps no record of what it had.
        let recover = |method: Method| match block_on(client.recover(id, Recovery::with(method)))
            .expect("all are honest")
        {
            Recovered::Done(wallet) => wallet,
            Recovered::Waiting(waiting) => panic!("nobody waits here: {waiting:?}"),
        };
        recovered(&recover(Arc::clone(&password)));
        trace_custodian(traces, &custodian);
        let typed = RecoveryCode::from_text(&text).expect("just written");
        recovered(&recover(Arc::new(typed)));
        assert!(!format!("{password:?}{code:?}").is_empty());
    }

    /// Twelve words as a password.
    fn password() -> Password {
        let words = unmasked(&black_box(*MASKED_WORDS));
        // Exposed to be normalised.
        let words = str::from_utf8(words.expose_secret()).expect("words are ASCII");
        Password::new(words).expect("long, and of common letters")
    }

    /// Random numbers that leave no traces of themselves: the call and the place say what they are.
    struct Told(u8);

    impl Told {
        const fn byte(call: u8, place: usize) -> u8 {
            let number =
                (call as u32).wrapping_mul(0x9e37_79b1) ^ (place as u32).wrapping_mul(0x85eb_ca6b);
            let number = (number ^ (number >> 15)).wrapping_mul(0x2c1b_3c6d);
            (number >> 24) as u8
        }
    }

    impl TryRng for Told {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            self.try_next_u64().map(|number| number as u32)
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            self.0 = self.0.wrapping_add(1);
            Ok(u64::from(self.0) << 40)
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            self.0 = self.0.wrapping_add(1);
            bytes.iter_mut().enumerate().for_each(|(at, byte)| *byte = Self::byte(self.0, at));
            Ok(())
        }
    }

    impl TryCryptoRng for Told {}

    /// The keys that a channel derives; computed with Python.
    fn channel_keys(traces: &mut Vec<Trace>) {
        const EPHEMERAL: &[u8; 32] = b"\x97\x96\x95\x94\x93\x92\x91\x90\x9f\x9e\x87\xd3\xcf\xc2\x87\xc4\xcb\xce\xc2\xc9\xd3\x80\xd4\x87\xc8\xd0\xc9\x87\xcc\xc2\xde\x86";
        const WITH_EPHEMERAL: &[u8; 32] = b"\x06\x6d\x3b\x55\xc2\x83\xe6\xf7\xb0\xbd\x6e\x10\xb6\x62\x77\x59\x98\xcb\x24\xb5\x2a\xdf\x24\x73\x62\x86\x01\xed\x73\x00\x87\x2d";
        const WITH_IDENTITY: &[u8; 32] = b"\x21\xa2\x90\x89\xd5\xdf\xfc\x45\x10\x56\x1f\xd7\xf8\xc5\x44\x1f\xfb\x8e\xce\x2f\x3a\x34\xce\x2b\x7b\xa4\xe5\xa9\xa3\xde\xb2\xb5";
        const EXTRACTED: &[u8; 32] = b"\x1f\x87\xb6\xf5\x78\x89\x40\x33\x22\xae\x4a\xbc\xff\xa9\x4d\xb2\xc1\xcd\x06\x6d\x7e\xb1\x38\xa8\xb7\xdf\xaf\x1d\xac\x53\x17\xbd";
        const MESSAGE: &[u8; 32] = b"\xea\x6a\x4a\x7d\x6b\x80\xf5\x24\xe0\xe9\x72\x3f\x12\x35\xb4\x7d\xb1\xa0\x9c\x38\x2c\x0e\x50\x1c\x4c\xfc\x12\x2c\xc0\x2a\x3d\xcf";
        traces.push(Trace::of_masked("client's ephemeral", EPHEMERAL));
        traces.push(Trace::of_masked("agreed with the ephemeral", WITH_EPHEMERAL));
        traces.push(Trace::of_masked("agreed with the identity", WITH_IDENTITY));
        traces.push(Trace::of_masked("extracted", EXTRACTED));
        traces.push(Trace::of_masked("message key", MESSAGE));
        let masked = |text: &[u8; 32]| text.map(|byte| byte ^ MASK);
        let versioned = |masked: &[&[u8]]| {
            let mut bytes = SecretBytes::from([1].as_slice());
            masked.iter().for_each(|masked| bytes.extend(unmasked(masked).expose_secret()));
            bytes
        };
        let ephemeral = |text: &[u8; 32]| {
            EphemeralSecret::from_bytes(versioned(&[&masked(text)]).expose_secret())
        };
        let keys = [b"a signing key of a custodian 987", b"a sealing key of a custodian 123"];
        let keys = versioned(&keys.map(masked).each_ref().map(|key| key.as_slice()));
        let keys = CustodianKeys::from_bytes(keys.expose_secret()).expect("two numbers");
        let ours = ephemeral(b"0123456789 the client's own key!").expect("a number");
        let theirs = ephemeral(b"the custodian's own for one time").expect("a number");
        let client = ClientChannel::new(&ours, &theirs.public_key(), keys.identity(), b"context");
        let custodian = CustodianChannel::new(&theirs, &ours.public_key(), &keys, b"context");
        let sealed = client.seal(Step::FIRST, b"not looked for", &mut Told(209));
        custodian.open(Step::FIRST, &sealed.expect("it is short")).expect("intact");
    }

    /// A secret is sealed under a key that is derived from a new scalar; both computed with Python.
    fn sealing_key(traces: &mut Vec<Trace>) {
        const SCALAR: &[u8; 32] =
            b"\xed\x95\x5f\xa8\x81\xdb\xed\xb0\xfc\xac\x1e\xfb\x6d\x11\xd5\xda\
            \x87\x83\x9e\x37\x05\x88\x7e\x3d\x49\x3a\x75\xd8\x81\x5e\x57\x84";
        const KEY: &[u8; 32] = b"\x7b\x66\x68\x5a\x77\x82\xd9\xe3\x60\x09\xa2\x3f\xcb\x5b\x84\x82\
            \x6a\xf0\x3b\x20\x19\xcc\x1c\x10\xdd\x97\x0a\xe2\x8a\x04\xe0\xaf";
        traces.push(Trace::of_masked("scalar", SCALAR));
        traces.push(Trace::of_masked("sealing key", KEY));
        let wallet = WalletId::from_bytes([7; 16]);
        let secret =
            WalletSecret::new(SecretKind::Opaque, "label", b"not looked for".as_slice().into());
        let secret = secret.expect("within the bounds");
        let (key, sealed) = SealedSecret::seal(wallet, 0, &secret, &mut Told(200));
        sealed.open(wallet, 0, &key).expect("just sealed");
    }

    /// An envelope is sealed, tested and opened. Its content key is the first that is drawn.
    fn content_key(traces: &mut Vec<Trace>) {
        let masked: Vec<u8> = (0..32).map(|place| Told::byte(101, place) ^ MASK).collect();
        traces.push(Trace::of_masked("content key", &masked));
        let mut rng = randomness();
        let code = RecoveryCode::make(&mut rng);
        trace_code(traces, &code);
        let (header, payload, slots) = envelope_of(&code, &mut rng);
        let sealed = seal(&header, &payload, &slots, &mut Told(100)).expect("within the bounds");
        sealed.keys.test_open(&sealed.bytes).expect("just sealed");
        let envelope = Envelope::from_bytes(&sealed.bytes).expect("just sealed");
        block_on(envelope.open(&code, &Expected::default())).expect("the same code");
    }

    fn envelope_of(
        method: &dyn BackupMethod,
        rng: &mut (impl CryptoRng + Send),
    ) -> (Header, Payload, SlotTable) {
        let wallet = WalletId::make(rng);
        let sharing = Sharing { wallet, purpose: Purpose::Backup, epoch: Epoch::FIRST };
        let key = AnySigningKey::make(CurveId::Ed25519, rng);
        let (share, _) = key.split(KeyId { sharing, index: 0 }, rng);
        let payload = Payload {
            kind: WalletKind::SingleKey,
            keys: vec![share],
            secrets: Vec::new(),
            attachments: Vec::new(),
            custodian: *CustodianKeys::make(rng).identity(),
        };
        let mut slots = SlotTable::new();
        let slot = block_on(Slot::make(method, wallet, &[key.verifying_key()], rng));
        slots.add(slot.expect("a good method")).expect("the first of 16");
        (Header::new(wallet, Epoch::FIRST, 0), payload, slots)
    }

    /// Writes an envelope that the password opens.
    fn choose_password(file: &str) {
        let mut rng = randomness();
        let (header, payload, slots) = envelope_of(&password(), &mut rng);
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
