//! Every variant of every error travels and arrives as itself, under the code that is documented.

use std::collections::{BTreeMap, BTreeSet};

use twoshare_core::{
    digest::Digest,
    id::{OperationId, WalletId, WalletKind},
    identity::CustodianKeys,
    proof::Operation,
};

use super::{Fault, Problem, Route, Verdict, nonce_text, parse_nonce, problem::RESERVED};
use crate::{
    Nonce,
    custodian::{
        AbandonError, BeginError, CancelError, CommitError, DepartError, EjectError, EvidenceError,
        HandOverError, Outage, PrepareError, ReadError, RetireError, Unavailable, UploadError,
    },
    memory::OperatorError,
    rules::{
        AbandonRefusal, CancelRefusal, CommitRefusal, DepartRefusal, Freezes, Frozen,
        HandOverRefusal, Moved, PrepareRefusal, ReleaseRefusal, Restored, RetireRefusal,
        UnfreezeRefusal, WaitRefusal, WindowRefusal,
    },
};

const ID: OperationId = OperationId::from_bytes([7; 16]);
const DIGEST: Digest = Digest::from_bytes([9; 32]);

fn into<T, E: From<T>>(inner: Vec<T>) -> impl Iterator<Item = E> {
    inner.into_iter().map(E::from)
}

fn unavailable() -> Vec<Unavailable> {
    use Outage as O;
    let causes = [O::Unreachable, O::Busy, O::Failed, O::NotSignedIn, O::NotUnderstood];
    let retry = Unavailable { cause: O::Busy, retry_after: Some(u64::MAX) };
    causes.map(Unavailable::because).into_iter().chain([retry]).collect()
}

fn evidence() -> Vec<EvidenceError> {
    use EvidenceError as E;
    let count = E::Count { needed: 2, given: usize::MAX };
    vec![E::NoSession, E::OtherSession, E::Invalid { key: 255 }, count]
}

fn frozen() -> Vec<Frozen> {
    let restored = [None, Some(Restored::AwaitsApproval), Some(Restored::Approved)];
    let freezes = |restored| {
        [(None, true), (Some(ID), false)]
            .map(|(dispute, operator)| Frozen(Freezes { dispute, operator, restored }))
    };
    restored.into_iter().flat_map(freezes).collect()
}

fn moved() -> Vec<Moved> {
    let mut rng = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(1);
    vec![Moved { to: Box::new(*CustodianKeys::make(&mut rng).identity()) }]
}

fn wait() -> Vec<WaitRefusal> {
    vec![
        WaitRefusal::Waiting { request: ID, until: 5 },
        WaitRefusal::RequestWaiting { request: ID },
    ]
}

fn read() -> Vec<ReadError> {
    [ReadError::NotFound, ReadError::Damaged]
        .into_iter()
        .chain(into(moved()))
        .chain(into(unavailable()))
        .collect()
}

fn begin() -> Vec<BeginError> {
    use BeginError as B;
    [B::NotFound, B::WrongKind, B::EpochEnded, B::WrongPlan, B::TooMany]
        .into_iter()
        .chain(into(moved()))
        .chain(into(unavailable()))
        .collect()
}

fn prepare_refusals() -> Vec<PrepareRefusal> {
    use PrepareRefusal as P;
    let conflicts =
        Operation::ALL.iter().map(|operation| P::Conflict { operation: *operation, until: 6 });
    [
        P::WrongKind(WalletKind::Mpc),
        P::WrongKind(WalletKind::SingleKey),
        P::NotEntitled,
        P::EpochEnded,
        P::AlreadyBackedUp,
        P::AlreadyExists,
        P::NotBackedUp,
        P::GraceRunning { left: 3 },
        P::WrongEpochs,
        P::EpochUsed { asked: 4, highest: u64::MAX },
        P::EpochJump { asked: u64::MAX, highest: 4 },
        P::OperationReused,
        P::AlreadyCommitted,
        P::OperationEnded,
    ]
    .into_iter()
    .chain(conflicts)
    .chain(into(moved()))
    .chain(into(frozen()))
    .chain(into(wait()))
    .collect()
}

fn prepare() -> Vec<PrepareError> {
    use PrepareError as P;
    [P::NotFound, P::Sealed, P::Material, P::ForeignReceipt, P::Damaged]
        .into_iter()
        .chain(into(evidence()))
        .chain(into(prepare_refusals()))
        .chain(into(unavailable()))
        .collect()
}

fn commit() -> Vec<CommitError> {
    use CommitRefusal as C;
    let refusals = [
        C::NotPending,
        C::OperationEnded,
        C::OtherEnvelope { committed: None },
        C::OtherEnvelope { committed: Some(DIGEST) },
        C::WrongEnvelope,
    ];
    let refusals = refusals.into_iter().chain(into(moved())).chain(into(frozen())).collect();
    [CommitError::NotFound]
        .into_iter()
        .chain(into(evidence()))
        .chain(into::<CommitRefusal, _>(refusals))
        .chain(into(unavailable()))
        .collect()
}

