//! Thieves: what each of them cannot do, on the real service over SQLite and, where the traffic
//! matters, over a socket. Beside what the thief cannot, each test shows that the owner can.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

mod database;
mod method;
mod operator;
mod phone;
mod proxy;
mod rollback;
mod served;
mod support;
mod together;
mod token;
