//! An app's own MPC server: it has the custodian's signing shares in a database of its own, and signs with
//! FROST together with the phone, over HTTP. The custodian is mounted in the same program, keeps everything
//! else, and tells it what signs.
//!
//! ```sh
//! cargo run -p twoshare-examples --example own-mpc-server
//! ```
//!
//! A recovery ends what a lost phone can sign with, at the moment when it is committed. While it is under
//! way nobody signs, neither the old phone nor the new one; whatever is killed in between.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    routing::post,
};
use frost_secp256k1_tr::{
    Identifier, SigningPackage, aggregate, keys, keys::KeyPackage, round1, round2,
};
use rand_core_06::OsRng;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use twoshare::{
    Client, HttpCustodian, HttpRequest, HttpTransport as _, MemoryDevice, Place, Recovered,
    Recovery, ReqwestTransport, Resumed, Step, StoreId, Timeouts, Token, Wallet,
    core::{
        id::{CurveId, Epoch, Purpose, Sharing, WalletId},
        share::{AnyClientShare, AnyCustodianShare, KeyId},
    },
    protocol::http::Method,
};
use twoshare_custodian::{Config, Service, UserId, http::router, local::DataDir};
use twoshare_examples::{
    Origin, Result, password, say, short,
    signing_store::{Refusal, SigningStore},
};
use twoshare_interop::frost_secp256k1_tr as frost;

const MESSAGE: &[u8] = b"pay 1 to bob";

#[tokio::main]
async fn main() -> Result<()> {
    for origin in [Origin::Created, Origin::Before] {
        story(origin).await?;
    }
    Ok(())
}

/// What a story leaves behind, for whoever checks it.
#[derive(Debug)]
pub struct Told {
    /// The public key, compressed.
    pub key: Vec<u8>,
    /// Signatures: before the loss, and after the recovery.
    pub signatures: [Vec<u8>; 2],
    /// What the lost phone was answered: while the recovery was pending, and after it.
    pub refused: [u16; 2],
}

/// A wallet's life with a server-side signer.
///
/// # Errors
///
/// Whatever should have gone well and did not.
pub async fn story(origin: Origin) -> Result<Told> {
    let server = Server::start().await?;
    let phone = Phone::new(&server)?;
    let wallet = match origin {
        Origin::Created => {
            say(
                "\nA wallet that twoshare creates: the server's half goes to the server's own database.",
            );
            phone.client.create_wallet(&[CurveId::Secp256k1], None).await?
        }
        Origin::Before => {
            say("\nA wallet that FROST generated before twoshare was there.");
            adopt(&phone, &server).await?
        }
    };
    let key = wallet.verifying_keys().first().ok_or("it has a key")?.to_bytes();
    say(format_args!("  public key: {}", short(&key)));
    phone.client.backup(wallet.id(), &[password()?]).await?;
    say("  backed up; the server goes on signing");
    let before = phone.sign(&wallet).await?;
    say(format_args!("  signed by phone and server over HTTP: {}", short(&before)));

    say("  the phone is lost, and somebody finds it");
    let (lost, theirs) = (phone, wallet);
    let phone = Phone::new(&server)?;
    phone.recover_until_pending(theirs.id()).await?;
    say("  a new phone recovers with the password; its app is killed before the commit");
    let pending = lost.refused(&theirs).await?;
    say(format_args!("  the lost phone asks to sign: {pending}, paused"));

    let Resumed::Finished { .. } = phone.client.resume(theirs.id()).await? else {
        return Err("the recovery was not gone on with".into());
    };
    say("  the new phone's app starts again, and finishes the recovery");
    let ended = lost.refused(&theirs).await?;
    say(format_args!("  the lost phone asks to sign: {ended}, its epoch has ended"));
    let recovered = phone.client.wallet(theirs.id()).await?;
    let after = phone.sign(&recovered).await?;
    say(format_args!("  the new phone signs under the same key: {}", short(&after)));
    server.stop().await;
    Ok(Told { key, signatures: [before, after], refused: [pending, ended] })
}

