//! The programs are beside this file's folder, one file each: `cargo run -p twoshare-examples --example NAME`.
pub mod signing_store;
