use std::fmt;

use twoshare_core::id::CurveId;

/// One run of what is measured.
pub(crate) type Work = Box<dyn FnMut()>;

/// An operation of ours and the same of a peer.
pub struct Pair {
    /// What is done.
    pub operation: &'static str,
    /// On which curve.
    pub curve: CurveId,
    /// The other library.
    pub peer: &'static str,
    /// How large a part of the peer's time ours may take; `None` where it is only for information.
    pub target: Option<f64>,
    /// One run of ours.
    pub ours: Work,
    /// One run of the peer's.
    pub theirs: Work,
}

impl Pair {
    /// An operation of ours, whose peer is still to be named.
    pub(crate) fn new(operation: &'static str, curve: CurveId, ours: Work) -> Self {
        Self { operation, curve, peer: "", target: None, ours, theirs: Box::new(|| {}) }
    }

    pub(crate) fn beside(self, peer: &'static str, theirs: Work, target: Option<f64>) -> Self {
        Self { peer, theirs, target, ..self }
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {} beside {}", self.operation, self.curve, self.peer)
    }
}

/// An operation without a peer, which has a time of its own to keep.
pub struct Alone {
    /// What is done.
    pub operation: &'static str,
    /// How long one run may take, in microseconds.
    pub target: f64,
    /// One run.
    pub ours: Work,
}

impl fmt::Debug for Alone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation)
    }
}
