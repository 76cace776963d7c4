//! Which path does what.

use core::fmt;

use super::{MAX_LIST, MAX_MESSAGE, MAX_UPLOAD};

/// A request's method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Acts; every act may be repeated.
    Post,
    /// Writes what the path names.
    Put,
    /// Deletes what the path names.
    Delete,
}

impl Method {
    /// Its name in a request.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    /// Everybody.
    Anyone,
    /// A user, with a session token.
    User,
    /// The operator, with its key.
    Operator,
}

/// The longest body of what the operator says, in bytes.
const MAX_JSON: usize = 4 * 1024;

macro_rules! routes {
    ($(
        $(#[$doc:meta])*
        $name:ident = $method:ident $path:literal, $caller:ident, $body:expr, $answer:expr;
    )+) => {
        /// What can be asked for, in the order of the documentation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Route { $($(#[$doc])* $name,)+ }

        impl Route {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The method.
            #[must_use]
            pub const fn method(self) -> Method {
                match self { $(Self::$name => Method::$method,)+ }
            }

            /// The path, with the names of its parts in braces.
            #[must_use]
            pub const fn template(self) -> &'static str {
                match self { $(Self::$name => $path,)+ }
            }

            /// Who may ask.
            #[must_use]
            pub const fn caller(self) -> Caller {
                match self { $(Self::$name => Caller::$caller,)+ }
            }

            /// The longest body of a request, in bytes; a longer one is refused unread.
            #[must_use]
            pub const fn max_body(self) -> usize {
                match self { $(Self::$name => $body,)+ }
            }

            /// The longest body of an answer, in bytes; a client reads no further.
            #[must_use]
            pub const fn max_answer(self) -> usize {
                match self { $(Self::$name => $answer,)+ }
            }
        }
    };
}

routes! {
    /// Who the token is of, and the custodian's identity.
    User = Get "/v1/user", User, 0, MAX_JSON;
    /// The ids of the user's wallets.
    Wallets = Get "/v1/wallets", User, 0, MAX_LIST;
    /// A wallet as it stands, signed for `?nonce=`.
    State = Get "/v1/wallets/{wallet}/state", User, 0, MAX_MESSAGE;
    /// The receipt of a committed operation.
    Receipt = Get "/v1/wallets/{wallet}/receipts/{operation}", User, 0, MAX_MESSAGE;
    /// Opens a session.
    Begin = Post "/v1/begin", User, MAX_MESSAGE, MAX_MESSAGE;
    /// Makes new epochs pending.
    Prepare = Post "/v1/prepare", User, MAX_MESSAGE, MAX_MESSAGE;
    /// Makes the pending epochs active.
    Commit = Post "/v1/commit", User, MAX_MESSAGE, MAX_MESSAGE;
    /// Gives an operation up for good.
    Abandon = Post "/v1/abandon", User, MAX_MESSAGE, MAX_MESSAGE;
    /// Objects to a waiting recovery or eject.
    Cancel = Post "/v1/cancel", User, MAX_MESSAGE, 0;
    /// Releases the custodian's shares of the active backup epoch.
    Eject = Post "/v1/eject", User, MAX_MESSAGE, MAX_MESSAGE;
    /// Proves for `?nonce=` that the custodian holds its half.
    Drill = Post "/v1/wallets/{wallet}/drill", User, 0, MAX_MESSAGE;
    /// Writes an envelope.
    PutEnvelope = Put "/v1/wallets/{wallet}/envelopes/{digest}", User, MAX_UPLOAD, 0;
    /// Reads an envelope.
    Envelope = Get "/v1/wallets/{wallet}/envelopes/{digest}", User, 0, MAX_UPLOAD;
    /// Deletes the envelope of an ended epoch.
    Retire = Delete "/v1/wallets/{wallet}/epochs/{epoch}", User, 0, 0;

    /// Lets a wallet leave for another custodian.
    Depart = Post "/v1/depart", User, MAX_MESSAGE, MAX_MESSAGE;
    /// Ends a wallet here that is with another custodian, with that one's receipt.
    HandOver = Post "/v1/wallets/{wallet}/hand-over", User, MAX_MESSAGE, 0;

    /// Makes a session token for a user.
    Session = Post "/v1/operator/session", Operator, MAX_JSON, MAX_JSON;
    /// Lets the key of a wallet be released for some time.
    EjectWindow = Post "/v1/operator/eject-window", Operator, MAX_JSON, MAX_JSON;
    /// Lets a wallet stand still.
    Freeze = Post "/v1/operator/freeze", Operator, MAX_JSON, 0;
    /// Lets a wallet go on.
    Unfreeze = Post "/v1/operator/unfreeze", Operator, MAX_JSON, 0;
    /// Lets one recovery go on after the database was restored.
    Approve = Post "/v1/operator/approve", Operator, MAX_JSON, 0;
    /// The recoveries and ejects that wait.
    Requests = Get "/v1/operator/requests", Operator, 0, MAX_LIST;
    /// Ends one of them.
    CancelRequest = Delete "/v1/operator/requests/{request}", Operator, 0, 0;
    /// Names a custodian that wallets may be moved to.
    TrustCustodian = Post "/v1/operator/custodians", Operator, MAX_JSON, 0;
    /// The custodians that wallets may be moved to.
    TrustedCustodians = Get "/v1/operator/custodians", Operator, 0, MAX_LIST;
    /// Takes that word back.
    DistrustCustodian = Delete "/v1/operator/custodians/{identity}", Operator, 0, 0;
    /// A page of the audit log.
    Audit = Get "/v1/operator/audit", Operator, 0, MAX_LIST;
    /// Removes everything of a user.
    DeleteUser = Post "/v1/operator/delete-user", Operator, MAX_JSON, MAX_JSON;

    /// Whether the process runs.
    Live = Get "/health/live", Anyone, 0, MAX_JSON;
    /// Whether it takes writes.
    Ready = Get "/health/ready", Anyone, 0, MAX_JSON;
    /// This interface, described.
    OpenApi = Get "/openapi.json", Anyone, 0, MAX_LIST;
}

impl Route {
    /// The path with its parts filled in, in order. The parts are ids, digests and numbers, which
    /// need no escaping.
    #[must_use]
    pub fn path(self, parts: &[&(dyn fmt::Display + Sync)]) -> String {
        let mut parts = parts.iter();
        let segments = self.template().split('/').skip(1);
        segments.fold(String::new(), |path, segment| match segment.starts_with('{') {
            true => match parts.next() {
                Some(part) => format!("{path}/{part}"),
                None => format!("{path}/{segment}"),
            },
            false => format!("{path}/{segment}"),
        })
    }
}
