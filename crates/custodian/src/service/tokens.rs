//! Session tokens and operator keys.

use std::time::{Duration, Instant};

use subtle::{Choice, ConstantTimeEq as _};
use twoshare_protocol::{custodian::Unavailable, rules::Time};

use super::{IssuedSession, Service, lock, session::unavailable};
use crate::{
    AuthError, Token, UserId,
    audit::{Act, Actor},
    repository::NewEvent,
    token::TokenHash,
};

/// How long a token that was looked up is not looked up again.
const REMEMBERED: Duration = Duration::from_secs(10);

/// How many are remembered.
const MAX_REMEMBERED: usize = 16_384;

/// Whose token it was when it was looked up.
#[derive(Debug, Clone)]
pub(super) struct Remembered {
    user: UserId,
    expires: Time,
    at: Instant,
}

impl Service {
    /// A session token for a user, for so many seconds.
    ///
    /// # Errors
    ///
    /// The database cannot be written.
    pub async fn issue_session(
        &self,
        user: &UserId,
        ttl: Time,
    ) -> Result<IssuedSession, Unavailable> {
        let _inside = self.enter().await?;
        let token = Token::make(&mut rand::rng());
        let now = self.inner.config.clock.now();
        let expires = now.saturating_add(ttl);
        let event = NewEvent {
            at: now,
            actor: Actor::Operator,
            act: Act::SessionIssued,
            user: Some(user.clone()),
            wallet: None,
            operation: None,
            detail: format!("until {expires}"),
        };
        let put = self.inner.config.repository.put_session(token.hash(), user, expires, event);
        put.await.map_err(|error| unavailable(&error))?;
        Ok(IssuedSession { token, expires })
    }

    /// Whose token this is.
    ///
    /// # Errors
    ///
    /// See [`AuthError`].
    pub async fn authenticate(&self, token: &str) -> Result<UserId, AuthError> {
        if let Some(authenticator) = &self.inner.config.authenticator {
            return authenticator.authenticate(token).await;
        }
        let hash = Token::parse(token).map_err(|_| AuthError::Unauthorized)?.hash();
        let now = self.inner.config.clock.now();
        let remembered = lock(&self.inner.tokens).get(&hash).cloned();
        let remembered = remembered.filter(|found| found.at.elapsed() < REMEMBERED);
        let (user, expires) = match remembered {
            Some(Remembered { user, expires, .. }) => (user, expires),
            None => self.look_up(hash).await?,
        };
        if expires > now { Ok(user) } else { Err(AuthError::Unauthorized) }
    }

    async fn look_up(&self, hash: TokenHash) -> Result<(UserId, Time), AuthError> {
        let _inside = self.enter().await?;
        let found = self.inner.config.repository.session(hash).await;
        let found = found.map_err(|error| unavailable(&error))?;
        let (user, expires) = found.ok_or(AuthError::Unauthorized)?;
        let mut tokens = lock(&self.inner.tokens);
        if tokens.len() >= MAX_REMEMBERED {
            tokens.clear();
        }
        let remembered = Remembered { user: user.clone(), expires, at: Instant::now() };
        tokens.insert(hash, remembered);
        Ok((user, expires))
    }

    /// Forgets whom tokens belong to, so that all are looked up again.
    pub(super) fn forget_tokens(&self) {
        lock(&self.inner.tokens).clear();
    }

    /// Whether this is the operator's key.
    ///
    /// # Errors
    ///
    /// See [`AuthError`].
    pub async fn check_operator_key(&self, key: &str) -> Result<(), AuthError> {
        let _inside = self.enter().await?;
        let hash = Token::parse(key).map_err(|_| AuthError::Unauthorized)?.hash();
        let keys = self.inner.config.repository.operator_keys().await;
        let keys = keys.map_err(|error| unavailable(&error))?;
        let is_one = keys.iter().fold(Choice::from(0), |is_one, key| is_one | key.0.ct_eq(&hash.0));
        if is_one.into() { Ok(()) } else { Err(AuthError::Unauthorized) }
    }

    /// Makes this the operator's key, and no other.
    ///
    /// # Errors
    ///
    /// The database cannot be written.
    pub async fn set_operator_key(&self, key: &Token) -> Result<(), Unavailable> {
        let _inside = self.enter().await?;
        let put = super::open::put_operator_key(&self.inner.config, key).await;
        put.map_err(|error| unavailable(&error))
    }
}
