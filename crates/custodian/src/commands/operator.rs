//! What the operator may do, in the directory or over HTTP.

use std::{io, str::FromStr, time::Duration};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use twoshare_core::{
    id::{OperationId, WalletId},
    identity::CustodianIdentity,
};
use twoshare_custodian::{OperatorError, UserId, audit::Event};
use twoshare_protocol::{
    custodian::{Outage, Unavailable},
    http::Route,
    rules::Favour,
};

use super::{At, Reached, rfc3339};
use crate::answer::{Answer, Failure, line};

/// How many events of the audit log are asked for at once.
const PAGE: u32 = 1000;

/// Which wallet.
#[derive(Debug, Args)]
struct Which {
    /// Whose wallet.
    #[arg(long, value_name = "ID")]
    user: UserId,
    /// The wallet's id.
    #[arg(long, value_name = "ID")]
    wallet: WalletId,
}

impl Which {
    fn json(&self) -> Value {
        json!({ "user": self.user.as_str(), "wallet": self.wallet.to_string() })
    }

    /// The same with one member more.
    fn json_with(&self, name: &str, value: impl Into<Value>) -> Value {
        let mut json = self.json();
        if let Some(object) = json.as_object_mut() {
            object.insert(name.to_owned(), value.into());
        }
        json
    }
}

#[derive(Debug, Args)]
pub(crate) struct Session {
    #[command(flatten)]
    at: At,
    /// For whom.
    #[arg(long, value_name = "ID")]
    user: UserId,
    /// For how long, such as 15m or 1h; 30 days at most.
    #[arg(long, default_value = "1h", value_parser = humantime::parse_duration)]
    ttl: Duration,
}

impl Session {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let Self { at, user, ttl } = self;
        let ttl = ttl.as_secs();
        if !(1..=30 * 24 * 60 * 60).contains(&ttl) {
            return Err(Failure::misuse("ttl", "a session lives for a second to 30 days"));
        }
        let (token, expires) = match at.reach().await? {
            Reached::Here(service) => {
                let issued = service.issue_session(&user, ttl).await;
                service.close().await;
                let issued = issued.map_err(|error| Failure::verdict(&error))?;
                // Exposed: to whoever asked for it.
                (issued.token.expose_secret().to_owned(), issued.expires)
            }
            Reached::There(remote) => {
                let body = json!({ "user": user.as_str(), "ttl": ttl });
                let path = Route::Session.path(&[]);
                let answer = remote.ask(Route::Session, path, Some(body)).await?;
                (text(&answer, "token")?, number(&answer, "expires")?)
            }
        };
        let json = json!({ "user": user.as_str(), "token": token, "expires": rfc3339(expires) });
        Ok(Answer::new(json, token))
    }
}

#[derive(Debug, Args)]
pub(crate) struct EjectWindow {
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    which: Which,
    /// For how long, such as 5m.
    #[arg(long = "for", default_value = "5m", value_parser = humantime::parse_duration)]
    duration: Duration,
}

impl EjectWindow {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let Self { at, which, duration } = self;
        let seconds = duration.as_secs();
        let until = match at.reach().await? {
            Reached::Here(service) => {
                let until = service.open_window(&which.user, which.wallet, seconds).await;
                service.close().await;
                until.map_err(refused)?
            }
            Reached::There(remote) => {
                let body = which.json_with("seconds", seconds);
                let path = Route::EjectWindow.path(&[]);
                let answer = remote.ask(Route::EjectWindow, path, Some(body)).await?;
                number(&answer, "until")?
            }
        };
        let until = rfc3339(until);
        let text = format!("The key of {} may be released until {until}.", which.wallet);
        Ok(Answer::new(which.json_with("until", until), text))
    }
}

#[derive(Debug, Args)]
pub(crate) struct Freeze {
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    which: Which,
}

impl Freeze {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let Self { at, which } = self;
        match at.reach().await? {
            Reached::Here(service) => {
                let done = service.freeze(&which.user, which.wallet).await;
                service.close().await;
                done.map_err(refused)?;
            }
            Reached::There(remote) => {
                let path = Route::Freeze.path(&[]);
                remote.ask(Route::Freeze, path, Some(which.json())).await?;
            }
        }
        let text = format!("{} stands still until it is unfrozen.", which.wallet);
        Ok(Answer::new(which.json_with("frozen", true), text))
    }
}

