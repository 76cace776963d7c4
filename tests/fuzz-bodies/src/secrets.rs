//! Secrets that are not scalars, and attachments.

use std::sync::LazyLock;

use twoshare_core::{
    attachment::Attachment,
    curve::{Secp256k1, SigningKey},
    id::WalletId,
    sealed::{SealedSecret, SecretKind, WalletSecret},
    secret::SecretBytes,
};

use crate::{Target, assert_canonical, rng};

const WALLET: WalletId = WalletId::from_bytes([9; 16]);

/// A sealed secret and the key that opens it. Made for this; it is nobody's.
static SEALED: LazyLock<(SigningKey<Secp256k1>, SealedSecret)> = LazyLock::new(|| {
    let secret = WalletSecret::new(SecretKind::Opaque, "seed", SecretBytes::from(vec![3; 100]));
    SealedSecret::seal(WALLET, 0, &secret.expect("within the bounds"), &mut rng())
});

pub(crate) const SEALED_SECRET: Target = Target {
    name: "sealed_secret",
    body: |bytes| {
        let Ok(read) = SealedSecret::from_bytes(bytes) else { return };
        assert_canonical(bytes, &read.to_bytes());
        let (key, sealed) = &*SEALED;
        if read.open(WALLET, 0, key).is_ok() {
            assert_eq!(read, *sealed, "opened something else than was sealed");
        }
    },
    seeds: || vec![SEALED.1.to_bytes()],
};

pub(crate) const WALLET_SECRET: Target = Target {
    name: "wallet_secret",
    body: |bytes| {
        for kind in SecretKind::ALL {
            if let Ok(secret) = WalletSecret::new(*kind, "fuzz", SecretBytes::from(bytes)) {
                // Seen here because they are the fuzzer's own bytes.
                assert_canonical(bytes, secret.bytes().expose_secret());
            }
        }
    },
    seeds: || {
        // The first vector of BIP-39.
        let words = "abandon ".repeat(11) + "about";
        vec![vec![7; 32], words.into_bytes()]
    },
};

pub(crate) const ATTACHMENT: Target = Target {
    name: "attachment",
    body: |bytes| {
        let Ok(attachment) = Attachment::from_bytes(bytes) else { return };
        // Seen here because they are the fuzzer's own bytes.
        assert_canonical(bytes, attachment.to_bytes().expose_secret());
    },
    seeds: || {
        let durable = Attachment::durable("chain code", SecretBytes::from(vec![4; 32]));
        let attachments = [durable, Attachment::per_device("paillier")];
        let written = attachments.map(|attachment| attachment.expect("within the bounds"));
        written.iter().map(|attachment| attachment.to_bytes().expose_secret().to_vec()).collect()
    },
};
