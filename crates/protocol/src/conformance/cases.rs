//! The cases, by what they are about.

#![allow(clippy::missing_panics_doc, reason = "a case fails by panicking")]

mod attacks;
mod convert;
mod custody;
mod envelopes;
mod epochs;
mod operator;
mod proofs;
mod repeats;
mod thieves;

pub use self::{
    attacks::*, convert::*, custody::*, envelopes::*, epochs::*, operator::*, proofs::*,
    repeats::*, thieves::*,
};

use twoshare_core::id::CurveId;

use super::{
    Harness,
    device::{Device, Failure, With},
};
use crate::{custodian::PrepareError, rules::PrepareRefusal};
use twoshare_core::proof::Operation;

/// Why a step that a case needs must succeed: the case is about another one.
const SETUP: &str = "what the case is not about succeeds";

const BOTH: &[CurveId] = &[CurveId::Secp256k1, CurveId::Ed25519];
const ONE: &[CurveId] = &[CurveId::Secp256k1];
const USER: &str = "alice";
const HOUR: u64 = 60 * 60;

/// An MPC wallet on both curves, not yet backed up.
fn generated<H: Harness>(custodian: &H) -> Device<H::Session> {
    let keygen = Device::keygen(custodian.login(USER), custodian.identity(), USER, BOTH);
    custodian.block_on(keygen).expect(SETUP)
}

/// An MPC wallet on both curves, backed up.
fn backed_up<H: Harness>(custodian: &H) -> Device<H::Session> {
    let mut device = generated(custodian);
    run(custodian, &mut device, Operation::FirstBackup, With::Device).expect(SETUP);
    device
}

/// A single-key wallet on both curves, backed up.
fn imported<H: Harness>(custodian: &H) -> Device<H::Session> {
    let mut device = Device::import(custodian.login(USER), custodian.identity(), USER, BOTH);
    run(custodian, &mut device, Operation::FirstBackup, With::Device).expect(SETUP);
    device
}

fn run<H: Harness>(
    custodian: &H,
    device: &mut Device<H::Session>,
    operation: Operation,
    with: With,
) -> Result<(), Failure> {
    custodian.block_on(device.run(operation, with)).map(|_| ())
}

/// The rule that refused a prepare.
#[track_caller]
fn refusal<T: core::fmt::Debug>(result: Result<T, Failure>) -> PrepareRefusal {
    match result {
        Err(Failure::Prepare(PrepareError::Refused(refusal))) => refusal,
        other => panic!("a rule should have refused this prepare: {other:?}"),
    }
}