/// Who won a dispute.
#[derive(Debug, Clone, Copy)]
struct Won(Favour);

impl FromStr for Won {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("request:") {
            Some(id) => {
                let id = id.parse().map_err(|_| "the id of a request follows `request:`")?;
                Ok(Self(Favour::Request(id)))
            }
            None if text == "device" => Ok(Self(Favour::Device)),
            None => Err("`device`, or `request:` and its id"),
        }
    }
}

impl Won {
    fn text(self) -> String {
        match self.0 {
            Favour::Device => "device".to_owned(),
            Favour::Request(id) => format!("request:{id}"),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Unfreeze {
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    which: Which,
    /// Who won a dispute: `device`, or `request:ID`.
    #[arg(long = "for", value_name = "WHO")]
    won: Option<Won>,
}

impl Unfreeze {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let Self { at, which, won } = self;
        match at.reach().await? {
            Reached::Here(service) => {
                let favour = won.map(|Won(favour)| favour);
                let done = service.unfreeze(&which.user, which.wallet, favour).await;
                service.close().await;
                done.map_err(refused)?;
            }
            Reached::There(remote) => {
                let body = match won {
                    Some(won) => which.json_with("for", won.text()),
                    None => which.json(),
                };
                remote.ask(Route::Unfreeze, Route::Unfreeze.path(&[]), Some(body)).await?;
            }
        }
        let text = format!("{} goes on.", which.wallet);
        Ok(Answer::new(which.json_with("frozen", false), text))
    }
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    which: Which,
    /// The id of the recovery or replace, as its owner reads it out.
    #[arg(long, value_name = "ID")]
    operation: OperationId,
}

impl Approve {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let Self { at, which, operation } = self;
        let body = which.json_with("operation", operation.to_string());
        match at.reach().await? {
            Reached::Here(service) => {
                let done = service.approve(&which.user, which.wallet, operation).await;
                service.close().await;
                done.map_err(refused)?;
            }
            Reached::There(remote) => {
                let path = Route::Approve.path(&[]);
                remote.ask(Route::Approve, path, Some(body.clone())).await?;
            }
        }
        Ok(Answer::new(body, format!("Operation {operation} of {} may go on.", which.wallet)))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Requests {
    /// List the recoveries and ejects that wait.
    List {
        #[command(flatten)]
        at: At,
    },
    /// End one of them.
    Cancel {
        #[command(flatten)]
        at: At,
        /// Its id.
        #[arg(value_name = "ID")]
        request: OperationId,
    },
}

impl Requests {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::List { at } => list(at).await,
            Self::Cancel { at, request } => cancel(at, request).await,
        }
    }
}

async fn list(at: At) -> Result<Answer, Failure> {
    let mut requests = match at.reach().await? {
        Reached::Here(service) => {
            let requests = service.requests().await;
            service.close().await;
            let requests = requests.map_err(|error| Failure::verdict(&error))?;
            let json = |waiting: twoshare_custodian::WaitingRequest| {
                json!({
                    "request": waiting.id.to_string(),
                    "user": waiting.user.as_str(),
                    "wallet": waiting.wallet.to_string(),
                    "operation": waiting.operation.name(),
                    "ready": waiting.ready,
                    "expires": waiting.expires,
                    "disputed": waiting.is_disputed,
                })
            };
            requests.into_iter().map(json).collect::<Vec<_>>()
        }
        Reached::There(remote) => {
            let path = Route::Requests.path(&[]);
            array(remote.ask(Route::Requests, path, None).await?, "requests")?
        }
    };
    requests.iter_mut().for_each(|request| show_times(request, &["ready", "expires"]));
    let part = |request: &Value, name: &str| text(request, name).unwrap_or_default();
    let lines = requests.iter().map(|request| {
        let disputed =
            if request.get("disputed") == Some(&true.into()) { ", disputed" } else { "" };
        format!(
            "{}  {} of {} by {}, ready {}{disputed}",
            part(request, "request"),
            part(request, "operation"),
            part(request, "wallet"),
            part(request, "user"),
            part(request, "ready"),
        )
    });
    let lines = lines.collect::<Vec<_>>().join("\n");
    let lines = if lines.is_empty() { "Nothing waits.".to_owned() } else { lines };
    Ok(Answer::new(json!({ "requests": requests }), lines))
}

async fn cancel(at: At, request: OperationId) -> Result<Answer, Failure> {
    match at.reach().await? {
        Reached::Here(service) => {
            let done = service.cancel_request(request).await;
            service.close().await;
            done.map_err(refused)?;
        }
        Reached::There(remote) => {
            let path = Route::CancelRequest.path(&[&request]);
            remote.ask(Route::CancelRequest, path, None).await?;
        }
    }
    let json = json!({ "request": request.to_string() });
    Ok(Answer::new(json, format!("Request {request} is ended.")))
}

#[derive(Debug, Args)]
pub(crate) struct TrustCustodian {
    #[command(flatten)]
    at: At,
    /// Whom: the other custodian's public identity. Get it from its operator, not over the network:
    /// whoever it names is given this custodian's part of every wallet that is moved there.
    #[arg(long, value_name = "KEY", required_unless_present = "list")]
    identity: Option<CustodianIdentity>,
    /// Where it is, for people: nothing is sent there.
    #[arg(long, required_unless_present_any = ["list", "remove"])]
    url: Option<String>,
    /// Take it back: no wallet is moved there any more, and none of its receipts is believed.
    #[arg(long, conflicts_with = "url")]
    remove: bool,
    /// List the custodians that wallets may be moved to.
    #[arg(long, conflicts_with_all = ["identity", "url", "remove"])]
    list: bool,
}

impl TrustCustodian {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let Self { at, identity, url, remove, .. } = self;
        let Some(identity) = identity else { return list_trusted(at).await };
        let key = identity.to_string();
        if remove {
            match at.reach().await? {
                Reached::Here(service) => {
                    let done = service.distrust_custodian(&identity).await;
                    service.close().await;
                    done.map_err(|error| Failure::verdict(&error))?;
                }
                Reached::There(remote) => {
                    let path = Route::DistrustCustodian.path(&[&identity]);
                    remote.ask(Route::DistrustCustodian, path, None).await?;
                }
            }
            let text = "No wallet is moved to that custodian any more.".to_owned();
            return Ok(Answer::new(json!({ "identity": key, "trusted": false }), text));
        }
        let url = url.unwrap_or_default();
        match at.reach().await? {
            Reached::Here(service) => {
                let done = service.trust_custodian(identity, &url).await;
                service.close().await;
                done.map_err(|error| Failure::verdict(&error))?;
            }
            Reached::There(remote) => {
                let body = json!({ "identity": key, "url": url });
                let path = Route::TrustCustodian.path(&[]);
                remote.ask(Route::TrustCustodian, path, Some(body)).await?;
            }
        }
        let text = format!("Wallets may be moved to {url}, inside their windows.");
        Ok(Answer::new(json!({ "identity": key, "url": url, "trusted": true }), text))
    }
}

