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

    use rand::{SeedableRng as _, rngs::ChaCha20Rng};
    use twoshare_core::{
        channel::{ClientChannel, CustodianChannel, EphemeralSecret, Step},
        curve::{Curve, Ed25519, Secp256k1, SigningKey},
        id::{Epoch, Purpose, Sharing, WalletId},
        identity::{CustodianKeys, SigningDomain},
        secret::SecretBytes,
        share::{ClientShare, CustodianShare, KeyId, reconstruct, split},
    };
    use twoshare_tests::memory::{MASK, Trace, search};

    pub(crate) fn main() -> ExitCode {
        let scenario = std::env::args().nth(1).unwrap_or_default();
        let mut traces = Vec::new();
        match scenario.as_str() {
            "leak" => leak(&mut traces),
            "stack" => stack(&mut traces),
            "share-secp256k1" => share::<Secp256k1>(&mut traces),
            "share-ed25519" => share::<Ed25519>(&mut traces),
            "channel" => channel(&mut traces),
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
}