fn abandon() -> Vec<AbandonError> {
    use AbandonRefusal as A;
    [AbandonError::NotFound]
        .into_iter()
        .chain(into(evidence()))
        .chain(into::<AbandonRefusal, _>(
            [A::NotEntitled, A::EpochEnded, A::AlreadyCommitted]
                .into_iter()
                .chain(into(moved()))
                .collect(),
        ))
        .chain(into(unavailable()))
        .collect()
}

fn cancel_refusals() -> Vec<CancelRefusal> {
    [CancelRefusal::NoSuchRequest, CancelRefusal::NotEntitled, CancelRefusal::Settled]
        .into_iter()
        .chain(into(moved()))
        .collect()
}

fn cancel() -> Vec<CancelError> {
    [CancelError::NotFound]
        .into_iter()
        .chain(into(evidence()))
        .chain(into(cancel_refusals()))
        .chain(into(unavailable()))
        .collect()
}

fn eject() -> Vec<EjectError> {
    use ReleaseRefusal as R;
    let refusals = [R::WindowClosed, R::GraceRunning { left: 1 }, R::NotEntitled];
    let refusals = refusals.into_iter().chain(into(moved())).chain(into(frozen()));
    let refusals = refusals.chain(into(wait())).collect();
    [EjectError::NotFound]
        .into_iter()
        .chain(into(evidence()))
        .chain(into::<ReleaseRefusal, _>(refusals))
        .chain(into(unavailable()))
        .collect()
}

fn upload() -> Vec<UploadError> {
    [UploadError::NotFound, UploadError::WrongEnvelope, UploadError::TooMany]
        .into_iter()
        .chain(into(evidence()))
        .chain(into(moved()))
        .chain(into(frozen()))
        .chain(into(unavailable()))
        .collect()
}

fn depart() -> Vec<DepartError> {
    use DepartRefusal as D;
    let refusals = [
        D::OperationEnded,
        D::GraceRunning { left: 1 },
        D::NotEntitled,
        D::WindowClosed,
        D::Conflict { operation: Operation::Refresh, until: 4 },
        D::WrongEpochs,
        D::EpochUsed { asked: 1, highest: 2 },
        D::EpochJump { asked: 4, highest: 3 },
    ];
    let refusals = refusals.into_iter().chain(into(moved())).chain(into(frozen()));
    let refusals = refusals.chain(into(wait())).collect();
    use DepartError as E;
    [E::NotFound, E::Untrusted, E::NotExpected, E::Damaged]
        .into_iter()
        .chain(into(evidence()))
        .chain(into::<DepartRefusal, _>(refusals))
        .chain(into(unavailable()))
        .collect()
}

fn hand_over() -> Vec<HandOverError> {
    use HandOverError as E;
    let refusals = [HandOverRefusal::NotLeaving].into_iter().chain(into(moved()));
    let refusals = refusals.chain(into(frozen())).collect();
    [E::NotFound, E::Untrusted, E::ForeignReceipt]
        .into_iter()
        .chain(into::<HandOverRefusal, _>(refusals))
        .chain(into(unavailable()))
        .collect()
}

fn retire() -> Vec<RetireError> {
    let refusals = [RetireRefusal::NotEnded, RetireRefusal::TooEarly { until: 8 }];
    let refusals = refusals.into_iter().chain(into(frozen())).collect();
    [RetireError::NotFound]
        .into_iter()
        .chain(into::<RetireRefusal, _>(refusals))
        .chain(into(unavailable()))
        .collect()
}

fn operator() -> Vec<OperatorError> {
    use UnfreezeRefusal as U;
    let window = [WindowRefusal::GraceRunning { left: 2 }];
    let window = window.into_iter().chain(into(moved())).chain(into(frozen())).collect();
    let dispute = [U::NotFrozen, U::Dispute { request: ID }, U::OtherRequest { request: ID }];
    [OperatorError::NotFound]
        .into_iter()
        .chain(into::<WindowRefusal, _>(window))
        .chain(into(dispute.to_vec()))
        // `Moved` arrives as the window's.
        .chain(cancel_refusals().into_iter().take(3).map(Into::into))
        .collect()
}

fn faults() -> Vec<Fault> {
    vec![
        Fault::Malformed,
        Fault::NewerVersion { found: 2, supported: 1 },
        Fault::OtherMessage { number: 3 },
        Fault::OtherDigest,
        Fault::Unauthenticated,
        Fault::NoSuchPath,
        Fault::MethodNotAllowed,
        Fault::TimedOut,
        Fault::TooLarge { cap: 4 },
        Fault::UnsupportedMediaType,
        Fault::RateLimited { retry_after: 5 },
        Fault::Internal,
        Fault::StoppedWriting,
        Fault::Stopping,
    ]
}

