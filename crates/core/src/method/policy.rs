use core::fmt;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use minicbor::Decoder;
use thiserror::Error;
use twoshare_strength::{Score, estimate};
use zeroize::Zeroizing;

use super::{ExcessiveWork, MethodError, SlotKind, Work};
use crate::secret::SecretBytes;

/// The longest password, in bytes of UTF-8.
pub(super) const MAX_PASSWORD_BYTES: usize = 1024;

/// What a new password must be like. The default is the least that there is, and it can only be made
/// stricter: there is no way to ask for less.
///
/// A policy applies when a slot is made. A password that opens an existing slot is not judged.
#[derive(Clone)]
pub struct PasswordPolicy {
    min_characters: usize,
    min_score: Score,
    forbidden: Vec<String>,
    cost: Argon2Cost,
}

impl Default for PasswordPolicy {
    /// At least 8 characters, a zxcvbn score of at least 3 (more than 10⁸ guesses), and
    /// [`Argon2Cost::DEFAULT`].
    fn default() -> Self {
        Self {
            min_characters: 8,
            min_score: Score::Three,
            forbidden: Vec::new(),
            cost: Argon2Cost::DEFAULT,
        }
    }
}

impl PasswordPolicy {
    /// Also asks for at least this many characters. Fewer than 8 change nothing.
    #[must_use]
    pub fn at_least_characters(mut self, count: usize) -> Self {
        self.min_characters = self.min_characters.max(count.min(MAX_PASSWORD_BYTES));
        self
    }

    /// Also asks for the highest zxcvbn score, 4: more than 10¹⁰ guesses.
    #[must_use]
    pub fn very_unguessable(mut self) -> Self {
        self.min_score = Score::Four;
        self
    }

    /// Also counts these words, such as the user's name and address, as known to whoever guesses.
    #[must_use]
    pub fn forbidding(mut self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.forbidden.extend(words.into_iter().map(Into::into));
        self
    }

    /// Also asks for at least this much work for each guess. Less than the default changes nothing,
    /// and more than what is read back is lowered to that.
    #[must_use]
    pub fn at_least_cost(mut self, memory_kib: u32, passes: u32) -> Self {
        self.cost.memory_kib = self.cost.memory_kib.max(memory_kib.min(Argon2Cost::MAX_MEMORY_KIB));
        self.cost.passes = self.cost.passes.max(passes.min(Argon2Cost::MAX_PASSES));
        self
    }

    /// The cost that a new slot gets.
    #[must_use]
    pub const fn cost(&self) -> Argon2Cost {
        self.cost
    }

    /// Judges a password, as `make` does before it makes a slot; for showing while it is typed.
    ///
    /// The estimate is about zxcvbn's, and wipes none of its working memory: pieces of a password that is
    /// *chosen* stay in freed memory of the process until something else is written there. Opening a
    /// slot does not estimate, and leaves nothing.
    ///
    /// # Errors
    ///
    /// What is wrong with it: see [`PasswordError`].
    pub fn check(&self, password: &str) -> Result<(), PasswordError> {
        self.check_normal(&super::password::normalise(password)?)
    }

    pub(super) fn check_normal(&self, normal: &SecretBytes) -> Result<(), PasswordError> {
        // To count and judge the characters.
        let text =
            core::str::from_utf8(normal.expose_secret()).map_err(|_| PasswordError::Characters)?;
        let found = text.chars().count();
        if found < self.min_characters {
            return Err(PasswordError::TooShort { found, min: self.min_characters });
        }
        let forbidden: Vec<&str> = self.forbidden.iter().map(String::as_str).collect();
        let estimate = estimate(text, &forbidden);
        if estimate.score < self.min_score {
            return Err(PasswordError::TooWeak(Weakness {
                score: u8::from(estimate.score),
                min: u8::from(self.min_score),
                warning: estimate.warning.map(|warning| warning.to_string()),
            }));
        }
        Ok(())
    }

    /// For vectors and tests whose time is spent on other things.
    #[cfg(test)]
    pub(crate) fn with_cost_for_tests(cost: Argon2Cost) -> Self {
        Self { cost, ..Self::default() }
    }
}

/// Without the forbidden words, which are about the user.
impl fmt::Debug for PasswordPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordPolicy")
            .field("min_characters", &self.min_characters)
            .field("min_score", &self.min_score)
            .field("forbidden", &self.forbidden.len())
            .field("cost", &self.cost)
            .finish()
    }
}

/// Why a text cannot be a password, or not a new one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// Nothing was entered.
    #[error("the password is empty")]
    Empty,
    /// Longer than 1 KiB: something else was pasted.
    #[error("the password has {found} bytes, more than {max}")]
    TooLong {
        /// Bytes of UTF-8 that were entered.
        found: usize,
        /// The most there may be.
        max: usize,
    },
    /// Shorter than the policy allows: ask for a longer one.
    #[error("the password has {found} characters, fewer than {min}")]
    TooShort {
        /// Characters that were entered.
        found: usize,
        /// The fewest there may be.
        min: usize,
    },
    /// It has control characters, or others that not every keyboard and system writes the same way
    /// (RFC 8264, FreeformClass): ask for another.
    #[error("the password has characters that cannot be used")]
    Characters,
    /// Too easy to guess: show the warning and ask for another.
    #[error("the password is too easy to guess")]
    TooWeak(#[source] Weakness),
}

