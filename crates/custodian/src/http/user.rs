//! What a user may ask for. The annotations are what `/openapi.json` says.

use serde::Serialize;
use twoshare_core::{digest::Digest, id::Epoch};
use twoshare_protocol::{
    Custodian as _,
    custodian::HandOverError,
    http::{EnvelopeUpload, Fault},
    message::{Receipt, Signed},
};
use utoipa::ToSchema;

use super::{Answer, answer::Success, call::UserCall};

/// Who the token is of, and where.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WhoAnswer {
    /// The user that the token is of.
    user: String,
    /// The custodian's public identity, 112 letters and digits. Pin it before you believe it.
    identity: String,
}

/// The user's wallets.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WalletsAnswer {
    /// Their ids, 26 letters and digits in groups.
    wallets: Vec<String>,
}

/// Says who the token is of, and the custodian's identity.
#[utoipa::path(get, path = "/v1/user", responses((status = 200, body = WhoAnswer)))]
pub(super) fn who(call: &UserCall) -> Answer {
    let user = call.session.user().as_str().to_owned();
    Success::json(&WhoAnswer { user, identity: call.service.identity().to_string() })
}

/// Lists the user's wallets.
#[utoipa::path(get, path = "/v1/wallets", responses((status = 200, body = WalletsAnswer)))]
pub(super) async fn wallets(call: &UserCall) -> Answer {
    let wallets = call.session.wallets().await?;
    Success::json(&WalletsAnswer { wallets: wallets.iter().map(ToString::to_string).collect() })
}

/// Answers the wallet as it stands, signed for a nonce.
#[utoipa::path(
    get, path = "/v1/wallets/{wallet}/state",
    params(
        ("wallet" = String, Path, description = "The wallet's id"),
        ("nonce" = String, Query, description = "32 random bytes in hexadecimal"),
    ),
    responses((status = 200, description = "A signed State", body = Vec<u8>, content_type = "application/cbor")),
)]
pub(super) async fn state(call: &UserCall) -> Answer {
    let (wallet, nonce) = (call.asked.part("wallet")?, call.asked.nonce()?);
    Success::message(&call.session.state(wallet, nonce).await?)
}

/// Answers the receipt of a committed operation.
#[utoipa::path(
    get, path = "/v1/wallets/{wallet}/receipts/{operation}",
    params(
        ("wallet" = String, Path, description = "The wallet's id"),
        ("operation" = String, Path, description = "The operation's id"),
    ),
    responses((status = 200, description = "A signed Receipt", body = Vec<u8>, content_type = "application/cbor")),
)]
pub(super) async fn receipt(call: &UserCall) -> Answer {
    let (wallet, operation) = (call.asked.part("wallet")?, call.asked.part("operation")?);
    Success::message(&call.session.receipt(wallet, operation).await?)
}

/// Opens a session.
#[utoipa::path(
    post, path = "/v1/begin",
    request_body(content = Vec<u8>, description = "Begin", content_type = "application/cbor"),
    responses((status = 200, description = "A signed Begun", body = Vec<u8>, content_type = "application/cbor")),
)]
pub(super) async fn begin(call: &UserCall) -> Answer {
    Success::message(&call.session.begin(call.asked.message()?).await?)
}

/// Makes new epochs pending.
#[utoipa::path(
    post, path = "/v1/prepare",
    request_body(content = Vec<u8>, description = "Prepare", content_type = "application/cbor"),
    responses((status = 200, description = "Prepared", body = Vec<u8>, content_type = "application/cbor")),
)]
pub(super) async fn prepare(call: &UserCall) -> Answer {
    Success::message(&call.session.prepare(call.asked.message()?).await?)
}

/// Makes the pending epochs active.
#[utoipa::path(
    post, path = "/v1/commit",
    request_body(content = Vec<u8>, description = "Commit", content_type = "application/cbor"),
    responses((status = 200, description = "A signed Receipt", body = Vec<u8>, content_type = "application/cbor")),
)]
pub(super) async fn commit(call: &UserCall) -> Answer {
    Success::message(&call.session.commit(call.asked.message()?).await?)
}

/// Gives an operation up for good.
#[utoipa::path(
    post, path = "/v1/abandon",
    request_body(content = Vec<u8>, description = "Request", content_type = "application/cbor"),
    responses((status = 200, description = "A signed Tombstone", body = Vec<u8>, content_type = "application/cbor")),
)]
pub(super) async fn abandon(call: &UserCall) -> Answer {
    Success::message(&call.session.abandon(call.asked.message()?).await?)
}

/// Objects to a waiting recovery or eject, which freezes the wallet.
#[utoipa::path(
    post, path = "/v1/cancel",
    request_body(content = Vec<u8>, description = "Request", content_type = "application/cbor"),
    responses((status = 204, description = "Done")),
)]
pub(super) async fn cancel(call: &UserCall) -> Answer {
    call.session.cancel(call.asked.message()?).await?;
    Ok(Success::Done)
}

