//! The same operations with the libraries that people would use otherwise, as their documentation
//! shows them.

pub(crate) mod frost;
pub(crate) mod vsss;
