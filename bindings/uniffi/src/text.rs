//! Checked texts. On the border they are strings; an app makes one by parsing it, so that what is none is
//! an error there and not somewhere later.

use twoshare::{
    StoreId,
    core::{
        check_code::CheckCode,
        digest::Digest,
        envelope::SlotId,
        id::{Epoch, OperationId, WalletId},
        identity::CustodianIdentity,
        store::ObjectName,
    },
    device::Counter,
};

use crate::error::{
    CheckCodeError, DigestError, IdError, IdentityError, ObjectNameError, SlotIdError, StoreIdError,
};

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident, $(#[$parse_doc:meta])* $parse:ident -> $error:ident;)+) => { $(
        uniffi::custom_type!($(#[$doc])* $name, String, {
            remote,
            lower: |it| it.to_string(),
            try_lift: |text| Ok(text.parse()?),
        });

        $(#[$parse_doc])*
        #[uniffi::export]
        pub fn $parse(text: String) -> Result<$name, $error> {
            Ok(text.parse::<$name>()?)
        }
    )+ };
}

texts! {
    /// Names a wallet, the same on every device and at the custodian.
    WalletId,
    /// The wallet's id that this text is.
    ///
    /// # Errors
    ///
    /// It is none.
    parse_wallet_id -> IdError;
    /// Names one operation, such as a recovery that waits.
    OperationId,
    /// The operation's id that this text is.
    ///
    /// # Errors
    ///
    /// It is none.
    parse_operation_id -> IdError;
    /// Names one of a backup's methods, the same in every epoch.
    SlotId,
    /// The slot's id that this text is.
    ///
    /// # Errors
    ///
    /// It is none.
    parse_slot_id -> SlotIdError;
    /// Names a store: `custodian`; `dir:PATH`; `https://…` for the app's own backend; or a name of the
    /// app's own, of lower-case letters, digits, `-`, `_` and `.`. It is shown to users and holds no
    /// secret.
    StoreId,
    /// The store's name that this text is.
    ///
    /// # Errors
    ///
    /// It is none: what is wrong with it.
    parse_store_id -> StoreIdError;
    /// A custodian's public identity, which the app's configuration has: 112 letters and digits.
    /// `twoshare-custodian serve` prints it.
    CustodianIdentity,
    /// The identity that this text is. Line breaks, spaces and changed case do not matter.
    ///
    /// # Errors
    ///
    /// It is none, or mistyped.
    parse_custodian_identity -> IdentityError;
    /// The code that every device of a wallet shows, and that the user keeps: it stands for the wallet
    /// and its public keys.
    CheckCode,
    /// The check code that a user has typed.
    ///
    /// # Errors
    ///
    /// It is none, or mistyped.
    parse_check_code -> CheckCodeError;
    /// A SHA-256 digest: 64 hexadecimal digits.
    Digest,
    /// The digest that this text is.
    ///
    /// # Errors
    ///
    /// It is none.
    parse_digest -> DigestError;
    /// What an object in a store is called: `WALLET-EPOCH-DIGEST.envelope` or `.receipt`, lower-case
    /// letters, digits, dashes and a dot. It is a valid file name and object key everywhere.
    ObjectName,
    /// The object's name that this text is.
    ///
    /// # Errors
    ///
    /// It is none: some other file's.
    parse_object_name -> ObjectNameError;
}

uniffi::custom_type!(
    /// The number of a sharing: the first is 1, and every new one of the same pair is higher.
    Epoch, u64, {
        remote,
        lower: |epoch| epoch.get(),
        try_lift: |number| {
            Epoch::new(number).ok_or_else(|| uniffi::deps::anyhow::anyhow!("there is no epoch 0"))
        },
    }
);

uniffi::custom_type!(
    /// Says which record of a wallet it is: the first is 1, and every change raises it.
    Counter, u64, {
        remote,
        lower: |counter| counter.get(),
        try_lift: |number| {
            Counter::new(number).ok_or_else(|| uniffi::deps::anyhow::anyhow!("no record has counter 0"))
        },
    }
);