async fn list_trusted(at: At) -> Result<Answer, Failure> {
    let custodians = match at.reach().await? {
        Reached::Here(service) => {
            let trusted = service.trusted_custodians().await;
            service.close().await;
            let trusted = trusted.map_err(|error| Failure::verdict(&error))?.into_iter();
            let json = |trusted: twoshare_custodian::repository::TrustedCustodian| json!({ "identity": trusted.identity.to_string(), "url": trusted.url });
            trusted.map(json).collect::<Vec<_>>()
        }
        Reached::There(remote) => {
            let path = Route::TrustedCustodians.path(&[]);
            array(remote.ask(Route::TrustedCustodians, path, None).await?, "custodians")?
        }
    };
    let part = |custodian: &Value, name: &str| text(custodian, name).unwrap_or_default();
    let lines = custodians
        .iter()
        .map(|custodian| format!("{}  {}", part(custodian, "url"), part(custodian, "identity")));
    let lines = lines.collect::<Vec<_>>().join("\n");
    let lines =
        if lines.is_empty() { "No wallet may be moved anywhere.".to_owned() } else { lines };
    Ok(Answer::new(json!({ "custodians": custodians }), lines))
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    #[command(flatten)]
    at: At,
    /// Of this wallet only.
    #[arg(long, value_name = "ID")]
    wallet: Option<WalletId>,
    /// After the event with this number.
    #[arg(long, value_name = "N", default_value_t = 0)]
    after: u64,
}

