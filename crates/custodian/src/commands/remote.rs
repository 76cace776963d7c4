//! A custodian at an address, as its operator.

use std::{
    fs,
    io::{self, Read as _},
    net::IpAddr,
    path::Path,
    time::Duration,
};

use reqwest::{Client, Url, header::HeaderValue, redirect};
use serde_json::Value;
use twoshare_core::secret::SecretBytes;
use twoshare_custodian::Token;
use twoshare_protocol::{
    custodian::{Outage, Unavailable},
    http::{Method, PROBLEM, Problem, Route},
};

use crate::answer::Failure;

/// The longest key file, in bytes.
const MAX_KEY: u64 = 4096;

pub(super) struct Remote {
    client: Client,
    /// Without a slash at its end.
    url: String,
    key: Token,
}

impl Remote {
    pub(super) fn new(url: &str, key: &Path) -> Result<Self, Failure> {
        let url = check(url)?;
        // Nobody chose a provider before: this is the whole program.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(60));
        // Without TLS no proxy of the environment is asked: it would read the key.
        let builder = match url.starts_with("http:") {
            true => builder.tls_certs_only([]).no_proxy(),
            false => builder,
        };
        let client = builder.build().map_err(|error| Failure::because("tls", "no TLS", &error))?;
        Ok(Self { client, url, key: read_key(key)? })
    }

    /// Asks, and gives the answer's JSON; `Null` where it has none.
    pub(super) async fn ask(
        &self,
        route: Route,
        path: String,
        body: Option<Value>,
    ) -> Result<Value, Failure> {
        let method = match route.method() {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        // Exposed: to the server whose operator's it is, and kept out of reqwest's own output.
        let key = HeaderValue::from_str(&format!("Bearer {}", self.key.expose_secret()));
        let mut key = key.map_err(|_| Failure::misuse("operator_key", "this is no key"))?;
        key.set_sensitive(true);
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        request = request.header("authorization", key);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let mut response = request.send().await.map_err(|_| unavailable(Outage::Unreachable))?;
        let mut bytes = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|_| unavailable(Outage::Unreachable))?
        {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > route.max_answer().max(twoshare_protocol::http::MAX_PROBLEM) {
                return Err(unavailable(Outage::NotUnderstood));
            }
        }
        match response.status().as_u16() {
            204 => Ok(Value::Null),
            200 => serde_json::from_slice(&bytes).map_err(|_| unavailable(Outage::NotUnderstood)),
            _ => {
                let media_type = response.headers().get("content-type");
                let is_problem = media_type.is_some_and(|value| value == PROBLEM);
                let problem = Some(bytes).filter(|_| is_problem);
                match problem.as_deref().and_then(Problem::from_bytes) {
                    Some(problem) => Err(problem.into()),
                    None => Err(unavailable(Outage::NotUnderstood)),
                }
            }
        }
    }
}

fn unavailable(cause: Outage) -> Failure {
    Failure::verdict(&Unavailable::because(cause))
}

/// An address that the key may be sent to: with TLS, or on this machine.
fn check(text: &str) -> Result<String, Failure> {
    let malformed = || Failure::misuse("url", format!("{text} is not the address of a server"));
    let url = Url::parse(text).map_err(|_| malformed())?;
    let host = url.host_str().ok_or_else(malformed)?;
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    match url.scheme() {
        "https" => {}
        "http" if is_here => {}
        "http" => {
            return Err(Failure::misuse("plain", "use https://: the key would be readable"));
        }
        _ => return Err(malformed()),
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn read_key(path: &Path) -> Result<Token, Failure> {
    let mut bytes = Vec::new();
    let read = match path.to_str() {
        Some("-") => io::stdin().take(MAX_KEY).read_to_end(&mut bytes),
        _ => fs::File::open(path).and_then(|file| file.take(MAX_KEY).read_to_end(&mut bytes)),
    };
    let bytes = SecretBytes::from(bytes);
    let at = path.display();
    read.map_err(|error| Failure::because("file", &format!("cannot read {at}"), &error))?;
    // Exposed: to the parser.
    let text = str::from_utf8(bytes.expose_secret()).unwrap_or_default();
    Token::parse(text).map_err(|error| Failure::because("operator_key", &at.to_string(), &error))
}
