//! Why an operation did not happen: Rust's own errors, variant by variant, in a form that crosses the border.
//!
//! Each enum here mirrors the one of the same name in Rust, with the same variants and fields, nested in the
//! same way; what an error wraps is its field `source`. An error that is a struct in Rust is the fields of the
//! variant that has it. Where Rust has one name twice, in two modules, the deeper one says whose it is
//! ([`CustodianCancelError`], [`ChannelOpenError`], [`KeygenSessionError`]). The error of an operation has two
//! more variants, `Cancelled` and `Panicked`, which occur in no error's `source`.
//!
//! The macro `mirror!` writes an enum and both ways across. Its matches name every variant and every field, so that
//! what is new in Rust does not compile until it is listed here too. The text of an error is written nowhere
//! but in Rust: it is that of the Rust error that the mirrored one stands for.

use std::{
    error::Error,
    fmt::{self, Write as _},
    path::PathBuf,
    time::Duration,
};

use crate::{status::SlotKind, wallet::EnvelopeName};
use twoshare::{
    StoreId, WhatIsSealed,
    core::{
        container::Content,
        digest::Digest,
        envelope::{Damage, SlotId},
        id::{CurveId, Epoch, OperationId, Purpose, Role, WalletId, WalletKind},
        identity::CustodianIdentity,
        method::Work,
        proof::Operation,
    },
    device::Counter,
    protocol::{custodian::Outage, rules::Freezes},
};