impl Audit {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let Self { at, wallet, mut after } = self;
        let reached = at.reach().await?;
        loop {
            let page = page(&reached, wallet, after).await?;
            let Some(last) = page.last() else { break };
            after = number(last, "number")?;
            for mut event in page {
                show_times(&mut event, &["at"]);
                let printed = line(&mut io::stdout(), &event.to_string());
                printed.map_err(|error| Failure::because("output", "cannot print", &error))?;
            }
        }
        if let Reached::Here(service) = reached {
            service.close().await;
        }
        Ok(Answer::printed())
    }
}

async fn page(
    reached: &Reached,
    wallet: Option<WalletId>,
    after: u64,
) -> Result<Vec<Value>, Failure> {
    match reached {
        Reached::Here(service) => {
            let events = service.audit(wallet, after, PAGE).await;
            let events = events.map_err(|error| Failure::verdict(&error))?;
            let json = |event: Event| {
                json!({
                    "number": event.number,
                    "at": event.at,
                    "actor": event.actor.name(),
                    "act": event.act.name(),
                    "user": event.user.map(|user| user.to_string()),
                    "wallet": event.wallet.map(|wallet| wallet.to_string()),
                    "operation": event.operation.map(|operation| operation.to_string()),
                    "detail": event.detail,
                })
            };
            Ok(events.into_iter().map(json).collect())
        }
        Reached::There(remote) => {
            let mut path = format!("{}?after={after}&limit={PAGE}", Route::Audit.path(&[]));
            if let Some(wallet) = wallet {
                path += &format!("&wallet={wallet}");
            }
            array(remote.ask(Route::Audit, path, None).await?, "events")
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct DeleteUser {
    #[command(flatten)]
    at: At,
    /// Whom.
    #[arg(long, value_name = "ID")]
    user: UserId,
}

impl DeleteUser {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let Self { at, user } = self;
        let wallets = match at.reach().await? {
            Reached::Here(service) => {
                let deleted = service.delete_user(&user).await;
                service.close().await;
                deleted.map_err(refused)?.wallets
            }
            Reached::There(remote) => {
                let (path, body) = (Route::DeleteUser.path(&[]), json!({ "user": user.as_str() }));
                let answer = remote.ask(Route::DeleteUser, path, Some(body)).await?;
                number(&answer, "wallets")?
            }
        };
        let json = json!({ "user": user.as_str(), "wallets": wallets });
        Ok(Answer::new(json, format!("Deleted {user} and {wallets} wallets.")))
    }
}

fn refused(error: OperatorError) -> Failure {
    Failure::verdict(&error)
}

/// Shows these members, seconds since the Unix epoch, as times.
fn show_times(value: &mut Value, names: &[&str]) {
    for name in names {
        if let Some(time) = value.get_mut(*name)
            && let Some(seconds) = time.as_u64()
        {
            *time = rfc3339(seconds).into();
        }
    }
}

fn strange() -> Failure {
    Failure::verdict(&Unavailable::because(Outage::NotUnderstood))
}

fn text(value: &Value, name: &str) -> Result<String, Failure> {
    value.get(name).and_then(Value::as_str).map(str::to_owned).ok_or_else(strange)
}

fn number(value: &Value, name: &str) -> Result<u64, Failure> {
    value.get(name).and_then(Value::as_u64).ok_or_else(strange)
}

fn array(mut value: Value, name: &str) -> Result<Vec<Value>, Failure> {
    match value.get_mut(name).map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        _ => Err(strange()),
    }
}