/// The phone and the server have signed with FROST since long ago: each has a key package.
async fn adopt(phone: &Phone, server: &Server) -> Result<Wallet> {
    let identifiers = keys::IdentifierList::Default;
    let (mut made, public) = keys::generate_with_dealer(2, 2, identifiers, OsRng)?;
    let mut package = |party: u16| -> Result<KeyPackage> {
        let made = made.remove(&Identifier::try_from(party)?).ok_or("there are two")?;
        Ok(made.try_into()?)
    };
    let (of_phone, of_server) = (package(1)?, package(2)?);

    let wallet = WalletId::make(&mut twoshare::rng());
    let sharing = Sharing { wallet, purpose: Purpose::Signing, epoch: Epoch::FIRST };
    let key = KeyId { sharing, index: 0 };
    // The server gives the custodian its half, which gives it to the server's own store: from here on that
    // is the only place where it is.
    let theirs = frost::custodian_share(key, &Default::default(), &of_server, &public)?;
    server.custodian.adopt(&server.user, wallet, vec![theirs.into()]).await?;
    let mine = frost::client_share(key, &Default::default(), &of_phone, &public)?;
    Ok(phone.client.adopt_wallet(wallet, vec![mine.into()], None).await?)
}

/// The server: the custodian, and beside it what signs.
struct Server {
    custodian: Service,
    store: SigningStore,
    user: UserId,
    url: String,
    token: Token,
    serving: JoinHandle<()>,
    _data: TempDir,
}

impl Server {
    async fn start() -> Result<Self> {
        let data = tempfile::tempdir()?;
        let store = SigningStore::open(&data.path().join("signing-shares.db")).await?;
        let config = DataDir::new(data.path().join("custodian")).open().await?;
        let config = Config { signing_shares: Some(Arc::new(store.clone())), ..config };
        let custodian = Service::open(config).await?;
        let signer = Signer::new(custodian.clone(), store.clone());
        let app = Router::new()
            .route("/sign/begin", post(begin))
            .route("/sign/finish", post(finish))
            .with_state(Arc::new(signer))
            .nest("/custodian", router(custodian.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move {
            let _served_until_it_is_aborted = axum::serve(listener, app).await;
        });
        // The app's own login.
        let user = UserId::new("alice")?;
        let session = custodian.issue_session(&user, 60 * 60).await?;
        // Exposed: given to its user.
        let token = Token::new(session.token.expose_secret())?;
        Ok(Self { custodian, store, user, url, token, serving, _data: data })
    }

    async fn stop(self) {
        self.serving.abort();
        self.custodian.close().await;
        self.store.close().await;
    }
}

/// What signs on the server's side, in two rounds.
struct Signer {
    custodian: Service,
    store: SigningStore,
    /// Begun and not finished. Nonces are used once, and are lost with the process.
    rounds: Mutex<HashMap<u64, Round>>,
}

struct Round {
    user: UserId,
    key: KeyId,
    nonces: round1::SigningNonces,
}

type Answer = std::result::Result<Json<Value>, StatusCode>;

impl Signer {
    fn new(custodian: Service, store: SigningStore) -> Self {
        Self { custodian, store, rounds: Mutex::default() }
    }

    async fn user(&self, headers: &HeaderMap) -> std::result::Result<UserId, StatusCode> {
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer "));
        let token = token.ok_or(StatusCode::UNAUTHORIZED)?;
        self.custodian.authenticate(token).await.map_err(|_| StatusCode::UNAUTHORIZED)
    }

