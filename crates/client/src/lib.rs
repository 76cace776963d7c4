//! The twoshare SDK

mod directory;

pub use directory::{
    CopyHealth, DirectoryError, DirectoryStore, ObjectHealth, RepairError, Verdict,
};
