//! The thief on the wire: everything that was said in the clear, every long-term key afterwards, and
//! an old share. And the requests of one user in another's hands.

use sqlx::Connection as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use twoshare::{
    HttpCustodian, HttpRequest, Retry, Token,
    core::{
        channel::{CustodianChannel, EphemeralSecret, Step},
        identity::CustodianKeys,
        proof::Operation,
        share::AnyClientShare,
    },
    protocol::{
        Custodian as _,
        custodian::BeginError,
        http::{Caller, Method, Route},
        message::{Begin, Begun, Prepare, Signed, digest},
        session::Proving,
        wire::Message as _,
    },
};
use twoshare_custodian::http::Rate;
use twoshare_protocol::conformance::device::{Device, With};

use crate::{
    database::{identity, unsealed},
    served::{Passed, Served, unlimited},
    support::{BOTH, HOUR, THIEF, USER, World, dump, is_in, told, user},
};

/// Everything that an owner does, over the wire; and every secret of it.
async fn run(served: &Served) -> (Vec<Device<HttpCustodian>>, Vec<(String, Vec<u8>)>) {
    let identity = served.world.service.identity();
    let mut secrets = Vec::new();
    // Exposed here and below: to be looked for.
    let mut note = |name: &str, shares: &[AnyClientShare]| {
        let share =
            |s: &AnyClientShare| (name.to_owned(), s.expose_secret().expose_secret().to_vec());
        secrets.extend(shares.iter().map(share));
    };
    let keygen = Device::keygen(served.login(USER).await, identity, USER, BOTH).await;
    let mut mpc = keygen.unwrap();
    let mut single = Device::import(served.login(USER).await, identity, USER, BOTH);
    let mut custodian = Vec::new();
    for device in [&mut mpc, &mut single] {
        for (operation, with) in [
            (Operation::FirstBackup, With::Device),
            (Operation::Refresh, With::Method),
            (Operation::Recover, With::Method),
        ] {
            device.run(operation, with).await.unwrap();
            note("signing", &device.signing);
            note("backup", &device.backup);
            custodian.extend(unsealed(&served.world).await);
        }
        let wallet = device.party.wallet;
        served.world.service.open_window(&user(USER), wallet, HOUR).await.unwrap();
        let (id, backup) = (device.operation(), device.backup.clone());
        let asked = device.request(Operation::Eject, id, Proving::Backup(&backup)).await.unwrap();
        let ejected = device.custodian.eject(asked.message().clone()).await.unwrap();
        assert_eq!(asked.open(&ejected, &backup).unwrap().len(), 2, "it does cross the wire");
    }
    secrets.extend(custodian.into_iter().map(|share| ("custodian's".to_owned(), share)));
    let keys = single.keys.iter().map(|key| key.expose_secret().expose_secret().to_vec());
    secrets.extend(keys.map(|key| ("key".to_owned(), key)));
    (vec![mpc, single], secrets)
}

