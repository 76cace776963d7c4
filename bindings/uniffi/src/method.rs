//! What the user opens a backup with.

use std::sync::Arc;

use twoshare::core::{envelope::SlotId, method};
use zeroize::Zeroizing;

use crate::{
    error::{CodeError, PasswordError},
    runtime,
};

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
    /// is judged when a backup is made with it, by `policy`, and never when one is opened.
    ///
    /// What is wiped is the library's copy. The string that you pass stays in your app's memory until that
    /// is used for something else: drop it early, and do not keep the text field.
    ///
    /// # Errors
    ///
    /// What no password can be: empty, over 1 KiB, or with characters that cannot be used.
    #[uniffi::constructor(default(label = None, policy = None))]
    pub fn password(
        entered: String,
        label: Option<String>,
        policy: Option<Arc<PasswordPolicy>>,
    ) -> Result<Self, PasswordError> {
        let entered = Zeroizing::new(entered);
        let mut password = method::Password::new(&entered)?.with_label(label.unwrap_or_default());
        if let Some(policy) = policy {
            password = password.with_policy(policy.0.clone());
        }
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
        let typed = Zeroizing::new(typed);
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

/// What a new password must be like. The default is the least that there is, at least 8 characters and more than 10⁸ guesses,
/// and it can only be made stricter. Each of its calls gives a new policy.
#[derive(Debug, Clone, Default, uniffi::Object)]
pub struct PasswordPolicy(method::PasswordPolicy);

#[uniffi::export]
impl PasswordPolicy {
    /// The default.
    #[uniffi::constructor]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Also asks for at least this many characters. Fewer than 8 change nothing.
    #[must_use]
    pub fn at_least_characters(&self, count: u32) -> Self {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Self(self.0.clone().at_least_characters(count))
    }

    /// Also asks for the highest score, 4: more than 10¹⁰ guesses.
    #[must_use]
    pub fn very_unguessable(&self) -> Self {
        Self(self.0.clone().very_unguessable())
    }

    /// Also counts these words, such as the user's name and address, as known to whoever guesses.
    #[must_use]
    pub fn forbidding(&self, words: Vec<String>) -> Self {
        Self(self.0.clone().forbidding(words))
    }

    /// Also asks for at least this much work for each guess. Less than the default changes nothing, and more than what is read
    /// back is lowered to that.
    #[must_use]
    pub fn at_least_cost(&self, memory_kib: u32, passes: u32) -> Self {
        Self(self.0.clone().at_least_cost(memory_kib, passes))
    }

    /// The cost that a new slot gets.
    #[must_use]
    pub fn cost(&self) -> Argon2Cost {
        let cost = self.0.cost();
        Argon2Cost { memory_kib: cost.memory_kib(), passes: cost.passes(), lanes: cost.lanes() }
    }

    /// Judges a password, as `Client.backup` does before it makes a slot; for showing while it is typed.
    ///
    /// The estimate wipes none of its working memory: pieces of a password that is *chosen* stay in freed memory of the process
    /// until that is given back. Opening a backup does not estimate.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub async fn check(&self, password: String) -> Result<(), PasswordError> {
        let (policy, password) = (self.0.clone(), Zeroizing::new(password));
        runtime::aside(move || Ok(policy.check(&password)?)).await
    }
}

/// How much work one guess of a password is: Argon2id, version 0x13 (RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, uniffi::Record)]
pub struct Argon2Cost {
    /// Memory, in KiB. 64 MiB or more.
    pub memory_kib: u32,
    /// Passes over the memory. 3 or more.
    pub passes: u32,
    /// Lanes. 4.
    pub lanes: u32,
}

/// A change of the wallet's methods.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum MethodChange {
    /// A slot for one more method.
    Add {
        /// The method.
        method: Arc<Method>,
    },
    /// The slot is gone from the new epoch on. `Status.methods` has the ids.
    Remove {
        /// The slot.
        slot: SlotId,
    },
    /// The slot gives way to one for this method.
    Replace {
        /// The slot.
        slot: SlotId,
        /// The method.
        method: Arc<Method>,
    },
}

impl From<MethodChange> for twoshare::MethodChange {
    fn from(change: MethodChange) -> Self {
        match change {
            MethodChange::Add { method } => Self::Add(method.inner()),
            MethodChange::Remove { slot } => Self::Remove(slot),
            MethodChange::Replace { slot, method } => Self::Replace(slot, method.inner()),
        }
    }
}
