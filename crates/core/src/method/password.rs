use core::fmt;

use async_trait::async_trait;
use precis_core::profile::Profile;
use precis_profiles::OpaqueString;
use unicode_normalization::UnicodeNormalization;

use super::{
    Argon2Cost, BackupMethod, Identity, MakeContext, MethodError, NewSlot, OpenContext,
    PasswordError, PasswordPolicy, SlotKind, SoftwareIdentity, Vouching,
    policy::{MAX_PASSWORD_BYTES, PasswordParameters},
};
use crate::{envelope::SlotHeader, secret::SecretBytes};

const DOMAIN: &str = "twoshare/v1/identity/password";

/// A password, stretched by Argon2id.
///
/// It is normalised (RFC 8265, OpaqueString), so that the same keys pressed on two systems are the
/// same password: spaces of any kind are the ASCII space, and characters are composed (NFC). Case
/// and width matter.
pub struct Password {
    normal: SecretBytes,
    policy: PasswordPolicy,
    label: String,
}

/// Without its length, which says how long a guess is to be.
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Password")
            .field("normal", &format_args!("redacted"))
            .field("policy", &self.policy)
            .field("label", &self.label)
            .finish()
    }
}

impl Password {
    /// The password that a user has entered, to open a slot or to make one.
    ///
    /// # Errors
    ///
    /// [`PasswordError`] for what no password can be: empty, over 1 KiB, or with characters that
    /// cannot be used. Whether it is a good one is judged when a slot is made.
    pub fn new(entered: &str) -> Result<Self, PasswordError> {
        Ok(Self {
            normal: normalise(entered)?,
            policy: PasswordPolicy::default(),
            label: String::new(),
        })
    }

    /// With this policy for a new slot.
    #[must_use]
    pub fn with_policy(mut self, policy: PasswordPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// With this public label for a new slot.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Argon2id of the normalised password: 32 bytes, the same for the same salt and cost. For what is
    /// kept under a password elsewhere than in an envelope; a slot needs none of this. Takes as long as
    /// `cost` says, so do it where it may block.
    ///
    /// # Errors
    ///
    /// [`MethodError::NotAvailable`] where there is not enough memory.
    pub fn stretch(&self, salt: &[u8; 16], cost: Argon2Cost) -> Result<SecretBytes, MethodError> {
        cost.derive(&self.normal, salt)
    }

    #[cfg(test)]
    pub(crate) fn parameters_for_tests(salt: [u8; 16], cost: Argon2Cost) -> Vec<u8> {
        PasswordParameters { salt, cost }.to_bytes()
    }

    fn identity(&self, parameters: PasswordParameters) -> Result<SoftwareIdentity, MethodError> {
        let stretched = parameters.cost.derive(&self.normal, &parameters.salt)?;
        Ok(SoftwareIdentity::derive(&stretched, &parameters.salt, DOMAIN))
    }
}

#[async_trait]
impl BackupMethod for Password {
    fn kind(&self) -> SlotKind {
        SlotKind::Password
    }

    fn vouching(&self) -> Vouching {
        Vouching::KeyTag
    }

    async fn make(&self, context: MakeContext<'_>) -> Result<NewSlot, MethodError> {
        self.policy.check_normal(&self.normal).map_err(MethodError::Password)?;
        let mut salt = [0; 16];
        context.rng.fill_bytes(&mut salt);
        let parameters = PasswordParameters { salt, cost: self.policy.cost() };
        let identity = self.identity(parameters)?;
        Ok(NewSlot::new(self.label.clone(), parameters.to_bytes(), Box::new(identity)))
    }

    fn work(&self, slot: &SlotHeader) -> u64 {
        // What `open` refuses costs nothing.
        PasswordParameters::read(&slot.parameters).map_or(0, |parameters| {
            u64::from(parameters.cost.memory_kib()) * u64::from(parameters.cost.passes())
        })
    }