/// Lists mirrored enums. A variant is written
///
/// - `Name`, or `Name { field: Type }` as in Rust;
/// - `Name(field: Type)` where Rust's has one field without a name;
/// - `Name [Struct { field = rust_field: Type }]` where Rust's has a struct that is an error itself.
///
/// Before the enum stands `operation` for one that an operation returns as it is, else `part`. What an
/// operation can only get wrong on this side of the border follows the enum, with its text:
/// `+ { Name(field: Type) "text" }`.
macro_rules! mirror {
    ($(
        $(#[$doc:meta])*
        $kind:ident $name:ident = $rust:path {
            $(
                $(#[$vdoc:meta])*
                $variant:ident
                $( { $( $(#[$fdoc:meta])* $field:ident: $type:ty ),* $(,)? } )?
                $( ( $sole:ident: $sole_type:ty ) )?
                $( [ $struct:ident { $( $(#[$sdoc:meta])* $flat:ident = $part:tt: $flat_type:ty ),* $(,)? } ] )?
            ),* $(,)?
        }
        $( + { $( $(#[$adoc:meta])* $also:ident($also_field:ident: $also_type:ty) $also_text:literal ),* $(,)? } )?
    )+) => {
        $( mirror! { @$kind
            [$(#[$doc])*] $name = $rust {
                $(
                    [$(#[$vdoc])*] $variant
                    $( { $( [$(#[$fdoc])*] $field: $type ),* } )?
                    $( ( $sole: $sole_type ) )?
                    $( [ $struct { $( [$(#[$sdoc])*] $flat = $part: $flat_type ),* } ] )?
                ),*
            }
            { $( $( [$(#[$adoc])*] $also($also_field: $also_type) $also_text ),* )? }
        } )+

        #[cfg(test)]
        mod tests {
            use super::*;

            #[test]
            fn every_variant_crosses_and_has_rusts_text() {
                $( crate::error::tests::crosses::<$name, $rust>(); )+
            }
        }
    };
    (@operation [$(#[$doc:meta])*] $name:ident = $rust:path { $($variants:tt)* } { $($also:tt)* }) => {
        mirror! { @enum
            [$(#[$doc])*] $name = $rust { $($variants)* } { $($also)* }
            {
                /// The app has cancelled the call. The last backup is as it was; what had been begun goes on, or is
                /// given up, with `Client.resume`.
                Cancelled => Ended::Cancelled;
                /// The library has a bug: report it, with this. The call has ended; others go on.
                Panicked { #[doc = "What it said."] reason: String } => Ended::Panicked(reason.clone());
            }
        }

        impl crate::runtime::CutShort for $name {
            fn cancelled() -> Self {
                Self::Cancelled
            }

            fn panicked(reason: String) -> Self {
                Self::Panicked { reason }
            }
        }
    };
    (@part [$(#[$doc:meta])*] $name:ident = $rust:path { $($variants:tt)* } { $($also:tt)* }) => {
        mirror! { @enum [$(#[$doc])*] $name = $rust { $($variants)* } { $($also)* } {} }
    };
    (@enum
        [$(#[$doc:meta])*] $name:ident = $rust:path {
            $(
                [$(#[$vdoc:meta])*] $variant:ident
                $( { $( [$(#[$fdoc:meta])*] $field:ident: $type:ty ),* } )?
                $( ( $sole:ident: $sole_type:ty ) )?
                $( [ $struct:ident { $( [$(#[$sdoc:meta])*] $flat:ident = $part:tt: $flat_type:ty ),* } ] )?
            ),*
        }
        { $( [$(#[$adoc:meta])*] $also:ident($also_field:ident: $also_type:ty) $also_text:literal ),* }
        { $(
            $(#[$edoc:meta])*
            $end:ident $( { $( #[$efdoc:meta] $end_field:ident: $end_type:ty ),* } )? => $ended:expr;
        )* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, uniffi::Error)]
        pub enum $name {
            $(
                $(#[$vdoc])*
                $variant
                $( { $( $(#[$fdoc])* $field: $type ),* } )?
                $( {
                    /// See there.
                    $sole: $sole_type
                } )?
                $( { $( $(#[$sdoc])* $flat: $flat_type ),* } )?,
            )*
            $(
                $(#[$adoc])*
                $also {
                    /// See there.
                    $also_field: $also_type
                },
            )*
            $(
                $(#[$edoc])*
                $end $( { $( #[$efdoc] $end_field: $end_type ),* } )?,
            )*
        }

        impl Mirrors<$rust> for $name {
            fn mirror(rust: $rust) -> Self {
                type Rust = $rust;
                match rust {
                    $(
                        Rust::$variant
                        $( { $( $field ),* } )?
                        $( ($sole) )?
                        $( (rust::$struct { $( $part: $flat ),* }) )?
                        => Self::$variant
                        $( { $( $field: Mirrors::mirror($field) ),* } )?
                        $( { $sole: Mirrors::mirror($sole) } )?
                        $( { $( $flat: Mirrors::mirror($flat) ),* } )?,
                    )*
                }
            }

            fn unmirror(&self) -> Result<$rust, Ended> {
                type Rust = $rust;
                Ok(match self {
                    $(
                        Self::$variant
                        $( { $( $field ),* } )?
                        $( { $sole } )?
                        $( { $( $flat ),* } )?
                        => Rust::$variant
                        $( { $( $field: Mirrors::unmirror($field)? ),* } )?
                        $( (Mirrors::unmirror($sole)?) )?
                        $( (rust::$struct { $( $part: Mirrors::unmirror($flat)? ),* }) )?,
                    )*
                    $( Self::$also { $also_field } => {
                        return Err(Ended::Here(format!(concat!($also_text, ": {}"), $also_field)));
                    } )*
                    $( Self::$end $( { $( $end_field ),* } )? => return Err($ended), )*
                })
            }
        }

        impl crate::error::Named for $name {
            #[allow(unused_variables, reason = "only a source has a name of its own")]
            fn name(&self, path: &mut Vec<&'static str>) {
                match self {
                    $(
                        Self::$variant
                        $( { $( $field ),* } )?
                        $( { $sole } )?
                        $( { $( $flat ),* } )?
                        => {
                            path.push(stringify!($variant));
                            $( $( mirror! { @named $field $field path } )* )?
                            $( mirror! { @named $sole $sole path } )?
                        }
                    )*
                    $( Self::$also { .. } => path.push(stringify!($also)), )*
                    $( Self::$end { .. } => path.push(stringify!($end)), )*
                }
            }
        }

        impl From<$rust> for $name {
            fn from(rust: $rust) -> Self {
                Self::mirror(rust)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match Mirrors::<$rust>::unmirror(self) {
                    Ok(rust) => crate::error::write_chain(&rust, f),
                    Err(ended) => ended.fmt(f),
                }
            }
        }

        #[cfg(test)]
        impl crate::error::tests::Samples for $rust {
            fn samples() -> Vec<fn() -> Self> {
                #[allow(unused_imports, reason = "not every error has fields")]
                use crate::error::tests::Sample;
                type Rust = $rust;
                vec![ $(
                    || Rust::$variant
                    $( { $( $field: Sample::sample() ),* } )?
                    $( ({ let $sole = Sample::sample(); $sole }) )?
                    $( (rust::$struct { $( $part: { let $flat = Sample::sample(); $flat } ),* }) )?,
                )* ]
            }
        }

        #[cfg(test)]
        impl crate::error::tests::Sample for $rust {
            fn sample() -> Self {
                crate::error::tests::first()
            }
        }
    };
    (@named source $source:ident $path:ident) => {
        crate::error::Named::name($source, $path);
    };
    (@named $other:ident $field:ident $path:ident) => {};
}

mod any;
mod custodian;
mod device;
mod envelope;
mod foreign;
mod http;
mod kinds;
mod method;
mod operation;
mod refusal;
mod session;
mod share;
mod source;
mod store;
#[cfg(test)]
mod tests;
mod text;

pub use self::{
    any::{AnyError, error_text},
    custodian::*,
    device::*,
    envelope::*,
    http::*,
    kinds::*,
    method::*,
    operation::*,
    refusal::*,
    session::*,
    share::*,
    source::SourceError,
    store::*,
    text::*,
};

/// Errors that are structs in Rust.
mod rust {
    pub(super) use twoshare::{
        Waiting,
        core::{
            method::{ExcessiveWork, Weakness},
            store::CustodianAlone,
        },
        protocol::{
            custodian::Unavailable,
            rules::{Frozen, Moved},
        },
    };
}

/// The Rust type that this one stands for.
pub(crate) trait Mirrors<Rust>: Sized {
    /// What stands for this one.
    fn mirror(rust: Rust) -> Self;

    /// What this one stands for. The data that no text needs may be missing.
    fn unmirror(&self) -> Result<Rust, Ended>;
}

/// Which variant an error is: names of the library's own, and no data.
pub(crate) trait Named {
    /// Adds the name of the variant, and those of what it comes from.
    fn name(&self, path: &mut Vec<&'static str>);
}

/// The name of an error's variant, and after each dot that of what it comes from:
/// `Run.Exchange.Begin.Unavailable`.
pub(crate) fn path_of(error: &impl Named) -> String {
    let mut path = Vec::new();
    error.name(&mut path);
    path.join(".")
}

impl<E: Named> Named for Box<E> {
    fn name(&self, path: &mut Vec<&'static str>) {
        (**self).name(path);
    }
}

/// What is no error of Rust's.
#[derive(Debug)]
pub(crate) enum Ended {
    Cancelled,
    Panicked(String),
    /// Something on this side of the border, with its text.
    Here(String),
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cancelled => f.write_str("the call was cancelled"),
            Self::Panicked(reason) => write!(f, "the library panicked: {reason}"),
            Self::Here(text) => f.write_str(text),
        }
    }
}

pub(crate) fn write_chain(error: &dyn Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(&chain(error))
}

/// The text of an error and, after a colon each, of what it comes from.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let _ = write!(text, ": {source}");
        next = source.source();
    }
    text
}

/// Types that cross as they are.
macro_rules! same {
    ($($type:ty),+ $(,)?) => { $(
        impl Mirrors<$type> for $type {
            fn mirror(rust: $type) -> Self {
                rust
            }

            fn unmirror(&self) -> Result<$type, Ended> {
                Ok(self.clone())
            }
        }
    )+ };
}

same! {
    Counter, CurveId, CustodianIdentity, Damage, Digest, Duration, Epoch, Operation, OperationId, Outage,
    Purpose, Role, SlotId, StoreId, String, WalletId, WalletKind, bool, i32, u8, u32, u64,
    Content, Freezes, WhatIsSealed, Work,
}

impl<Rust, Here: Mirrors<Rust>> Mirrors<Box<Rust>> for Box<Here> {
    fn mirror(rust: Box<Rust>) -> Self {
        Self::new(Here::mirror(*rust))
    }

    fn unmirror(&self) -> Result<Box<Rust>, Ended> {
        Ok(Box::new(Here::unmirror(self)?))
    }
}

impl<Rust, Here: Mirrors<Rust>> Mirrors<Option<Rust>> for Option<Here> {
    fn mirror(rust: Option<Rust>) -> Self {
        rust.map(Here::mirror)
    }

    fn unmirror(&self) -> Result<Option<Rust>, Ended> {
        self.as_ref().map(Here::unmirror).transpose()
    }
}

impl<Rust, Here: Mirrors<Rust>> Mirrors<Vec<Rust>> for Vec<Here> {
    fn mirror(rust: Vec<Rust>) -> Self {
        rust.into_iter().map(Here::mirror).collect()
    }

    fn unmirror(&self) -> Result<Vec<Rust>, Ended> {
        self.iter().map(Here::unmirror).collect()
    }
}

impl Mirrors<Box<CustodianIdentity>> for CustodianIdentity {
    fn mirror(rust: Box<CustodianIdentity>) -> Self {
        *rust
    }

    fn unmirror(&self) -> Result<Box<CustodianIdentity>, Ended> {
        Ok(Box::new(*self))
    }
}

impl Mirrors<usize> for u64 {
    fn mirror(rust: usize) -> Self {
        rust as Self
    }

    fn unmirror(&self) -> Result<usize, Ended> {
        Ok((*self).try_into().unwrap_or(usize::MAX))
    }
}

impl Mirrors<PathBuf> for String {
    fn mirror(rust: PathBuf) -> Self {
        rust.display().to_string()
    }

    fn unmirror(&self) -> Result<PathBuf, Ended> {
        Ok(self.into())
    }
}

impl Mirrors<twoshare::core::channel::Step> for u8 {
    fn mirror(rust: twoshare::core::channel::Step) -> Self {
        rust.get()
    }

    fn unmirror(&self) -> Result<twoshare::core::channel::Step, Ended> {
        Ok(twoshare::core::channel::Step::new(*self))
    }
}
