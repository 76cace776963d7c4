//! The manual for the developer of an app: what an upgrade of a wallet is, step by step, and what its
//! user sees.
//!
//! - [`convert`]: a single-key wallet becomes an MPC wallet, under the same keys.
//! - [`more_curves`]: a wallet with keys on more curves, or of other keys, is another wallet.
//!
//! What is promised against whom is in [`core::manual`](twoshare_core::manual).

pub mod convert;
pub mod more_curves;