    /// What the server signs with, if the phone's epoch is the one that signs now. Asked in both rounds.
    async fn package(
        &self,
        user: &UserId,
        key: KeyId,
    ) -> std::result::Result<KeyPackage, StatusCode> {
        let Sharing { wallet, epoch, .. } = key.sharing;
        let share = self.store.to_sign_with(user, wallet, epoch, key.index).await;
        let share: AnyCustodianShare = share.map_err(|refusal| match refusal {
            Refusal::Unknown => StatusCode::NOT_FOUND,
            Refusal::Paused => StatusCode::LOCKED,
            Refusal::Ended => StatusCode::GONE,
            Refusal::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        })?;
        frost::custodian_key_package(&share).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Round 1: the server's commitments, for a key of this wallet in this epoch.
async fn begin(
    State(signer): State<Arc<Signer>>,
    headers: HeaderMap,
    Json(asked): Json<Value>,
) -> Answer {
    let user = signer.user(&headers).await?;
    let key = key_id(&asked).ok_or(StatusCode::BAD_REQUEST)?;
    let package = signer.package(&user, key).await?;
    let (nonces, commitments) = round1::commit(package.signing_share(), &mut OsRng);
    let commitments = commitments.serialize().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let id = rand::random::<u64>() >> 11;
    let mut rounds = signer.rounds.lock().unwrap_or_else(PoisonError::into_inner);
    rounds.insert(id, Round { user, key, nonces });
    Ok(Json(json!({ "round": id, "commitments": hex::encode(commitments) })))
}

/// Round 2: the server's signature share. What was begun under an epoch that has ended since is refused.
async fn finish(
    State(signer): State<Arc<Signer>>,
    headers: HeaderMap,
    Json(asked): Json<Value>,
) -> Answer {
    let user = signer.user(&headers).await?;
    let id = asked.get("round").and_then(Value::as_u64).ok_or(StatusCode::BAD_REQUEST)?;
    let round = signer.rounds.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    let round = round.filter(|round| round.user == user).ok_or(StatusCode::NOT_FOUND)?;
    let package = signer.package(&user, round.key).await?;
    let signing =
        bytes(&asked, "package").and_then(|bytes| SigningPackage::deserialize(&bytes).ok());
    let signing = signing.ok_or(StatusCode::BAD_REQUEST)?;
    let share = round2::sign(&signing, &round.nonces, &package);
    let share = share.map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?;
    Ok(Json(json!({ "share": hex::encode(share.serialize()) })))
}

/// The phone: the SDK, and what signs on its side.
struct Phone {
    client: Client,
    transport: ReqwestTransport,
    url: String,
    token: Token,
}

impl Phone {
    fn new(server: &Server) -> Result<Self> {
        let (url, token) = (server.url.clone(), server.token.clone());
        let custodian =
            HttpCustodian::builder(format!("{url}/custodian"), token.clone()).build()?;
        let client = Client::builder()
            .custodian(custodian)
            .pinned(server.custodian.identity())
            .user(server.user.as_str())
            .device(MemoryDevice::new())
            .store(StoreId::custodian(), Place::Custodian)
            .build()?;
        let transport = ReqwestTransport::new(&url, Timeouts::default())?;
        Ok(Self { client, transport, url, token })
    }

    /// A signature over the message: two rounds with the server, and the phone's own part between them.
    async fn sign(&self, wallet: &Wallet) -> Result<Vec<u8>> {
        let mine: &AnyClientShare = wallet.signing_shares().first().ok_or("it has a key")?;
        let (package, public) =
            (frost::client_key_package(mine)?, frost::public_key_package(mine)?);
        let server = Identifier::try_from(2)?;
        let KeyId { sharing, index } = mine.id();
        let asked = json!({
            "wallet": sharing.wallet.to_string(), "epoch": sharing.epoch.get(), "key": index,
        });
        let begun = self.post("/sign/begin", &asked).await?;
        let theirs = bytes(&begun, "commitments").ok_or("the server's answer is strange")?;
        let theirs = round1::SigningCommitments::deserialize(&theirs)?;
        let (nonces, commitments) = round1::commit(package.signing_share(), &mut OsRng);
        let commitments = BTreeMap::from([(*package.identifier(), commitments), (server, theirs)]);
        let signing = SigningPackage::new(commitments, MESSAGE);
        let asked = json!({
            "round": begun.get("round"), "package": hex::encode(signing.serialize()?),
        });
        let finished = self.post("/sign/finish", &asked).await?;
        let theirs = bytes(&finished, "share").ok_or("the server's answer is strange")?;
        let theirs = round2::SignatureShare::deserialize(&theirs)?;
        let share = round2::sign(&signing, &nonces, &package)?;
        let shares = BTreeMap::from([(*package.identifier(), share), (server, theirs)]);
        Ok(aggregate(&signing, &shares, &public)?.serialize()?)
    }

    /// With which status the server refuses to sign.
    async fn refused(&self, wallet: &Wallet) -> Result<u16> {
        match self.sign(wallet).await {
            Ok(_) => Err("the server has signed".into()),
            Err(error) => Ok(error.downcast::<Refused>()?.0),
        }
    }

    /// Begins a recovery, whose app is killed when the new shares are pending and nothing is committed.
    async fn recover_until_pending(&self, wallet: WalletId) -> Result<()> {
        let (told, mut pending) = mpsc::unbounded_channel();
        let client = self.client.clone().with_progress(move |at: twoshare::Progressed| {
            if at.step == Step::Store {
                let _nobody_waits = told.send(());
            }
        });
        let recovery = client.recover(wallet, Recovery::with(password()?));
        tokio::select! {
            biased;
            Some(()) = pending.recv() => Ok(()),
            recovered = recovery => match recovered? {
                Recovered::Done(_) => Err("it was not killed in time".into()),
                Recovered::Waiting(_) => Err("this custodian lets nobody wait".into()),
            },
        }
    }

    /// Asks the server's own interface.
    async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = HttpRequest {
            method: Method::Post,
            url: format!("{}{path}", self.url),
            token: Some(self.token.clone()),
            body: Some(("application/json", body.to_string().into_bytes().into())),
            precondition: None,
            accept: "application/json",
            max_answer: 64 * 1024,
            id: rand::random::<u64>().to_string(),
        };
        let answer = self.transport.send(request).await?;
        if answer.status != 200 {
            return Err(Refused(answer.status).into());
        }
        // Exposed: it holds nothing secret.
        Ok(serde_json::from_slice(answer.body.expose_secret())?)
    }
}

/// The server has answered with this status.
#[derive(Debug)]
struct Refused(u16);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the server answered with status {}", self.0)
    }
}

