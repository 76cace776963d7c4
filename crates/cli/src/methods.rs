//! Backup methods as they are named on the command line, and the secrets that they need.

use std::{path::Path, sync::Arc};

use clap::{ValueEnum, builder::PossibleValue};
use serde_json::json;
use twoshare::{
    Method,
    core::{
        check_code::CheckCode,
        envelope::VouchedBy,
        method::{Password, PasswordPolicy, RecoveryCode, SlotKind},
    },
    error::{BackupError, DeviceError, RefreshError},
};

use crate::{
    answer::{Answer, Failure},
    device::Context,
    new_code::{CodeOut, NewCode},
    secrets::{Asked, Sources, utf8},
};

/// A method by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MethodName {
    Password,
    Code,
    Pin,
    Passkey,
    Drive,
    Hardware,
}

impl ValueEnum for MethodName {
    fn value_variants<'a>() -> &'a [Self] {
        use MethodName::{Code, Drive, Hardware, Passkey, Password, Pin};
        &[Password, Code, Pin, Passkey, Drive, Hardware]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let value = PossibleValue::new(self.name());
        Some(match self.is_supported() {
            true => value,
            // Understood, and refused by name.
            false => value.hide(true),
        })
    }
}

impl MethodName {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code => "code",
            Self::Pin => "pin",
            Self::Passkey => "passkey",
            Self::Drive => "drive",
            Self::Hardware => "hardware",
        }
    }

    /// The name of a slot's kind; another password or code can be made for it.
    pub(crate) fn of(kind: SlotKind) -> Result<Self, Failure> {
        match kind {
            SlotKind::Password => Ok(Self::Password),
            SlotKind::RecoveryCode => Ok(Self::Code),
            SlotKind::Pin => Self::Pin.supported(),
            SlotKind::Passkey | SlotKind::CustodialPasskey => Self::Passkey.supported(),
            SlotKind::Drive => Self::Drive.supported(),
            SlotKind::Hardware | SlotKind::Device | SlotKind::Other(_) => {
                Self::Hardware.supported()
            }
        }
    }

    const fn is_supported(self) -> bool {
        match self {
            Self::Password | Self::Code => true,
            Self::Pin | Self::Passkey | Self::Drive | Self::Hardware => false,
        }
    }

    /// Refuses what this command cannot do yet.
    pub(crate) fn supported(self) -> Result<Self, Failure> {
        if self.is_supported() {
            return Ok(self);
        }
        let name = self.name();
        let message = format!("this version of the command has no {name}: use password or code");
        Err(Failure::misuse("unsupported_method", message).with("method", name))
    }

    /// This method as it opens a slot.
    pub(crate) fn existing(self, sources: &Sources) -> Result<Method, Failure> {
        match self.supported()? {
            Self::Code => {
                let entered = sources.read(Asked::Code)?;
                Ok(Arc::new(RecoveryCode::from_text(utf8(Asked::Code, &entered)?)?))
            }
            _ => {
                let entered = sources.read(Asked::Password)?;
                Ok(Arc::new(Password::new(utf8(Asked::Password, &entered)?)?))
            }
        }
    }
}

/// What a new method is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct New<'a> {
    /// Which secret a new password is.
    pub(crate) password: Asked,
    /// The file that has it.
    pub(crate) password_file: Option<&'a Path>,
    /// Where a new code goes.
    pub(crate) code_out: &'a CodeOut,
    /// What the method is called in lists.
    pub(crate) label: Option<&'a str>,
    /// Nobody is asked whether a new code was written down.
    pub(crate) yes: bool,
}

/// New methods, and the code among them, which their user has already.
#[derive(Debug, Default)]
pub(crate) struct NewMethods {
    pub(crate) methods: Vec<Method>,
    pub(crate) code: Option<NewCode>,
}

impl New<'_> {
    /// Refuses what cannot be made, before anything is asked.
    pub(crate) fn check(&self, names: &[MethodName]) -> Result<(), Failure> {
        for (index, name) in names.iter().enumerate() {
            name.supported()?;
            if names.iter().skip(index + 1).any(|other| other == name) {
                let name = name.name();
                let message =
                    format!("{name} is named twice: `twoshare methods add` makes another");
                return Err(Failure::misuse("method_twice", message).with("method", name));
            }
        }
        if self.code_out.is_given() && !names.contains(&MethodName::Code) {
            let message = "--code-out is for a new recovery code, and there is none";
            return Err(Failure::misuse("code_out_unused", message));
        }
        Ok(())
    }

    /// Makes them. The password is judged before the code is made: a code that was handed out is used.
    pub(crate) fn make(
        &self,
        names: &[MethodName],
        context: &Context,
    ) -> Result<NewMethods, Failure> {
        let label = self.label.unwrap_or_default();
        let mut password: Option<Method> = None;
        if names.contains(&MethodName::Password) {
            let chosen = self.password.choose(self.password_file)?;
            let text = utf8(self.password, &chosen)?;
            PasswordPolicy::default().check(text)?;
            password = Some(Arc::new(Password::new(text)?.with_label(label)));
        }
        let mut made = NewMethods::default();
        for name in names {
            if *name == MethodName::Code {
                let code = self.code_out.hand_over(self.label, self.yes, context)?;
                made.methods.push(code.method());
                made.code = Some(code);
            } else {
                made.methods.extend(password.take());
            }
        }
        Ok(made)
    }
}

