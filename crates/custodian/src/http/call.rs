//! One request, as its handler sees it: its caller is known, its body is there.

use axum::extract::RawPathParams;
use core::str::FromStr;
use serde::de::DeserializeOwned;
use twoshare_core::secret::SecretBytes;
use twoshare_protocol::{
    Nonce,
    http::{Fault, parse_nonce},
    wire::Message,
};

use crate::{LocalSession, Service};

/// What is asked, beside by whom.
pub(super) struct Asked {
    pub(super) params: Option<RawPathParams>,
    pub(super) query: Option<String>,
    pub(super) body: SecretBytes,
}

/// A request of a user.
pub(super) struct UserCall {
    pub(super) session: LocalSession,
    pub(super) service: Service,
    pub(super) asked: Asked,
}

/// A request of the operator.
pub(super) struct OperatorCall {
    pub(super) service: Service,
    pub(super) asked: Asked,
}

impl Asked {
    /// A part of the path.
    pub(super) fn part<T: FromStr>(&self, name: &str) -> Result<T, Fault> {
        let params = self.params.as_ref().ok_or(Fault::Malformed)?;
        let part = params.iter().find(|(known, _)| *known == name).ok_or(Fault::Malformed)?;
        part.1.parse().map_err(|_| Fault::Malformed)
    }

    /// A part of the query, where it is there. None needs escaping.
    pub(super) fn query<T: FromStr>(&self, name: &str) -> Result<Option<T>, Fault> {
        let query = self.query.as_deref().unwrap_or_default();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let found = pairs.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.parse().map_err(|_| Fault::Malformed)).transpose()
    }

    /// The nonce in the query.
    pub(super) fn nonce(&self) -> Result<Nonce, Fault> {
        let text = self.query::<String>("nonce")?.ok_or(Fault::Malformed)?;
        parse_nonce(&text).ok_or(Fault::Malformed)
    }

    /// The body as a message.
    pub(super) fn message<M: Message>(&self) -> Result<M, Fault> {
        // Exposed: to the decoder.
        Ok(M::from_bytes(self.body.expose_secret())?)
    }

    /// The body as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        // Exposed: to the decoder.
        serde_json::from_slice(self.body.expose_secret()).map_err(|_| Fault::Malformed)
    }
}
