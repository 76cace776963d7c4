//! Why a store did not do what it was asked.

use twoshare::stores::Failed;

use super::{
    ContainerError, Ended, EnvelopeName, Mirrors, ParseError, SourceError, StoreId, TestOpenError,
    UploadError, rust,
};

mirror! {
    /// Why a store did not do what it was asked to, whatever that was.
    part StoreFault = twoshare::core::store::StoreFault {
        /// Not signed in: have the user sign in.
        NotSignedIn,
        /// Signed in with another account than the one that has the envelopes.
        WrongAccount {
            /// A hint of the account.
            expected: String,
        },
        /// A permission is missing: have the user grant it.
        Denied {
            /// The scope, permission or path.
            scope: String,
        },
        /// Cannot be reached, or failed for a while: try again later.
        Unavailable {
            /// Seconds to wait before the next attempt, where the store says.
            retry_after: Option<u64>,
            /// What happened.
            source: SourceError,
        },
        /// Failed in a way that trying again does not mend: see the source.
        Broken(source: SourceError),
    }

    /// Why an object was not put.
    part PutError = twoshare::core::store::PutError {
        /// Other bytes are there under this name. They are damaged, or somebody else's: read them, and
        /// delete them if they are not an intact envelope of this name.
        Exists,
        /// The store is full: free space, or use another.
        Full,
        /// The store takes no object as large as this: use another.
        TooLarge {
            /// Length of the object in bytes.
            len: u64,
            /// The longest that the store takes.
            cap: u64,
        },
        /// The store failed.
        Fault(source: StoreFault),
    }

    /// Why an object was not got.
    part GetError = twoshare::core::store::GetError {
        /// There is no such object.
        NotFound,
        /// It is there, and every copy of it is damaged: use another store.
        Damaged,
        /// The store failed.
        Fault(source: StoreFault),
    }

    /// Why an envelope or a receipt was not written.
    part WriteError = twoshare::core::store::WriteError {
        /// The store did not take it.
        Put(source: PutError),
        /// A receipt of more than 8 MiB.
        Container(source: ContainerError),
    }

    /// Why an envelope or a receipt was not read.
    part FetchError = twoshare::core::store::FetchError {
        /// The store does not have it, or failed.
        Get(source: GetError),
        /// What the store gave is damaged, or is something else: use another copy, or another store.
        Container(source: ContainerError),
        /// The container is intact, but what is in it is not an envelope that can be read.
        Envelope(source: ParseError),
        /// An envelope of another name: the store gave another than was asked for.
        OtherEnvelope {
            /// The name of what it gave.
            found: EnvelopeName,
        },
    }

    /// Why these stores cannot be used together.
    part StoresError = twoshare::stores::StoresError {
        /// The same store is named twice: name it once.
        Twice {
            /// The store.
            store: StoreId,
        },
        /// The policy asks for more stores than there are: add stores, or ask for less.
        TooFew {
            /// How many the policy needs.
            needed: u64,
            /// How many there are.
            stores: u64,
        },
    }

    /// Why a new envelope is not kept as the policy asks. What was written of it lies in the stores until the
    /// operation is given up, which deletes it.
    part WriteStoresError = twoshare::stores::WriteStoresError {
        /// There is no store: name one.
        NoStore,
        /// Too few of the stores have it, read back and opened: see what each said, and try again.
        Policy {
            /// How many must have it.
            needed: u64,
            /// Those that have it.
            kept: Vec<StoreId>,
            /// Those that do not, and why.
            missing: Vec<FailedKeep>,
        },
    }

    /// Why one store does not have an envelope or a receipt. It did not answer in time where it is said to
    /// be unavailable because of `TimedOut`.
    part KeepError = twoshare::stores::KeepError {
        /// See there: it is not written to this store.
        CustodianAlone [CustodianAlone {}],
        /// What it has cannot be looked at: try again later.
        Look(source: FetchError),
        /// It did not take it.
        Write(source: WriteError),
        /// What is damaged there could not be deleted, and is in the way.
        Delete(source: StoreFault),
        /// The custodian did not take it.
        Upload(source: UploadError),
        /// It did not give back what was written.
        ReadBack(source: FetchError),
        /// What it gave back does not open: use another store.
        TestOpen(source: TestOpenError),
    }

    /// Why a directory cannot be used as a store.
    operation DirectoryError = twoshare::DirectoryError {
        /// There is no store here: check the path.
        NotAStore {
            /// The path that was given.
            path: String,
        },
        /// The permission to write here is missing: choose another path, or grant it.
        Denied {
            /// The path that was given.
            path: String,
        },
        /// The disk is full: free space, or choose another.
        Full,
        /// The file system failed otherwise, or something else than a directory is in the way.
        Failed {
            /// The path that was given.
            path: String,
            /// What the file system said.
            source: SourceError,
        },
    }

    /// Why an object was not repaired. Nothing was removed then.
    operation RepairError = twoshare::RepairError {
        /// There is no such object.
        NotFound,
        /// No copy is intact, and together they do not give the object either: put it again from another
        /// store.
        Damaged,
        /// The disk is full: free space, then try again.
        Full,
        /// The file system failed.
        Fault(source: StoreFault),
    }
}

/// What one of the stores said when it was asked for an envelope.
#[derive(Debug, Clone, uniffi::Record)]
pub struct FailedFetch {
    /// Which store.
    pub store: StoreId,
    /// What it said.
    pub error: FetchError,
}

/// What one of the stores said when it was to have an envelope.
#[derive(Debug, Clone, uniffi::Record)]
pub struct FailedKeep {
    /// Which store.
    pub store: StoreId,
    /// What it said.
    pub error: KeepError,
}

impl Mirrors<Failed<twoshare::core::store::FetchError>> for FailedFetch {
    fn mirror(rust: Failed<twoshare::core::store::FetchError>) -> Self {
        let Failed { store, error } = rust;
        Self { store, error: error.into() }
    }

    fn unmirror(&self) -> Result<Failed<twoshare::core::store::FetchError>, Ended> {
        Ok(Failed { store: self.store.clone(), error: self.error.unmirror()? })
    }
}

impl Mirrors<Failed<twoshare::stores::KeepError>> for FailedKeep {
    fn mirror(rust: Failed<twoshare::stores::KeepError>) -> Self {
        let Failed { store, error } = rust;
        Self { store, error: error.into() }
    }

    fn unmirror(&self) -> Result<Failed<twoshare::stores::KeepError>, Ended> {
        Ok(Failed { store: self.store.clone(), error: self.error.unmirror()? })
    }
}