    async fn open(
        &self,
        slot: &SlotHeader,
        _: OpenContext,
    ) -> Result<Option<Box<dyn Identity>>, MethodError> {
        if slot.kind != SlotKind::Password {
            return Ok(None);
        }
        let identity = self.identity(PasswordParameters::read(&slot.parameters)?)?;
        Ok(Some(Box::new(identity)))
    }
}

/// OpaqueString (RFC 8265, 4.2.2), into memory that is wiped, which the library's `enforce` is not.
pub(super) fn normalise(entered: &str) -> Result<SecretBytes, PasswordError> {
    let too_long = |found| PasswordError::TooLong { found, max: MAX_PASSWORD_BYTES };
    if entered.is_empty() {
        return Err(PasswordError::Empty);
    }
    if entered.len() > MAX_PASSWORD_BYTES {
        return Err(too_long(entered.len()));
    }
    OpaqueString::new().prepare(entered).map_err(|_| PasswordError::Characters)?;
    // NFC grows a text at most threefold (UAX #15, 12.1).
    let mut normal = SecretBytes::with_capacity(3 * entered.len());
    let mut utf8 = zeroize::Zeroizing::new([0; 4]);
    for character in entered.chars().map(map_space).nfc() {
        normal.extend(character.encode_utf8(utf8.as_mut()).as_bytes());
    }
    if normal.len() > MAX_PASSWORD_BYTES {
        return Err(too_long(normal.len()));
    }
    Ok(normal)
}

/// Other spaces (Unicode category Zs) are the ASCII space.
const fn map_space(character: char) -> char {
    match character {
        '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => {
            ' '
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_same_keys_on_two_systems_are_the_same_password() {
        let normal = |text| normalise(text).unwrap().expose_secret().to_vec();
        assert_eq!(normal("caf\u{E9} au\u{A0}lait"), normal("cafe\u{301} au lait"));
        assert_eq!(normal("cafe\u{301}"), "caf\u{E9}".as_bytes());
        assert_ne!(normal("Cafe"), normal("cafe"));
    }

    #[test]
    fn what_no_password_can_be_is_refused() {
        assert_eq!(Password::new("").unwrap_err(), PasswordError::Empty);
        assert_eq!(
            Password::new(&"x".repeat(1025)).unwrap_err(),
            PasswordError::TooLong { found: 1025, max: 1024 }
        );
        assert!(Password::new(&"x".repeat(1024)).is_ok());
        assert_eq!(Password::new("tab\tbell\u{7}").unwrap_err(), PasswordError::Characters);
        // What is entered is bounded before any work, also where little remains of it.
        assert_eq!(
            Password::new(&"e\u{301}".repeat(512)).unwrap_err(),
            PasswordError::TooLong { found: 1536, max: 1024 }
        );
        // U+0344 is composed as two characters that take twice its bytes.
        assert_eq!(
            Password::new(&"\u{344}".repeat(512)).unwrap_err(),
            PasswordError::TooLong { found: 2048, max: 1024 }
        );
    }

    #[test]
    fn a_weak_password_makes_no_slot_but_may_open_one() {
        let weak = Password::new("password1").unwrap();
        let mut rng = rand::rngs::ChaCha20Rng::seed_from_u64(7);
        let context = MakeContext { wallet: crate::id::WalletId::make(&mut rng), rng: &mut rng };
        let refusal = pollster::block_on(weak.make(context)).unwrap_err();
        assert!(matches!(refusal, MethodError::Password(PasswordError::TooWeak(_))));
        let parameters =
            PasswordParameters { salt: [1; 16], cost: Argon2Cost::for_tests(64, 1, 1) };
        assert!(weak.identity(parameters).is_ok());
    }

    #[test]
    fn debug_is_redacted() {
        let shown = format!("{:?}", Password::new("gravel mitten").unwrap());
        assert!(shown.contains("redacted") && !shown.contains("gravel"), "{shown}");
        let longer = format!("{:?}", Password::new("gravel mitten ocean").unwrap());
        assert_eq!(shown, longer);
    }

    proptest! {
        #[test]
        fn normalising_is_the_librarys_opaque_string(text: String) {
            let theirs = OpaqueString::new().enforce(text.as_str()).ok().map(|text| text.as_bytes().to_vec());
            let ours = normalise(&text).ok().map(|normal| normal.expose_secret().to_vec());
            if theirs.as_ref().is_none_or(|theirs| theirs.len() <= MAX_PASSWORD_BYTES && text.len() <= MAX_PASSWORD_BYTES) {
                prop_assert_eq!(ours, theirs);
            }
        }
    }
}