#[tokio::test]
async fn everything_that_was_said_and_every_key_afterwards_open_nothing() {
    let served = Served::new(World::new().await, unlimited()).await;
    let identity_before = served.world.service.identity();
    let first = Device::keygen(served.login(USER).await, identity_before, USER, BOTH).await;
    let mut first = first.unwrap();
    first.run(Operation::FirstBackup, With::Device).await.unwrap();
    let old = first.clone();
    first.run(Operation::Recover, With::Method).await.unwrap();
    let (_, secrets) = run(&served).await;
    let passed = served.passed();
    let mut said: Vec<u8> = Vec::new();
    for Passed { request, response } in &passed {
        // Exposed: to the thief.
        said.extend(request.url.bytes());
        said.extend(request.body.iter().flat_map(|(_, body)| body.expose_secret()));
        said.extend(response.body.expose_secret());
    }
    for (name, secret) in &secrets {
        assert!(!is_in(secret, &said), "a {name} share was said in the clear");
    }
    assert!(is_in(&old.party.wallet.to_bytes(), &said), "the search finds what was said");

    // Every long-term key of the server, afterwards.
    let bytes = identity(&served.world).await;
    let keys = CustodianKeys::from_bytes(&bytes).unwrap();
    assert_eq!(*keys.identity(), identity_before);
    let mut tried = 0;
    let posts = |route: Route| {
        let is_it = move |passed: &&Passed| passed.request.url.ends_with(route.template());
        passed.iter().filter(is_it)
    };
    for prepared in posts(Route::Prepare) {
        let prepare = Prepare::from_bytes(body(&prepared.request)).unwrap();
        let (begin, begun) = posts(Route::Begin)
            .find_map(|passed| {
                let begun = passed.response.body.expose_secret();
                let begun = Signed::<Begun>::from_bytes(begun).ok()?.unverified().clone();
                let begin = Begin::from_bytes(body(&passed.request)).ok()?;
                (begun.nonce == prepare.body.nonce).then_some((begin, begun))
            })
            .unwrap();
        let context = [
            b"twoshare/v1/session".as_slice(),
            &digest(&begin).to_bytes(),
            &digest(&begun).to_bytes(),
            USER.as_bytes(),
        ]
        .concat();
        // The ephemeral key is gone; what is left to try are the long-term ones in its place.
        let scalars = bytes
            .windows(32)
            .filter_map(|scalar| EphemeralSecret::from_bytes(&[&[1], scalar].concat()).ok());
        for ephemeral in scalars {
            let channel =
                CustodianChannel::new(&ephemeral, &prepare.body.ephemeral, &keys, &context);
            let sealed = prepare.body.sealed.expose_secret();
            assert!(channel.open(Step::FIRST, sealed).is_err());
            assert!(channel.open(Step::FIRST, prepared.response.body.expose_secret()).is_err());
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
    // An old share begins nothing, and makes no key with anything that the server still has.
    let mut thief = old.clone();
    for operation in [Operation::Refresh, Operation::Recover] {
        let refused = told(thief.prepare(operation, With::Method).await);
        assert_eq!(refused, Err(BeginError::EpochEnded));
    }
    let refused = told(thief.prepare(Operation::Replace, With::Device).await);
    assert_eq!(refused, Err(BeginError::EpochEnded));
    first.run(Operation::Refresh, With::Method).await.unwrap();
}

fn body(request: &HttpRequest) -> &[u8] {
    // Exposed: to the thief.
    request.body.as_ref().map(|(_, body)| body.expose_secret()).unwrap_or_default()
}

/// Everything once more, by its own user's token and by another's.
#[tokio::test]
async fn what_was_asked_before_changes_nothing_and_reveals_nothing() {
    let served = Served::new(World::new().await, unlimited()).await;
    let (mut devices, secrets) = run(&served).await;
    let pending = devices[0].prepare(Operation::Refresh, With::Method).await.unwrap();
    let passed = served.passed();
    let before = dump(&served.world).await;
    let (alice, mallory) = (served.token(USER).await, served.token(THIEF).await);
    let mut same = 0;
    for Passed { request, response } in &passed {
        let route = |route: Route| request.url.ends_with(route.template());
        let at = format!("{} {}", request.method, request.url);
        for token in [&alice, &mallory] {
            let again = served.again(request, token).await;
            let answer = again.body.expose_secret();
            for (name, secret) in &secrets {
                assert!(!is_in(secret, answer), "{name} in {at}");
            }
            let is_mallory = std::ptr::eq(token, &mallory);
            // A session is opened for whoever asks, and commits nobody to anything.
            let opens = route(Route::Begin);
            // Inside the window it is answered again, sealed to the key inside the proof.
            let ejects = route(Route::Eject);
            let reads = request.method == Method::Get;
            let repeats =
                again.status == response.status && answer == response.body.expose_secret();
            same += usize::from(repeats && !reads);
            match is_mallory {
                false => {
                    assert!(opens || reads || ejects || repeats || again.status >= 400, "{at}")
                }
                true => assert!(opens || again.status >= 400, "{at}: {}", again.status),
            }
        }
    }
    assert!(same > 5, "a repeated request has its answer again: {same}");
    assert_eq!(dump(&served.world).await, before);
    devices[0].commit(&pending).await.unwrap();
}

/// Every route, with another user's token and ids of this one's.
#[tokio::test]
async fn another_users_token_finds_nothing() {
    let served = Served::new(World::new().await, unlimited()).await;
    let (devices, _) = run(&served).await;
    let alices = &devices[0].party.wallet;
    let nothing = devices[0].party.wallet.to_string().replace('2', "3").replace('4', "5");
    let (alice, mallory) = (served.token(USER).await, served.token(THIEF).await);
    let key = std::fs::read_to_string(served.world.data().operator_key()).unwrap();
    let key = Token::new(key.trim()).unwrap();
    let before = dump(&served.world).await;
    for route in Route::ALL {
        let ask = |wallet: &str, token: &Token| {
            let path = route.template().replace("{wallet}", wallet);
            let path = path
                .replace("{digest}", &"00".repeat(32))
                .replace("{epoch}", "1")
                .replace("{operation}", &twoshare::make_operation_id().to_string())
                .replace("{request}", &twoshare::make_operation_id().to_string());
            let nonce = if path.ends_with("state") || path.ends_with("drill") {
                format!("?nonce={}", "ab".repeat(32))
            } else {
                String::new()
            };
            let media_type = match route.caller() {
                Caller::Operator => "application/json",
                Caller::User | Caller::Anyone => "application/cbor",
            };
            HttpRequest {
                method: route.method(),
                url: format!("{}{path}{nonce}", served.url()),
                token: Some(token.clone()),
                body: (route.max_body() > 0).then(|| (media_type, b"{}".to_vec().into())),
                precondition: None,
                accept: "application/cbor",
                max_answer: 1 << 20,
                id: "0".into(),
            }
        };
        match route.caller() {
            Caller::Anyone => {}
            Caller::Operator => {
                for token in [&alice, &mallory] {
                    let answer = served.again(&ask(&alices.to_string(), token), token).await;
                    assert_eq!(answer.status, 401, "{route:?}");
                }
            }
            Caller::User => {
                let answer = served.again(&ask(&alices.to_string(), &key), &key).await;
                assert_eq!(answer.status, 401, "{route:?}");
                let theirs = served.again(&ask(&alices.to_string(), &mallory), &mallory).await;
                let none = served.again(&ask(&nothing, &mallory), &mallory).await;
                assert_eq!(theirs.status, none.status, "{route:?}");
                // Exposed: to be compared.
                assert_eq!(theirs.body.expose_secret(), none.body.expose_secret(), "{route:?}");
            }
        }
    }
    // A wallet of the same id is another wallet.
    let mut mallorys =
        Device::import(served.login(THIEF).await, served.world.service.identity(), THIEF, BOTH);
    mallorys.party.wallet = *alices;
    mallorys.run(Operation::FirstBackup, With::Device).await.unwrap();
    mallorys.run(Operation::Refresh, With::Method).await.unwrap();
    served.world.service.delete_user(&user(THIEF)).await.unwrap();
    assert_eq!(dump(&served.world).await, before);
}

/// Whoever is behind a proxy is counted, whatever they write into the proxy's header.
#[tokio::test]
async fn nobody_hides_behind_a_header() {
    for forged in
        [&b""[..], b"\xff, ", b"1.2.3.4, ", b"127.0.0.1, ", b"x, ", b"\xff\r\nX-Forwarded-For: "]
    {
        let limits = twoshare_custodian::http::HttpLimits {
            address: Rate { burst: 1, per_second: 1 },
            ..unlimited()
        };
        let served = Served::new(World::new().await, limits).await;
        let mut statuses = Vec::new();
        for address in ["203.0.113.7", "203.0.113.7", "203.0.113.8"] {
            // The proxy on this machine adds whom it forwards.
            let head = [
                b"GET /openapi.json HTTP/1.1\r\nhost: a\r\nx-forwarded-for: ".as_slice(),
                forged,
                address.as_bytes(),
                b"\r\n\r\n",
            ];
            statuses.push(served.raw(&head.concat()).await);
        }
        assert_eq!(statuses, [200, 429, 200], "{:?}", String::from_utf8_lossy(forged));
        // One that says nothing that can be read is one caller.
        let head = b"GET /openapi.json HTTP/1.1\r\nhost: a\r\nx-forwarded-for: unknown\r\n\r\n";
        assert_eq!([served.raw(head).await, served.raw(head).await], [200, 429]);
    }
}

/// Two ways to say where a body ends, or who asks, are not guessed at.
#[tokio::test]
async fn requests_that_can_be_read_in_two_ways_are_refused() {
    let served = Served::new(World::new().await, unlimited()).await;
    let token = served.token(USER).await;
    // Exposed: to be sent.
    let auth = format!("authorization: Bearer {}\r\n", token.expose_secret());
    let ask = |rest: &str| {
        format!(
            "POST /v1/begin HTTP/1.1\r\nhost: a\r\n{auth}content-type: application/cbor\r\n{rest}"
        )
    };
    for rest in [
        "content-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "content-length: 1, 2\r\n\r\nab",
        "content-length: +1\r\n\r\na",
        "transfer-encoding: xchunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    ] {
        assert_eq!(served.raw(ask(rest).as_bytes()).await, 400, "{rest:?}");
    }
    // Two callers in one request: of a proxy and its own, whoever is believed.
    let other = format!("authorization: Bearer {}\r\n", "0".repeat(64));
    for two in [format!("{auth}{other}"), format!("{other}{auth}"), format!("{auth}{auth}")] {
        let head = format!("GET /v1/user HTTP/1.1\r\nhost: a\r\n{two}\r\n");
        assert_eq!(served.raw(head.as_bytes()).await, 401);
    }
    let plain = format!("GET /v1/user HTTP/1.1\r\nhost: a\r\n{auth}\r\n");
    assert_eq!(served.raw(plain.as_bytes()).await, 200);
}

/// Whoever asks for more and more and reads none of it does not keep a connection, nor the memory
/// that the answers take.
#[tokio::test]
async fn whoever_does_not_read_is_not_kept() {
    let headers = std::time::Duration::from_millis(300);
    let limits = twoshare_custodian::http::HttpLimits { headers, ..unlimited() };
    let served = Served::new(World::new().await, limits).await;
    let mut stream = tokio::net::TcpStream::connect(served.address).await.unwrap();
    let ask = b"GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n".repeat(64);
    // Until nothing fits in between any more, and then until the server has had enough.
    let cut = async { while stream.write_all(&ask).await.is_ok() {} };
    let cut = tokio::time::timeout(std::time::Duration::from_secs(20), cut).await;
    assert!(cut.is_ok(), "the connection is still there");
}

const CHILD: &str = "TWOSHARE_TEST_ASK";

/// Asked without TLS on this machine: the proxy of the environment does not get to read the token.
#[tokio::test]
async fn a_proxy_of_the_environment_reads_no_token() {
    if let Ok(asked) = std::env::var(CHILD) {
        let (url, token) = asked.split_once(' ').unwrap();
        let builder = HttpCustodian::builder(url, Token::new(token).unwrap());
        builder.retry(Retry::NEVER).build().unwrap().user().await.unwrap();
        return;
    }
    let served = Served::new(World::new().await, unlimited()).await;
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let read = tokio::spawn(async move {
        let (mut stream, _) = proxy.accept().await.unwrap();
        let mut bytes = vec![0; 4096];
        let length = stream.read(&mut bytes).await.unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    });
    let token = served.token(USER).await;
    let child = tokio::task::spawn_blocking({
        // Exposed: to the child.
        let ask = format!("{} {}", served.url(), token.expose_secret());
        move || {
            std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "proxy::a_proxy_of_the_environment_reads_no_token"])
                .env(CHILD, ask)
                .envs(["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"].map(|n| (n, &address)))
                .env_remove("NO_PROXY")
                .env_remove("no_proxy")
                .output()
                .unwrap()
        }
    });
    let output = child.await.unwrap();
    assert!(!read.is_finished(), "the proxy read {:?}", read.await);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    read.abort();
}

/// Which the issuer's token was before it was over.
#[tokio::test]
async fn a_token_that_is_over_is_over() {
    let served = Served::new(World::new().await, unlimited()).await;
    let custodian = served.login(USER).await;
    assert!(custodian.wallets().await.is_ok());
    // Deleted by another process: its own memory of the token is short.
    let mut database = served.world.sql().await;
    crate::support::change(&mut database, "DELETE FROM sessions").await;
    database.close().await.unwrap();
    served.world.turn(HOUR);
    assert!(custodian.wallets().await.is_err());
    // Deleted by this one: at once.
    let custodian = served.login(USER).await;
    assert!(custodian.wallets().await.is_ok());
    served.world.service.delete_user(&user(USER)).await.unwrap();
    assert!(custodian.wallets().await.is_err());
    // An operator's key that was changed by another process is over at once.
    let key = std::fs::read_to_string(served.world.data().operator_key()).unwrap();
    served.world.service.check_operator_key(key.trim()).await.unwrap();
    let mut database = served.world.sql().await;
    crate::support::change(&mut database, "DELETE FROM operator_keys").await;
    assert!(served.world.service.check_operator_key(key.trim()).await.is_err());
}