/// Releases the custodian's shares of the active backup epoch.
#[utoipa::path(
    post, path = "/v1/eject",
    request_body(content = Vec<u8>, description = "Request", content_type = "application/cbor"),
    responses((status = 200, description = "Ejected", body = Vec<u8>, content_type = "application/cbor")),
)]
pub(super) async fn eject(call: &UserCall) -> Answer {
    Success::message(&call.session.eject(call.asked.message()?).await?)
}

/// Proves for a nonce that the custodian holds its half.
#[utoipa::path(
    post, path = "/v1/wallets/{wallet}/drill",
    params(
        ("wallet" = String, Path, description = "The wallet's id"),
        ("nonce" = String, Query, description = "32 random bytes in hexadecimal"),
    ),
    responses((status = 200, description = "Drilled", body = Vec<u8>, content_type = "application/cbor")),
)]
pub(super) async fn drill(call: &UserCall) -> Answer {
    let (wallet, nonce) = (call.asked.part("wallet")?, call.asked.nonce()?);
    Success::message(&call.session.drill(wallet, nonce).await?)
}

/// Writes an envelope. Writing the same again changes nothing.
#[utoipa::path(
    put, path = "/v1/wallets/{wallet}/envelopes/{digest}",
    params(
        ("wallet" = String, Path, description = "The wallet's id"),
        ("digest" = String, Path, description = "SHA-256 of the envelope in hexadecimal"),
    ),
    request_body(content = Vec<u8>, description = "EnvelopeUpload", content_type = "application/cbor"),
    responses((status = 204, description = "Written")),
)]
pub(super) async fn put_envelope(call: &UserCall) -> Answer {
    let (wallet, digest) = (call.asked.part("wallet")?, call.asked.part::<Digest>("digest")?);
    let EnvelopeUpload { upload, envelope } = call.asked.message()?;
    // Exposed: an envelope is ciphertext.
    let envelope = envelope.expose_secret().to_vec();
    if upload.wallet != wallet || Digest::of(&envelope) != digest {
        return Err(Fault::OtherDigest.into());
    }
    call.session.put_envelope(upload, envelope).await?;
    Ok(Success::Done)
}

/// Reads an envelope.
#[utoipa::path(
    get, path = "/v1/wallets/{wallet}/envelopes/{digest}",
    params(
        ("wallet" = String, Path, description = "The wallet's id"),
        ("digest" = String, Path, description = "SHA-256 of the envelope in hexadecimal"),
    ),
    responses((status = 200, description = "The envelope", body = Vec<u8>, content_type = "application/octet-stream")),
)]
pub(super) async fn envelope(call: &UserCall) -> Answer {
    let (wallet, digest) = (call.asked.part("wallet")?, call.asked.part("digest")?);
    Success::octets(call.session.envelope(wallet, digest).await?)
}

/// Deletes the envelope of an ended epoch.
#[utoipa::path(
    delete, path = "/v1/wallets/{wallet}/epochs/{epoch}",
    params(
        ("wallet" = String, Path, description = "The wallet's id"),
        ("epoch" = u64, Path, description = "The number of the backup epoch"),
    ),
    responses((status = 204, description = "Deleted")),
)]
pub(super) async fn retire(call: &UserCall) -> Answer {
    let (wallet, epoch) = (call.asked.part("wallet")?, call.asked.part("epoch")?);
    call.session.retire(wallet, Epoch::new(epoch).ok_or(Fault::Malformed)?).await?;
    Ok(Success::Done)
}

/// Lets a wallet leave for another custodian that the operator trusts.
#[utoipa::path(
    post, path = "/v1/depart",
    request_body(content = Vec<u8>, description = "Depart", content_type = "application/cbor"),
    responses((status = 200, description = "Departed", body = Vec<u8>, content_type = "application/cbor")),
)]
pub(super) async fn depart(call: &UserCall) -> Answer {
    Success::message(&call.session.depart(call.asked.message()?).await?)
}

/// Ends a wallet here that is with another custodian, with that one's receipt.
#[utoipa::path(
    post, path = "/v1/wallets/{wallet}/hand-over",
    params(("wallet" = String, Path, description = "The wallet's id")),
    request_body(content = Vec<u8>, description = "A signed Receipt", content_type = "application/cbor"),
    responses((status = 204, description = "Done")),
)]
pub(super) async fn hand_over(call: &UserCall) -> Answer {
    let wallet: twoshare_core::id::WalletId = call.asked.part("wallet")?;
    let receipt: Signed<Receipt> = call.asked.message()?;
    if receipt.unverified().wallet != wallet {
        return Err(HandOverError::ForeignReceipt.into());
    }
    call.session.hand_over(receipt).await?;
    Ok(Success::Done)
}
