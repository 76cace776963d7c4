//! Envelopes that are written as fast as many connections can.

use std::{
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Barrier,
    task::JoinSet,
};
use twoshare::{
    core::{
        attachment::Attachment,
        curve::AnySigningKey,
        envelope::{Header, Payload, Slot, SlotTable, seal},
        id::{CurveId, Epoch, OperationId, WalletId, WalletKind},
        identity::CustodianIdentity,
        method::RecoveryCode,
        proof::Operation,
    },
    protocol::{
        Custodian as _, Party,
        http::{CBOR, EnvelopeUpload, Route},
        session::{Asked, Proving},
        wire::Message as _,
    },
    rng,
};

use super::{
    Failure, Load,
    figure::{Spread, Target, alone, beside},
    serve::User,
    server::Server,
    syncs::Library,
};

/// How many envelopes of one pending operation a custodian takes.
const EACH: usize = 8;

/// How long each envelope is, in bytes.
const LENGTH: usize = 2048;

/// Requests of one connection, as they are sent.
type Requests = Vec<Vec<u8>>;

pub(super) async fn measure(load: &Load, library: Option<&Library>) -> Result<(), Failure> {
    this_disk(load, library).await?;
    if library.is_some() {
        slower_disk(load, library).await?;
    }
    Ok(())
}

/// What synchronising takes on many disks; on this machine's it may be far less, and there is less to
/// be shared.
const SLOWER: Duration = Duration::from_millis(2);

async fn slower_disk(load: &Load, library: Option<&Library>) -> Result<(), Failure> {
    let mut ours = Server::start_with(load, library, None, SLOWER)?;
    let mut peer = Server::start_with(load, library, NonZeroUsize::new(1), SLOWER)?;
    let sizes = &load.sizes;
    let many =
        turns(&mut ours, &mut peer, sizes.rounds.min(3), sizes.connections, sizes.wallets).await?;
    let rates = many.iter().map(|(ours, peer)| (ours.rate(), peer.rate())).collect::<Vec<_>>();
    let name = |connections| {
        format!("uploads, {connections} connections, syncs of {SLOWER:?} and more: a second")
    };
    beside(&name(sizes.connections), &rates, Target::AtLeast(3.0));
    Ok(())
}

async fn this_disk(load: &Load, library: Option<&Library>) -> Result<(), Failure> {
    let mut ours = Server::start(load, library)?;
    let mut peer = Server::start_with(load, library, NonZeroUsize::new(1), Duration::ZERO)?;
    let sizes = &load.sizes;
    let many = turns(&mut ours, &mut peer, sizes.rounds, sizes.connections, sizes.wallets).await?;
    let name = |what: &str| format!("uploads, {} connections: {what}", sizes.connections);
    let of = |value: fn(&Turn) -> f64| {
        many.iter().map(|(ours, peer)| (value(ours), value(peer))).collect::<Vec<_>>()
    };
    let rate = of(Turn::rate);
    beside(&name("a second"), &rate, Target::AtLeast(3.0));
    beside(&name("median latency, ms"), &of(|turn| turn.latency(0.5)), Target::None);
    beside(&name("99th percentile of latency, ms"), &of(|turn| turn.latency(0.99)), Target::None);
    beside(&name("syncs for each"), &of(|turn| turn.syncs / turn.count), Target::None);
    beside(&name("commits for each"), &of(|turn| turn.commits / turn.count), Target::None);
    beside(&name("KiB to the disk for each"), &of(|turn| turn.disk_kib / turn.count), Target::None);
    let busy = of(|turn| turn.processor_millis / turn.count);
    beside(&name("server's processor, ms for each"), &busy, Target::None);
    beside(&name("part of the time in syncs"), &of(Turn::part_in_syncs), Target::None);

    let single = turns(&mut ours, &mut peer, sizes.single, 1, 1).await?;
    let of = |value: fn(&Turn) -> f64| {
        single.iter().map(|(ours, peer)| (value(ours), value(peer))).collect::<Vec<_>>()
    };
    let latency = of(|turn| turn.latency(0.5));
    beside("uploads, 1 connection: median latency, ms", &latency, Target::None);
    beside("uploads, 1 connection: syncs for each", &of(|t| t.syncs / t.count), Target::None);
    let sync = Spread::of(single.iter().map(|(ours, _)| ours.sync_millis / ours.syncs));
    alone("uploads, 1 connection: ms in each sync", &sync, Target::None);
    alone("memory of the server afterwards, MiB", &Spread::of([ours.resident()]), Target::None);
    Ok(())
}

/// What came of one turn.
#[derive(Debug)]
struct Turn {
    count: f64,
    seconds: f64,
    /// Sorted, in milliseconds.
    latencies: Vec<f64>,
    syncs: f64,
    sync_millis: f64,
    commits: f64,
    disk_kib: f64,
    processor_millis: f64,
}

impl Turn {
    fn rate(&self) -> f64 {
        self.count / self.seconds
    }

    fn latency(&self, part: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1) as f64;
        self.latencies.get((last * part) as usize).copied().unwrap_or(f64::NAN)
    }

    fn part_in_syncs(&self) -> f64 {
        self.sync_millis / 1e3 / self.seconds
    }
}

/// Both in turns; whoever comes second finds another cache, so they change places.
async fn turns(
    ours: &mut Server,
    peer: &mut Server,
    rounds: usize,
    connections: usize,
    wallets: usize,
) -> Result<Vec<(Turn, Turn)>, Failure> {
    let mut turns = Vec::with_capacity(rounds);
    for round in 0..rounds {
        let our_requests = prepare(ours, connections, wallets).await?;
        let peer_requests = prepare(peer, connections, wallets).await?;
        turns.push(if round % 2 == 0 {
            let ours = turn(ours, our_requests).await?;
            (ours, turn(peer, peer_requests).await?)
        } else {
            let peer = turn(peer, peer_requests).await?;
            (turn(ours, our_requests).await?, peer)
        });
    }
    Ok(turns)
}