/// Checks one error type, and notes its problems.
fn check<E: Verdict + PartialEq>(all: Vec<E>, seen: &mut Vec<Problem>) {
    let mut missing: BTreeSet<_> = E::codes().into_iter().collect();
    for error in all {
        let problem = error.to_problem();
        missing.retain(|(code, _)| *code != problem.code);
        assert!(E::codes().contains(&(error.coded().code, problem.status)), "{problem:?}");
        assert!(problem.data.keys().all(|name| !RESERVED.contains(&name.as_str())), "{problem:?}");
        let arrived = Problem::from_bytes(&problem.to_bytes()).unwrap();
        assert_eq!(arrived, problem);
        assert_eq!(E::from_problem(&arrived).as_ref(), Some(&error), "{problem:?}");
        seen.push(problem);
    }
    assert_eq!(missing, BTreeSet::new(), "every code has an example");
    assert_eq!(E::decode("no_such_code", &super::Data::new()), None);
}

fn problems() -> Vec<Problem> {
    let mut seen = Vec::new();
    check(faults(), &mut seen);
    check(read(), &mut seen);
    check(begin(), &mut seen);
    check(prepare(), &mut seen);
    check(commit(), &mut seen);
    check(abandon(), &mut seen);
    check(cancel(), &mut seen);
    check(eject(), &mut seen);
    check(upload(), &mut seen);
    check(retire(), &mut seen);
    check(depart(), &mut seen);
    check(hand_over(), &mut seen);
    check(operator(), &mut seen);
    seen
}

#[test]
fn every_error_arrives_as_itself() {
    assert!(problems().len() > 100);
}

#[test]
fn a_code_has_one_status_everywhere() {
    let mut statuses = BTreeMap::new();
    for Problem { code, status, .. } in problems() {
        assert_eq!(*statuses.entry(code.clone()).or_insert(status), status, "{code}");
        assert!(code.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{code}");
    }
}

#[test]
fn what_is_missing_or_of_another_type_is_no_verdict() {
    let mut problem = EvidenceError::Invalid { key: 1 }.to_problem();
    problem.data.insert("key".to_owned(), 256.into());
    assert_eq!(EvidenceError::from_problem(&problem), None);
    problem.data.clear();
    assert_eq!(EvidenceError::from_problem(&problem), None);
    for bytes in [&b""[..], b"[]", b"{}", b"{\"code\":1,\"status\":400}", b"{\"code\":\"a\"}"] {
        assert_eq!(Problem::from_bytes(bytes), None);
    }
}

#[test]
fn paths_are_filled_in() {
    let wallet = WalletId::from_bytes([1; 16]);
    let path = Route::PutEnvelope.path(&[&wallet, &DIGEST]);
    assert_eq!(path, format!("/v1/wallets/{wallet}/envelopes/{DIGEST}"));
    assert!(path.chars().all(|c| c.is_ascii_alphanumeric() || "/-".contains(c)));
    assert_eq!(Route::User.path(&[]), "/v1/user");
    let nonce = Nonce::from_bytes([3; 32]);
    assert_eq!(parse_nonce(&nonce_text(nonce)), Some(nonce));
    assert_eq!(parse_nonce("03"), None);
}

#[test]
fn a_path_and_a_method_have_one_meaning() {
    let all = Route::ALL.iter().map(|route| (route.method(), route.template()));
    assert_eq!(all.collect::<BTreeSet<_>>().len(), Route::ALL.len());
}

/// What `HTTP.md` says of the codes.
fn documented() -> String {
    let mut codes = BTreeMap::<String, (u16, BTreeSet<String>, BTreeSet<String>)>::new();
    for Problem { code, status, detail, data } in problems() {
        let entry = codes.entry(code).or_insert((status, BTreeSet::new(), BTreeSet::new()));
        entry.1.insert(detail);
        entry.2.extend(data.keys().cloned());
    }
    let list = |items: &BTreeSet<String>, around: &str| {
        let items = items.iter().map(|item| format!("{around}{item}{around}"));
        items.collect::<Vec<_>>().join(", ")
    };
    let mut text = String::new();
    for (code, (status, details, data)) in codes {
        let first = details.iter().next().cloned().unwrap_or_default();
        text += &format!("\n### {code}\n\n{status}. For example: \"{first}\".");
        if !data.is_empty() {
            text += &format!(" Data: {}.", list(&data, "`"));
        }
        text.push('\n');
    }
    text
}

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/HTTP.md");
const CODES: &str = "## Codes\n";

/// Run it after a code was added: `the_page_has_every_code` fails until then.
#[test]
#[ignore = "writes HTTP.md anew: `cargo test -p twoshare-protocol --features http -- --ignored`"]
fn write_the_page() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, _) = page.split_once(CODES).unwrap();
    std::fs::write(PAGE, format!("{before}{CODES}{}", documented())).unwrap();
}

#[test]
fn the_page_has_every_code() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    assert_eq!(page.split_once(CODES).unwrap().1, documented());
    for route in Route::ALL {
        let line = format!("| `{} {}` |", route.method(), route.template());
        assert!(page.contains(&line), "{line}");
    }
}
