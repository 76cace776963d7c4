//! The calls of the border benchmark, as a Rust program makes them: see benches/README.md.
//!
//! Prints a line per call, its name and its nanoseconds, for `cargo xtask bench border`. Border.kt and
//! Border.swift are the same.

use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use twoshare::{
    Client, HttpCustodian, HttpRequest, HttpResponse, HttpTransport, Import, MemoryDevice, Token,
    TransportError,
    core::{curve::SigningKey, id::WalletId},
    rng,
};

type Failure = Box<dyn std::error::Error>;

/// How many calls are timed at once.
const BATCH: u32 = 100;

fn main() -> Result<(), Failure> {
    let seconds: f64 = std::env::args().nth(1).ok_or("seconds for each call")?.parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    runtime.block_on(calls(&Border { time: Duration::from_secs_f64(seconds) }))
}

async fn calls(border: &Border) -> Result<(), Failure> {
    let custodian = HttpCustodian::builder("https://custodian.example", Token::new("none")?);
    let custodian = custodian.transport(NeverCalled).build()?;
    let builder = Client::builder().custodian(custodian).unpinned().user("alice");
    let client = builder.device(MemoryDevice::default()).build()?;
    let key = Import::Key(SigningKey::make(&mut rng()));
    let wallet = client.import_wallet(vec![key], None).await?;
    let (id, absent) = (wallet.id(), WalletId::make(&mut rng()));
    let text = id.to_string();
    // A Rust program drops what it cancels, and has a flag of its own where it needs one.
    let cancelled = AtomicBool::new(false);

    border.measure("is_cancelled", async || cancelled.load(Ordering::Acquire)).await;
    border.measure("parse", async || black_box(&text).parse::<WalletId>().is_ok()).await;
    border.measure("records", async || wallet.verifying_keys().to_vec()).await;
    border.measure("wallets_here", async || client.wallets_here().await.is_ok()).await;
    border.measure("object", async || client.wallet(id).await.is_ok()).await;
    border.measure("error", async || client.wallet(absent).await.is_err()).await;
    border.measure("long", async || client.import_wallet(Vec::new(), None).await.is_err()).await;
    // The app's own storage is Rust here too.
    border.measure("own", async || client.wallets_here().await.is_ok()).await;
    // Not a call of a Rust program: what another thread takes at least.
    let spawned = async || {
        let client = client.clone();
        tokio::spawn(async move { client.wallets_here().await }).await.is_ok()
    };
    border.measure("spawned", spawned).await;
    Ok(())
}

struct Border {
    time: Duration,
}

impl Border {
    /// The median of the batches, after as long a time that does not count.
    async fn measure<T>(&self, name: &str, call: impl AsyncFn() -> T) {
        self.batches(&call).await;
        let mut batches = self.batches(&call).await;
        batches.sort_unstable();
        let median = batches.get(batches.len() / 2).copied().unwrap_or_default();
        println!("{name} {:.1}", median.as_secs_f64() * 1e9 / f64::from(BATCH));
    }

    async fn batches<T>(&self, call: &impl AsyncFn() -> T) -> Vec<Duration> {
        let (mut batches, start) = (Vec::new(), Instant::now());
        while start.elapsed() < self.time {
            let began = Instant::now();
            for _ in 0..BATCH {
                black_box(call().await);
            }
            batches.push(began.elapsed());
        }
        batches
    }
}

struct NeverCalled;

#[async_trait]
impl HttpTransport for NeverCalled {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        unreachable!("nothing here asks the custodian")
    }
}