async fn turn(server: &mut Server, requests: Vec<Requests>) -> Result<Turn, Failure> {
    let address = server.url.trim_start_matches("http://");
    let count = requests.iter().map(Vec::len).sum::<usize>();
    let barrier = Arc::new(Barrier::new(requests.len() + 1));
    let mut connections = JoinSet::new();
    for requests in requests {
        let mut connection = Connection::open(address).await?;
        let barrier = Arc::clone(&barrier);
        connections.spawn(async move {
            barrier.wait().await;
            let mut latencies = Vec::with_capacity(requests.len());
            for request in &requests {
                let start = Instant::now();
                connection.ask(request).await?;
                latencies.push(start.elapsed().as_secs_f64() * 1e3);
            }
            Ok::<_, Failure>(latencies)
        });
    }
    let before = server.done()?;
    barrier.wait().await;
    let start = Instant::now();
    let latencies: Result<Vec<_>, _> = connections.join_all().await.into_iter().collect();
    let seconds = start.elapsed().as_secs_f64();
    let done = server.done()?.since(before);
    let mut latencies = latencies?.concat();
    latencies.sort_by(f64::total_cmp);
    if done.written.writes != count as u64 {
        return Err(format!("{count} uploads were {} writes", done.written.writes).into());
    }
    Ok(Turn {
        count: count as f64,
        seconds,
        latencies,
        syncs: done.syncs,
        sync_millis: done.sync_millis,
        commits: done.written.commits as f64,
        disk_kib: done.disk_bytes / 1024.0,
        processor_millis: done.processor_millis,
    })
}

/// Uploads for each connection, with everything that they need but the upload itself: so many wallets
/// whose first backup is prepared, and eight sealings of it.
async fn prepare(
    server: &mut Server,
    connections: usize,
    wallets: usize,
) -> Result<Vec<Requests>, Failure> {
    let mut all = JoinSet::new();
    for user in server.users(connections)? {
        let (custodian, identity) = (server.custodian(&user)?, server.identity);
        all.spawn(async move {
            let mut requests = Vec::with_capacity(wallets * EACH);
            for _ in 0..wallets {
                requests.extend(uploads(&custodian, identity, &user).await?);
            }
            Ok::<_, Failure>(requests)
        });
    }
    all.join_all().await.into_iter().collect()
}

async fn uploads(
    custodian: &twoshare::HttpCustodian,
    identity: CustodianIdentity,
    user: &User,
) -> Result<Requests, Failure> {
    let (wallet, kind) = (WalletId::make(&mut rng()), WalletKind::SingleKey);
    let keys = [AnySigningKey::make(CurveId::Secp256k1, &mut rng())];
    let party = Party { custodian: identity, user: user.name.clone(), wallet, kind };
    let id = OperationId::make(&mut rng());
    let asked = Asked::deal(party, Operation::FirstBackup, id, &keys, Epoch::FIRST);
    let begun = custodian.begin(asked.message().clone()).await?;
    let offered = asked.prepare(&begun, Proving::Keys(&keys), Vec::new(), &mut rng())?;
    let prepared = custodian.prepare(offered.message().clone()).await?;
    let ready = offered.finish(&prepared, &[])?;

    let code = RecoveryCode::make(&mut rng());
    let mut slots = SlotTable::new();
    let verifying = keys.iter().map(AnySigningKey::verifying_key).collect::<Vec<_>>();
    slots.add(Slot::make(&code, wallet, &verifying, &mut rng()).await?)?;
    let header = Header::new(wallet, Epoch::FIRST, 0);
    let mut payload = Payload {
        kind,
        keys: ready.backup().to_vec(),
        secrets: Vec::new(),
        attachments: vec![padding(LENGTH / 2)?],
        custodian: identity,
    };
    let half = seal(&header, &payload, &slots, &mut rng())?.bytes.len();
    payload.attachments = vec![padding(LENGTH + LENGTH / 2 - half)?];
    let mut requests = Vec::with_capacity(EACH);
    for _ in 0..EACH {
        let sealed = seal(&header, &payload, &slots, &mut rng())?;
        debug_assert_eq!(sealed.bytes.len(), LENGTH);
        let upload = ready.upload(Epoch::FIRST, &sealed.bytes, &mut rng());
        let path = Route::PutEnvelope.path(&[&wallet, &sealed.digest]);
        let body = EnvelopeUpload { upload, envelope: sealed.bytes.into() }.to_bytes();
        let head = format!(
            "PUT {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
             content-type: {CBOR}\r\ncontent-length: {}\r\n\r\n",
            user.token,
            body.len(),
        );
        // Exposed: to the server, as any client does.
        requests.push([head.as_bytes(), body.expose_secret()].concat());
    }
    Ok(requests)
}

fn padding(length: usize) -> Result<Attachment, Failure> {
    Ok(Attachment::durable("padding", vec![7; length].into())?)
}

/// A connection that is kept, of a client that costs as little as it can: what is measured is the
/// server.
struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    async fn open(address: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::with_capacity(4096) })
    }

    /// Sends a request, and waits until it is acknowledged: an answer without a body.
    async fn ask(&mut self, request: &[u8]) -> Result<(), Failure> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        while !self.answer.windows(4).any(|end| end == b"\r\n\r\n") {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err("the server closed the connection".into());
            }
        }
        if self.answer.starts_with(b"HTTP/1.1 204 ") {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&self.answer).into_owned().into())
        }
    }
}
