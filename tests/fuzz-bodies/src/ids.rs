//! Ids and the base 32 that they are written in.

use twoshare_core::{base32, id::WalletId};

use crate::Target;

pub(crate) const BASE32: Target = Target {
    name: "base32",
    body: |bytes| {
        let Some(decoded) = base32::decode(&String::from_utf8_lossy(bytes)) else { return };
        let text = base32::group(&base32::encode(&decoded), 5);
        assert_eq!(base32::decode(&text), Some(decoded));
    },
    seeds: || vec![base32::encode(&[0xa5; 16]).into_bytes(), b"".to_vec(), b"00000-OIL11".to_vec()],
};

pub(crate) const WALLET_ID: Target = Target {
    name: "wallet_id",
    body: |bytes| {
        let Ok(id) = String::from_utf8_lossy(bytes).parse::<WalletId>() else { return };
        assert_eq!(id.to_string().parse(), Ok(id));
    },
    seeds: || vec![WalletId::from_bytes([7; 16]).to_string().into_bytes()],
};