/// Whether an operation that failed can still come to its end: then the code it was for must be kept.
pub(crate) trait MayHappenYet {
    fn may_happen_yet(&self) -> bool;
}

impl MayHappenYet for BackupError {
    fn may_happen_yet(&self) -> bool {
        match self {
            Self::Device(DeviceError::Revoked { .. }) => false,
            // It may have failed at tidying up, after the commit.
            Self::Device(_) => true,
            Self::Run(error) => error.is_interrupted(),
            Self::Unsettled(_) | Self::Methods(_) | Self::State(_) => false,
        }
    }
}

impl MayHappenYet for RefreshError {
    fn may_happen_yet(&self) -> bool {
        match self {
            Self::Device(DeviceError::Revoked { .. }) => false,
            Self::Device(_) => true,
            Self::Run(error) => error.is_interrupted(),
            Self::Unsettled(_) | Self::Open(_) | Self::Methods(_) => false,
        }
    }
}

impl NewMethods {
    /// The answer of the operation that they were for.
    pub(crate) fn answer<T, E: MayHappenYet + Into<Failure>>(
        &self,
        done: Result<T, E>,
        shown: impl FnOnce() -> Result<Answer, Failure>,
    ) -> Result<Answer, Failure> {
        let codes = || self.code.iter();
        if let Err(error) = done {
            let may_happen_yet = error.may_happen_yet();
            if !may_happen_yet {
                codes().for_each(NewCode::forget);
            }
            let failure = error.into();
            return Err(match may_happen_yet {
                true => codes().fold(failure, |failure, code| code.tell_all_the_same(failure)),
                false => failure,
            });
        }
        let mut answer = match shown() {
            Ok(answer) => answer,
            // It is done, and the code must be told.
            Err(failure) if self.code.is_some() => {
                let message = failure.message();
                Answer { json: json!({ "not_shown": message }), text: message.to_owned() }
            }
            Err(failure) => return Err(failure),
        };
        codes().for_each(|code| code.tell(&mut answer.json));
        Ok(answer)
    }
}

/// What shows that the wallet is the user's own, where the method cannot.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Vouch {
    /// Compare with the check code that was kept.
    #[arg(long, value_name = "C", conflicts_with = "accept_unvouched")]
    check_code: Option<String>,

    /// Go on though nothing shows that the wallet is the one that was backed up.
    #[arg(long)]
    accept_unvouched: bool,
}

impl Vouch {
    pub(crate) fn vouched_by(&self) -> Result<VouchedBy, Failure> {
        Ok(match (&self.check_code, self.accept_unvouched) {
            (Some(code), _) => VouchedBy::CheckCode(code.parse::<CheckCode>()?),
            (None, true) => VouchedBy::AcceptUnvouched,
            (None, false) => VouchedBy::Method,
        })
    }
}

#[cfg(test)]
mod tests {
    use twoshare::{
        error::{ExchangeError, PublishError, RunError, StateError},
        protocol::custodian::{CommitError, Outage, Unavailable},
    };

    use super::*;
    use crate::device::DeviceArgs;

    /// The answer was lost: the epoch may be committed.
    fn lost() -> BackupError {
        let lost = CommitError::Unavailable(Unavailable::because(Outage::Unreachable));
        BackupError::Run(RunError::Publish(PublishError::Commit(lost)))
    }

    fn certain() -> [BackupError; 2] {
        let exchange = RunError::Exchange(ExchangeError::NoEpochLeft);
        [BackupError::State(StateError::Unpinned), BackupError::Run(exchange)]
    }

    fn made(code_out: CodeOut) -> NewMethods {
        let context = Context { json: true, device: DeviceArgs::default() };
        let code = code_out.hand_over(None, false, &context).unwrap();
        NewMethods { methods: Vec::new(), code: Some(code) }
    }

    #[test]
    fn a_code_that_may_yet_be_used_is_kept() {
        let nothing = || panic!("nothing is shown of a failure");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("code");
        for error in [lost(), BackupError::Device(DeviceError::OtherUser)] {
            let made = made(CodeOut::to(&path));
            assert!(made.answer(Err::<(), _>(error), nothing).is_err());
            assert!(path.exists());
            std::fs::remove_file(&path).unwrap();
        }
        for error in certain() {
            let made = made(CodeOut::to(&path));
            assert!(made.answer(Err::<(), _>(error), nothing).is_err());
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_code_that_is_nowhere_else_is_told_when_it_may_yet_be_used() {
        let nothing = || panic!("nothing is shown of a failure");
        let failure = made(CodeOut::default()).answer(Err::<(), _>(lost()), nothing).unwrap_err();
        assert!(failure.data().contains_key("recovery_code"));
        let [certain, _] = certain();
        let failure = made(CodeOut::default()).answer(Err::<(), _>(certain), nothing).unwrap_err();
        assert!(!failure.data().contains_key("recovery_code"));
        // Done, but it cannot be shown: the code is told all the same.
        let unshown = || Err(Failure::new("later", "later"));
        let answer = made(CodeOut::default()).answer(Ok::<_, BackupError>(()), unshown).unwrap();
        assert!(answer.json["code"].is_string());
    }
}