impl PasswordError {
    /// A stable name of the variant, for JSON, logs and the vectors.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "password_empty",
            Self::TooLong { .. } => "password_too_long",
            Self::TooShort { .. } => "password_too_short",
            Self::Characters => "password_characters",
            Self::TooWeak(_) => "password_too_weak",
        }
    }
}

/// How weak a password is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("strength {score} of 4, at least {min} is needed")]
pub struct Weakness {
    /// zxcvbn's score of the password, from 0 to 4.
    pub score: u8,
    /// The score that the policy asks for.
    pub min: u8,
    /// What is weak about it, in English, where zxcvbn knows.
    pub warning: Option<String>,
}

/// How much work one guess of a password is: Argon2id, version 0x13 (RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Argon2Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Argon2Cost {
    /// 64 MiB, 3 passes, 4 lanes: RFC 9106's second recommendation. New slots never have less.
    pub const DEFAULT: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 };
    /// 512 MiB: the most memory that is taken for a slot that is read.
    pub const MAX_MEMORY_KIB: u32 = 512 * 1024;
    /// The most passes that are made for a slot that is read.
    pub const MAX_PASSES: u32 = 16;
    /// The most lanes of a slot that is read.
    pub const MAX_LANES: u32 = 16;

    /// KiB of memory times passes: the most that is done for all slots of one envelope together,
    /// that is, twice for the most costly slot. Sixteen of those would take minutes.
    pub const MAX_TOTAL: u64 = 2 * (Self::MAX_MEMORY_KIB as u64) * (Self::MAX_PASSES as u64);

    /// Memory in KiB.
    #[must_use]
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    #[must_use]
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// Lanes, each of which may run on its own core.
    #[must_use]
    pub const fn lanes(self) -> u32 {
        self.lanes
    }

    /// A cost that was read from somewhere, bounded before any work is done.
    ///
    /// # Errors
    ///
    /// [`ExcessiveWork`] above the caps of what is read; [`MethodError::Parameters`] for what Argon2id
    /// cannot do.
    pub fn read(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, MethodError> {
        check_caps([memory_kib, passes, lanes].map(u64::from))?;
        match passes >= 1 && lanes >= 1 && memory_kib >= 8 * lanes {
            true => Ok(Self { memory_kib, passes, lanes }),
            false => Err(MethodError::Parameters { kind: SlotKind::Password }),
        }
    }

    /// A cost below the floor for new slots. Reading takes whatever Argon2id does, up to the caps:
    /// how hard the guess is was the writer's choice, and the key tag tells who that was.
    #[cfg(test)]
    pub(crate) const fn for_tests(memory_kib: u32, passes: u32, lanes: u32) -> Self {
        Self { memory_kib, passes, lanes }
    }

    /// Argon2id of `password`, 32 bytes.
    pub(super) fn derive(
        self,
        password: &SecretBytes,
        salt: &[u8; 16],
    ) -> Result<SecretBytes, MethodError> {
        let unreadable = |_| MethodError::Parameters { kind: SlotKind::Password };
        let params =
            Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(unreadable)?;
        // An allocation that fails would end the process, and a slot can ask for 512 MiB.
        let mut memory = Zeroizing::new(Vec::new());
        let reserved = memory.try_reserve_exact(params.block_count());
        reserved.map_err(|_| MethodError::NotAvailable { kind: SlotKind::Password })?;
        memory.resize(params.block_count(), Block::default());
        let mut output = SecretBytes::from(vec![0; 32]);
        // Hashed where it is, and written into memory that is wiped.
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                password.expose_secret(),
                salt,
                output.expose_secret_mut(),
                memory.as_mut_slice(),
            )
            .map_err(unreadable)?;
        Ok(output)
    }
}

fn check_caps([memory, passes, lanes]: [u64; 3]) -> Result<(), MethodError> {
    for (work, required, cap) in [
        (Work::MemoryKib, memory, Argon2Cost::MAX_MEMORY_KIB),
        (Work::Passes, passes, Argon2Cost::MAX_PASSES),
        (Work::Lanes, lanes, Argon2Cost::MAX_LANES),
    ] {
        let cap = u64::from(cap);
        if required > cap {
            return Err(MethodError::ExcessiveWork(ExcessiveWork { work, required, cap }));
        }
    }
    Ok(())
}

/// The parameters of a password slot: the CBOR array [salt (bstr .size 16), memory in KiB, passes, lanes].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PasswordParameters {
    pub(super) salt: [u8; 16],
    pub(super) cost: Argon2Cost,
}

