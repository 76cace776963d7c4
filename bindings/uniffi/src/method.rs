//! What the user opens a backup with.

use std::sync::Arc;

use twoshare::core::method;

use crate::error::{CodeError, PasswordError};

/// A way to open a backup: a password or a recovery code. Give several to `Client.backup`; any one of
/// them brings the wallet back.
#[derive(Debug, uniffi::Object)]
pub struct Method(twoshare::Method);

#[uniffi::export]
impl Method {
    /// A password that the user has entered, to make a backup or to open one. It is normalised, so that
    /// the same keys pressed on two systems are the same password; case matters.
    ///
    /// `label` is public, and shown where the user's methods are listed. Whether the password is a good one
    /// is judged when a backup is made with it, and never when one is opened.
    ///
    /// What is wiped is the library's copy. The string that you pass stays in your app's memory until that
    /// is used for something else: drop it early, and do not keep the text field.
    ///
    /// # Errors
    ///
    /// What no password can be: empty, over 1 KiB, or with characters that cannot be used.
    #[uniffi::constructor(default(label = None))]
    pub fn password(entered: String, label: Option<String>) -> Result<Self, PasswordError> {
        let entered = zeroize::Zeroizing::new(entered);
        let password = method::Password::new(&entered)?.with_label(label.unwrap_or_default());
        Ok(Self(Arc::new(password)))
    }

    /// A recovery code, a new one or one that the user has typed: see `RecoveryCode`.
    #[uniffi::constructor]
    #[must_use]
    pub fn recovery_code(code: Arc<RecoveryCode>) -> Self {
        Self(code.0.clone())
    }
}

impl Method {
    pub(crate) fn inner(&self) -> twoshare::Method {
        self.0.clone()
    }
}

/// The methods themselves.
pub(crate) fn inner(methods: &[Arc<Method>]) -> Vec<twoshare::Method> {
    methods.iter().map(|method| method.inner()).collect()
}

/// A recovery code: 128 random bits in seven groups of five characters, to be kept on paper.
#[derive(Debug, uniffi::Object)]
pub struct RecoveryCode(Arc<method::RecoveryCode>);

#[uniffi::export]
impl RecoveryCode {
    /// A new code. Show it to the user (`to_text`), and have it typed back (`from_text`). `label` is public.
    #[uniffi::constructor(default(label = None))]
    #[must_use]
    pub fn make(label: Option<String>) -> Self {
        let code = method::RecoveryCode::make(&mut twoshare::rng());
        Self(Arc::new(code.with_label(label.unwrap_or_default())))
    }

    /// The code that a user has typed. Case, spaces and dashes do not matter, and look-alikes (`O` and
    /// `0`; `I`, `L` and `1`) are read as what was meant.
    ///
    /// # Errors
    ///
    /// A typing mistake, mostly with the group that it is in.
    #[uniffi::constructor(default(label = None))]
    pub fn from_text(typed: String, label: Option<String>) -> Result<Self, CodeError> {
        let typed = zeroize::Zeroizing::new(typed);
        let code = method::RecoveryCode::from_text(&typed)?;
        Ok(Self(Arc::new(code.with_label(label.unwrap_or_default()))))
    }

    /// The code as the user keeps it. It is the secret itself: show it to the user and to nobody else, and
    /// do not store it. The string stays in your app's memory until that is used for something else.
    #[must_use]
    pub fn to_text(&self) -> String {
        // Wiped here; the copy that the app gets is the app's.
        self.0.to_text().to_string()
    }
}
