//! What an app writes down of a wallet's whole life has nothing secret in it.

#![expect(clippy::unwrap_used, reason = "a panic is the failure message")]

mod common;

use std::{
    sync::{Arc, Mutex},
    thread,
};

use twoshare::core::{id::CurveId, sealed::SecretKind};
use twoshare_ffi::{
    Answer, Exported, Import, LogEntry, LogEvent, LogSink, Method, MethodChange, Outcome,
    Recovered, Recovery, RecoveryCode, SigningKey, WalletSecret, log_text,
};

use common::{Part, TOKEN, World, Wrong, wait};

const PASSWORD: &str = "orbit-velvet-93-lantern";
const LABEL: &str = "LABEL-of-a-secret";
const SEALED: &str = "SEALED-bytes-of-a-secret";
const NAME: &str = "NAME-of-a-wallet";

#[derive(Default)]
struct Sink(Mutex<Vec<LogEntry>>);

impl LogSink for Sink {
    fn log(&self, entry: LogEntry) {
        self.0.lock().unwrap().push(entry);
    }
}

impl Sink {
    /// What was said, once the call of this name has ended so many times.
    fn after(&self, name: &str, times: usize) -> Vec<LogEntry> {
        loop {
            let entries = self.0.lock().unwrap().clone();
            let ended = entries.iter().filter(|entry| {
                matches!(&entry.event, LogEvent::Ended { name: ended, .. } if ended == name)
            });
            if ended.count() >= times {
                return entries;
            }
            thread::yield_now();
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_log_of_a_whole_life_has_no_secret() {
    let sink = Arc::new(Sink::default());
    let mut world = World::new();
    world.log = Some(sink.clone());
    let client = world.client();
    let code = Arc::new(RecoveryCode::make(None));
    let mut secrets = vec![
        TOKEN.to_owned(),
        PASSWORD.to_owned(),
        LABEL.to_owned(),
        SEALED.to_owned(),
        NAME.to_owned(),
        code.to_text(),
        "SECRET-of-the-app".to_owned(),
        "nonce=".to_owned(),
    ];
    let password = Arc::new(Method::password(PASSWORD.to_owned(), None, None).unwrap());
    let paper = Arc::new(Method::recovery_code(code.clone()));

    let curves = vec![CurveId::Secp256k1, CurveId::Ed25519];
    let wallet = wait(client.create_wallet(curves, Some(NAME.to_owned()), None)).unwrap();
    let id = wallet.id();
    secrets.extend(wallet.signing_shares().iter().map(|share| hex(&share.expose_secret())));
    wait(client.backup(id, vec![password.clone(), paper.clone()], None)).unwrap();
    wait(client.drill(id, Some(paper.clone()), None)).unwrap();
    wait(client.refresh(id, paper.clone(), None)).unwrap();
    let wrong = Arc::new(Method::recovery_code(Arc::new(RecoveryCode::make(None))));
    wait(client.drill(id, Some(wrong.clone()), None)).unwrap_err();
    let changes = vec![MethodChange::Add { method: wrong }];
    wait(client.change_methods(id, paper.clone(), changes, None)).unwrap();

    for (part, how) in [
        (Part::Device, Wrong::Throws),
        (Part::Device, Wrong::Hangs),
        (Part::Transport, Wrong::Throws),
        (Part::Tokens, Wrong::Nonsense),
        (Part::Store, Wrong::Throws),
    ] {
        world.app.goes_wrong(part, how, 0, true);
        wait(client.refresh(id, paper.clone(), None)).unwrap_err();
        world.app.behaves();
        wait(client.resume(id, None)).unwrap();
    }

    let next = world.client();
    let recovery =
        Recovery { method: password, vouched_by: None, approved: None, accept_moved: false };
    let Recovered::Done { wallet: recovered } = wait(next.recover(id, recovery, None)).unwrap()
    else {
        panic!("it waits")
    };
    secrets.extend(recovered.signing_shares().iter().map(|share| hex(&share.expose_secret())));

    let key = Arc::new(SigningKey::make());
    secrets.push(hex(&key.expose_secret()));
    let secret =
        WalletSecret::new(SecretKind::Opaque, LABEL.to_owned(), SEALED.as_bytes().to_vec());
    let secret = Arc::new(secret.unwrap());
    let imports = vec![Import::Key { key: key.clone() }, Import::Secret { secret }];
    let imported = wait(next.import_wallet(imports, None, None)).unwrap();
    wait(next.backup(imported.id(), vec![paper.clone()], None)).unwrap();
    let exported = wait(imported.export()).unwrap();
    let [Exported::Key { key: back }, Exported::Secret { secret: sealed }] = exported.as_slice()
    else {
        panic!("{exported:?}")
    };
    assert_eq!(back.expose_secret(), key.expose_secret());
    assert_eq!(sealed.expose_secret(), SEALED.as_bytes());
    wait(next.forget(imported.id(), None)).unwrap();

    sink.after("change_methods", 1);
    let mut entries = sink.after("refresh", 6);
    // The other device has a queue of its own.
    entries.extend(sink.after("forget", 1));
    let mut whole = String::new();
    for entry in &entries {
        whole.push_str(&format!("{entry:?}\n"));
        whole.push_str(&log_text(entry.clone()));
        whole.push('\n');
    }
    for secret in &secrets {
        assert!(!whole.contains(secret.as_str()), "{secret} is in the log");
    }

    // What is there is of use.
    let is_there = |what: &dyn Fn(&LogEvent) -> bool| entries.iter().any(|e| what(&e.event));
    assert!(is_there(&|event| matches!(event,
        LogEvent::Began { name, wallet: Some(wallet) } if name == "backup" && *wallet == id)));
    assert!(is_there(&|event| matches!(event,
        LogEvent::Ended { name, outcome: Outcome::Done, .. } if name == "backup")));
    assert!(is_there(&|event| matches!(event,
        LogEvent::Ended { name, outcome: Outcome::Failed { error }, .. }
            if name == "drill" && error.starts_with("Open.Open."))));
    assert!(is_there(&|event| matches!(event,
        LogEvent::Http { path, status: Some(200), .. } if path == &format!("/v1/wallets/{id}/state"))));
    assert!(is_there(&|event| matches!(event, LogEvent::Http { status: None, .. })));
    assert!(is_there(&|event| matches!(event,
        LogEvent::App { name, answer: Answer::TimedOut { .. } } if name.starts_with("DeviceState."))));
    assert!(is_there(&|event| matches!(event,
        LogEvent::App { name, answer: Answer::Threw { .. } } if name == "TokenProvider.token")));
    assert!(is_there(&|event| matches!(event, LogEvent::Step { .. })));
}
