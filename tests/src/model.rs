//! The rules of epochs, explored exhaustively.
pub mod config;
pub mod custodian;
pub mod explore;
pub mod operator;
pub mod owner;
pub mod recovery;
pub mod symbols;
pub mod thief;
pub mod world;