impl std::error::Error for Refused {}

/// Which key is asked for.
fn key_id(asked: &Value) -> Option<KeyId> {
    let wallet = asked.get("wallet")?.as_str()?.parse().ok()?;
    let epoch = Epoch::new(asked.get("epoch")?.as_u64()?)?;
    let index = asked.get("key")?.as_u64()?.try_into().ok()?;
    Some(KeyId { sharing: Sharing { wallet, purpose: Purpose::Signing, epoch }, index })
}

fn bytes(value: &Value, name: &str) -> Option<Vec<u8>> {
    hex::decode(value.get(name)?.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "in a test a panic is the failure"
    )]

    use super::*;

    async fn is_told(origin: Origin) {
        let told = story(origin).await.unwrap();
        assert_eq!(told.refused, [423, 410]);
        // A standard verifier, which knows the x-coordinate only.
        let key = k256::schnorr::VerifyingKey::from_slice(&told.key[1..]).unwrap();
        for signature in &told.signatures {
            let signature = k256::schnorr::Signature::try_from(signature.as_slice()).unwrap();
            key.verify_raw(MESSAGE, &signature).unwrap();
        }
        assert_ne!(told.signatures[0], told.signatures[1]);
    }

    #[tokio::test]
    async fn a_wallet_of_ours_signs_after_the_recovery() {
        is_told(Origin::Created).await;
    }

    #[tokio::test]
    async fn a_wallet_of_before_signs_after_the_recovery() {
        is_told(Origin::Before).await;
    }

    /// What was begun before the recovery was committed is not finished after it.
    #[tokio::test]
    async fn a_signature_that_was_begun_does_not_outlive_its_epoch() {
        let server = Server::start().await.unwrap();
        let phone = Phone::new(&server).unwrap();
        let wallet = phone.client.create_wallet(&[CurveId::Secp256k1], None).await.unwrap();
        phone.client.backup(wallet.id(), &[password().unwrap()]).await.unwrap();
        let asked = json!({ "wallet": wallet.id().to_string(), "epoch": 1, "key": 0 });
        let begun = phone.post("/sign/begin", &asked).await.unwrap();
        let new = Phone::new(&server).unwrap();
        new.client.recover(wallet.id(), Recovery::with(password().unwrap())).await.unwrap();
        let asked = json!({ "round": begun["round"], "package": "00" });
        let refused = phone.post("/sign/finish", &asked).await.unwrap_err();
        assert_eq!(refused.downcast::<Refused>().unwrap().0, 410);
        server.stop().await;
    }
}
