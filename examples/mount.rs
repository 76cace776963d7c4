//! A company's own service with the custodian in it: its accounts, its tokens, its port.
//!
//! ```text
//! cargo run -p twoshare-examples --example mount -- /tmp/custodian
//! curl -X POST http://127.0.0.1:8421/login -d alice
//! curl -H "Authorization: Bearer TOKEN" http://127.0.0.1:8421/custodian/v1/user
//! ```

use std::{
    collections::HashMap,
    error::Error,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use twoshare_custodian::{
    AuthError, Authenticator, Service, Token, TokenHash, UserId, http::router, local::DataDir,
};

/// The company's own sessions. A real one checks a JWT, or asks its database.
#[derive(Debug, Default)]
struct Accounts(Mutex<HashMap<TokenHash, UserId>>);

impl Accounts {
    fn log_in(&self, user: UserId) -> Token {
        let token = Token::make(&mut rand::rng());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(token.hash(), user);
        token
    }
}

/// What lets the custodian know the company's users.
#[async_trait::async_trait]
impl Authenticator for Accounts {
    async fn authenticate(&self, token: &str) -> Result<UserId, AuthError> {
        let hash = Token::parse(token).map_err(|_| AuthError::Unauthorized)?.hash();
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(&hash).cloned().ok_or(AuthError::Unauthorized)
    }
}

/// The company's login; whoever says a name is that user here.
async fn log_in(State(accounts): State<Arc<Accounts>>, name: String) -> Result<String, StatusCode> {
    let user = UserId::new(name.trim()).map_err(|_| StatusCode::BAD_REQUEST)?;
    // Exposed: to the user who logs in.
    Ok(accounts.log_in(user).expose_secret().to_owned())
}

/// The company's service, with the custodian below `/custodian`.
fn app(accounts: Arc<Accounts>, custodian: Service) -> Router {
    Router::new()
        .route("/login", post(log_in))
        .with_state(accounts)
        .nest("/custodian", router(custodian))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let data = std::env::args().nth(1).ok_or("where is the custodian's data directory?")?;
    let accounts = Arc::new(Accounts::default());
    let mut config = DataDir::new(data).open().await?;
    config.authenticator = Some(accounts.clone());
    let custodian = Service::open(config).await?;
    println!("custodian {}", custodian.identity());

    let listener = tokio::net::TcpListener::bind("127.0.0.1:8421").await?;
    // The addresses of callers are what the rate of unknown ones is counted by.
    let app = app(accounts, custodian.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    custodian.close().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use twoshare::{HttpCustodian, protocol::Custodian as _};

    #[tokio::test]
    async fn a_user_of_the_company_is_a_user_of_the_custodian() {
        let dir = tempfile::TempDir::new().unwrap();
        let accounts = Arc::new(Accounts::default());
        let mut config = DataDir::new(dir.path()).open().await.unwrap();
        config.authenticator = Some(accounts.clone());
        let custodian = Service::open(config).await.unwrap();
        let identity = custodian.identity();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/custodian", listener.local_addr().unwrap());
        let token = accounts.log_in(UserId::new("alice").unwrap());
        let app = app(accounts, custodian);
        tokio::spawn(async move { axum::serve(listener, app).await });

        // Exposed: to the client, whose it is.
        let token = twoshare::Token::new(token.expose_secret()).unwrap();
        let custodian = HttpCustodian::builder(url, token).build().unwrap();
        let login = custodian.user().await.unwrap();
        assert_eq!((login.user.as_str(), login.identity), ("alice", identity));
        assert_eq!(custodian.wallets().await, Ok(Vec::new()));
    }
}