impl PasswordParameters {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut encoder = minicbor::Encoder::new(Vec::with_capacity(32));
        let Argon2Cost { memory_kib, passes, lanes } = self.cost;
        encoder
            .array(4)
            .and_then(|e| e.bytes(&self.salt))
            .and_then(|e| e.u32(memory_kib))
            .and_then(|e| e.u32(passes))
            .and_then(|e| e.u32(lanes))
            .expect("a Vec takes everything");
        encoder.into_writer()
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, MethodError> {
        let unreadable = MethodError::Parameters { kind: SlotKind::Password };
        let (parameters, numbers) = match Self::decode(bytes) {
            Ok(decoded) => decoded,
            Err(_) => return Err(unreadable),
        };
        check_caps(numbers)?;
        let Argon2Cost { memory_kib, passes, lanes } = parameters.cost;
        let possible = Argon2Cost::read(memory_kib, passes, lanes).is_ok();
        if !possible || parameters.to_bytes() != bytes {
            return Err(unreadable);
        }
        Ok(parameters)
    }

    fn decode(bytes: &[u8]) -> Result<(Self, [u64; 3]), minicbor::decode::Error> {
        let mut decoder = Decoder::new(bytes);
        if decoder.array()? != Some(4) {
            return Err(minicbor::decode::Error::message("four items"));
        }
        let salt = decoder
            .bytes()?
            .try_into()
            .map_err(|_| minicbor::decode::Error::message("16 bytes"))?;
        let numbers @ [memory, passes, lanes] = [decoder.u64()?, decoder.u64()?, decoder.u64()?];
        // Above 32 bits is above every cap, too.
        let narrow = |number| u32::try_from(number).unwrap_or(u32::MAX);
        let cost =
            Argon2Cost { memory_kib: narrow(memory), passes: narrow(passes), lanes: narrow(lanes) };
        Ok((Self { salt, cost }, numbers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        salt: usize,
        memory: u64,
        passes: u64,
        lanes: u64,
    ) -> Result<PasswordParameters, MethodError> {
        let mut encoder = minicbor::Encoder::new(Vec::new());
        encoder.array(4).unwrap().bytes(&vec![7; salt]).unwrap();
        encoder.u64(memory).unwrap().u64(passes).unwrap().u64(lanes).unwrap();
        PasswordParameters::read(&encoder.into_writer())
    }

    #[test]
    fn a_policy_can_only_be_tightened() {
        let looser = PasswordPolicy::default().at_least_characters(1).at_least_cost(8, 1);
        assert_eq!(looser.check("abc"), Err(PasswordError::TooShort { found: 3, min: 8 }));
        assert_eq!(looser.cost(), Argon2Cost::DEFAULT);
        let stricter =
            PasswordPolicy::default().at_least_characters(30).at_least_cost(128 * 1024, 99);
        assert_eq!(
            stricter.check("long, but not as long as that"),
            Err(PasswordError::TooShort { found: 29, min: 30 })
        );
        assert_eq!(stricter.cost(), Argon2Cost { memory_kib: 128 * 1024, passes: 16, lanes: 4 });
    }

    #[test]
    fn weak_passwords_are_refused_and_say_why() {
        let policy = PasswordPolicy::default();
        for weak in ["password1", "qwertyuiop", "aaaaaaaaaaaa", "12345678"] {
            let Err(PasswordError::TooWeak(weakness)) = policy.check(weak) else {
                panic!("{weak}")
            };
            assert!(weakness.score < 3 && weakness.warning.is_some(), "{weak}: {weakness:?}");
        }
        assert_eq!(policy.check("gravel mitten ocean 41"), Ok(()));
        let name = "brunhildelindwurm";
        assert_eq!(policy.check(name), Ok(()));
        assert!(policy.forbidding(["Brunhilde", "Lindwurm"]).check(name).is_err());
    }

    #[test]
    fn costs_are_capped_before_any_work() {
        for (work, [memory, passes, lanes]) in [
            (Work::MemoryKib, [512 * 1024 + 1, 1, 1]),
            (Work::MemoryKib, [u64::MAX, 1, 1]),
            (Work::Passes, [64, 17, 1]),
            (Work::Lanes, [1024, 1, 17]),
        ] {
            let refusal = read(16, memory, passes, lanes).unwrap_err();
            assert!(
                matches!(refusal, MethodError::ExcessiveWork(excess) if excess.work == work),
                "{refusal:?}"
            );
        }
        assert!(read(16, 512 * 1024, 16, 16).is_ok());
    }

    #[test]
    fn impossible_parameters_are_unreadable() {
        for (salt, memory, passes, lanes) in [
            (15, 64, 1, 1),
            (17, 64, 1, 1),
            (16, 7, 1, 1),
            (16, 31, 1, 4),
            (16, 64, 0, 1),
            (16, 64, 1, 0),
        ] {
            assert!(matches!(
                read(salt, memory, passes, lanes),
                Err(MethodError::Parameters { .. })
            ));
        }
        let good = PasswordParameters { salt: [7; 16], cost: Argon2Cost::DEFAULT }.to_bytes();
        assert!(PasswordParameters::read(&good).is_ok());
        let mut trailing = good.clone();
        trailing.push(0);
        assert!(PasswordParameters::read(&trailing).is_err());
        assert!(PasswordParameters::read(&good[..good.len() - 1]).is_err());
    }
}
