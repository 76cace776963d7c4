//! `kill -9` of the real custodian and of the real command, at random instants.
//!
//! A run is the life of one wallet: made, backed up, refreshed, its methods changed, converted, recovered on
//! the next phone. In the middle of each step one side is killed, or both. Then the custodian is started
//! again, the phone says `resume`, and what the user was told before must hold.

#![allow(clippy::indexing_slicing, reason = "a JSON object without the member gives null")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;

use crate::process::{Ended, Phone, Server, run};

const PASSWORD: &str = "copper-meadow-41-tangent";
const KEY: [u8; 32] = [7; 32];
const SEED: [u8; 32] = [9; 32];
const SECOND_PASSWORD: &str = "window-gravel-77-orchid";

/// What a campaign of runs did.
#[derive(Debug, Default)]
pub struct Tally {
    /// Runs that ended as they must; a run that does not panics.
    pub runs: u64,
    /// Commands killed before they ended.
    pub commands_killed: u64,
    /// Custodians killed while a command was running.
    pub custodians_killed: u64,
}

/// Lives this many lives, on both cores, from this seed on. The instants of death are the machine's,
/// so that a seed repeats a story and not a crash.
///
/// # Panics
///
/// Something was lost.
#[must_use]
pub fn campaign(runs: u64, seed: u64) -> Tally {
    let (next, tally) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    let typical = Typical::default();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= runs {
                        break;
                    }
                    let mut life = Life::start(seed.wrapping_add(number), &typical);
                    life.live();
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    tally.runs += 1;
                    tally.commands_killed += life.commands_killed;
                    tally.custodians_killed += life.custodians_killed;
                }
            });
        }
    });
    tally.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// How long each command takes undisturbed, so that death comes before its end.
#[derive(Debug, Default)]
struct Typical(Mutex<BTreeMap<String, Duration>>);

impl Typical {
    fn of(&self, command: &str) -> Duration {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(command).copied().unwrap_or(Duration::from_millis(300))
    }

    fn learn(&self, command: &str, took: Duration) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.get(command).copied().unwrap_or(took);
        known.insert(command.to_owned(), (before * 7 + took) / 8);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    Command,
    Custodian,
    Both,
}

/// One wallet, its phones and its custodian.
struct Life<'a> {
    seed: u64,
    rng: StdRng,
    typical: &'a Typical,
    folder: tempfile::TempDir,
    server: Server,
    token: PathBuf,
    phone: Phone,
    phones: u32,
    single_key: bool,
    /// What was imported into a single-key wallet.
    secrets: Vec<[u8; 32]>,
    /// What the user was told: the check code, and the highest epoch that was called done.
    check_code: Option<String>,
    epoch: u64,
    /// Where the recovery code is that the backup was made with.
    code: PathBuf,
    commands_killed: u64,
    custodians_killed: u64,
}

impl<'a> Life<'a> {
    fn start(seed: u64, typical: &'a Typical) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let server = Server::start(&folder.path().join("custodian"), &[]);
        let token = server.session("alice", folder.path());
        let phone = Phone::new(&folder.path().join("phone-1"), &server, &token);
        let (single_key, code) = (rng.random(), folder.path().join("code-0"));
        // A seed cannot be converted.
        let secrets = if rng.random() { vec![KEY, SEED] } else { vec![KEY] };
        Self {
            seed,
            rng,
            typical,
            folder,
            server,
            token,
            phone,
            phones: 1,
            single_key,
            secrets,
            check_code: None,
            epoch: 0,
            code,
            commands_killed: 0,
            custodians_killed: 0,
        }
    }

    fn live(&mut self) {
        self.make_wallet();
        self.back_up();
        for _ in 0..self.rng.random_range(1..=3) {
            match self.rng.random_range(0..5) {
                0 if self.single_key => self.convert(),
                0 | 4 => self.refresh(),
                1 => self.change_methods(),
                2 => self.drill(),
                _ => self.lose_the_phone(),
            }
        }
        // Whatever happened, a phone that knows nothing gets the wallet back with either method.
        self.recover("code", Fault::None);
        self.recover("password", Fault::None);
        self.drill();
    }

    fn make_wallet(&mut self) {
        let args: Vec<String> = if self.single_key {
            let key = self.file("key", &hex::encode(KEY));
            let seed = self.file("seed", &hex::encode(SEED));
            let import = ["wallet", "import", "--secp256k1-file", &key].map(str::to_owned);
            let seed = ["--ed25519-seed-file", &seed].map(str::to_owned);
            let seed = seed.into_iter().filter(|_| self.secrets.contains(&SEED));
            import.into_iter().chain(seed).collect()
        } else {
            ["wallet", "create", "--curve", "secp256k1,ed25519"].map(str::to_owned).to_vec()
        };
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let fault = self.fault();
        let told = self.disturb(&args, &[], fault);
        self.settle();
        let shown = self.phone.run(&["wallet", "show"]);
        let shown = match (told, shown) {
            (_, Ended::Done(shown)) => shown,
            (Ended::Done(told), lost) => panic!("{}: told {told}, then {lost:?}", self.seed),
            // Nobody was told of a wallet, and there is none.
            (_, _) => {
                self.disturb(&args, &[], Fault::None).done();
                self.phone.run(&["wallet", "show"]).done()
            }
        };
        self.check_code = Some(text(&shown, "check_code"));
    }

    fn back_up(&mut self) {
        let dir = format!("dir:{}", self.folder.path().join("store").display());
        for attempt in 0.. {
            // A code belongs to one attempt: it is written before anything is sealed for it.
            self.code = self.folder.path().join(format!("code-{attempt}"));
            let code = self.code.to_str().expect("text").to_owned();
            let args = ["backup", "--method", "password", "--method", "code", "--code-out", &code];
            let args = [&args[..], &["--store", "custodian", "--store", &dir]].concat();
            let fault = if attempt == 0 { self.fault() } else { Fault::None };
            let told = self.disturb(&args, &[("TWOSHARE_PASSWORD", PASSWORD)], fault);
            let shown = self.settle().expect("the phone has the wallet");
            let complete = is_complete(&shown);
            match told {
                Ended::Done(told) => assert!(complete, "{}: told {told}, is {shown}", self.seed),
                _ if complete => {}
                // What was interrupted is settled: the next one is in nobody's way.
                told => {
                    assert!(attempt == 0, "{}: {told:?}\n{}", self.seed, self.tail());
                    continue;
                }
            }
            self.told(&shown);
            return;
        }
    }

    fn refresh(&mut self) {
        let fault = self.fault();
        let code = self.code.to_str().expect("text").to_owned();
        let told = self.disturb(&["refresh", "--method", "code", "--code-file", &code], &[], fault);
        self.check_after(told);
    }

    /// A single-key wallet becomes an MPC wallet, all of it or nothing; one with a seed does not.
    fn convert(&mut self) {
        let fault = self.fault();
        let code = self.code.to_str().expect("text").to_owned();
        let args = ["wallet", "convert", "--method", "code", "--code-file", &code];
        let told = self.disturb(&args, &[], fault);
        let done = matches!(told, Ended::Done(_));
        let cannot = self.secrets.contains(&SEED);
        if cannot {
            assert!(!done, "{}: it has a seed", self.seed);
            let shown = self.settle().expect("the phone has the wallet");
            assert_eq!(shown["kind"], "single_key", "{}", self.seed);
            return;
        }
        self.check_after(told);
        let shown = self.phone.run(&["wallet", "show"]).done();
        let exported = self.phone.run(&["wallet", "export", "--yes"]);
        let is_whole = matches!(&exported, Ended::Done(secrets)
            if secrets.to_string().contains(&hex::encode(KEY)));
        let is_mpc = shown["kind"] == "mpc";
        assert!(is_mpc || !done, "{}: told, and is {shown}", self.seed);
        assert!(is_whole != is_mpc, "{}: {shown}, {exported:?}", self.seed);
        let hazards = shown["hazards"].to_string();
        assert_eq!(hazards.contains("key_was_whole"), is_mpc, "{}: {hazards}", self.seed);
        self.single_key = !is_mpc;
    }

    /// A second password comes, or goes.
    fn change_methods(&mut self) {
        let listed = self.phone.run(&["methods", "list"]).done();
        let methods = listed["methods"].as_array().expect("methods").clone();
        let second = methods.iter().find(|method| method["label"] == "second");
        let slot = second.map(|method| text(method, "slot"));
        let code = self.code.to_str().expect("text").to_owned();
        let with = ["--with", "code", "--code-file", &code];
        let new = self.file("second-password", SECOND_PASSWORD);
        let new = ["add", "--method", "password", "--label", "second", "--new-password-file", &new];
        let change = match &slot {
            Some(slot) => vec!["remove", slot],
            None => new.to_vec(),
        };
        let fault = self.fault();
        let told = self.disturb(&[&["methods"][..], &change, &with].concat(), &[], fault);
        let done = matches!(told, Ended::Done(_));
        self.check_after(told);
        let listed = self.phone.run(&["methods", "list"]).done();
        let now = listed["methods"].as_array().expect("methods").len();
        let then = if slot.is_some() { methods.len() - 1 } else { methods.len() + 1 };
        assert!(now == then || (!done && now == methods.len()), "{}: {listed}", self.seed);
    }

    fn drill(&mut self) {
        let code = self.code.to_str().expect("text").to_owned();
        let args = ["drill", "--method", "code", "--code-file", &code];
        let drilled = self.disturb(&args, &[], Fault::None).done();
        assert_eq!(drilled["level"], "matches", "{}", self.seed);
    }

    fn lose_the_phone(&mut self) {
        let method = if self.rng.random() { "code" } else { "password" };
        let fault = self.fault();
        self.recover(method, fault);
    }

    /// The next phone gets the wallet; the last one can do nothing any more.
    fn recover(&mut self, method: &str, fault: Fault) {
        self.phones += 1;
        let lost = self.phone.clone();
        let dir = self.folder.path().join(format!("phone-{}", self.phones));
        self.phone = Phone::new(&dir, &self.server, &self.token);
        let dir = format!("dir:{}", self.folder.path().join("store").display());
        let code = self.code.to_str().expect("text").to_owned();
        let args = ["recover", "--method", method, "--code-file", &code];
        let args = [&args[..], &["--store", "custodian", "--store", &dir]].concat();
        let password = [("TWOSHARE_PASSWORD", PASSWORD)];
        let told = self.disturb(&args, &password, fault);
        let shown = match (self.settle(), told) {
            (Some(shown), _) => shown,
            (None, Ended::Done(told)) => panic!("{}: told {told}, then nothing", self.seed),
            (None, _) => {
                self.disturb(&args, &password, Fault::None).done();
                self.settle().expect("the phone has the wallet")
            }
        };
        assert!(is_complete(&shown), "{}: {shown}", self.seed);
        assert!(shown["epoch"].as_u64() > Some(self.epoch), "{}: {shown}", self.seed);
        self.told(&shown);
        if self.single_key {
            let exported = self.phone.run(&["wallet", "export", "--yes"]).done().to_string();
            let all = self.secrets.iter().all(|key| exported.contains(&hex::encode(key)));
            assert!(all, "{}: not what was imported", self.seed);
        } else {
            // What it holds proves nothing any more.
            let new = lost.dir.join("new-code");
            let new = new.to_str().expect("text");
            let again = ["backup", "--replace", "--method", "code", "--code-out", new];
            let ended = lost.run(&[&again[..], &["--store", "custodian"]].concat());
            assert!(matches!(ended, Ended::Failed(_, 1)), "{}: {ended:?}", self.seed);
        }
    }

    fn check_after(&mut self, told: Ended) {
        let shown = self.settle().expect("the phone has the wallet");
        assert!(is_complete(&shown), "{}: {shown}", self.seed);
        if let Ended::Done(_) = told {
            assert!(shown["epoch"].as_u64() > Some(self.epoch), "{}: {shown}", self.seed);
        }
        self.told(&shown);
    }

    /// Both sides are up again, and what was interrupted is finished or given up. Then what the phone
    /// says of the wallet, if it has one.
    fn settle(&mut self) -> Option<Value> {
        match self.phone.run(&["resume"]) {
            Ended::Done(_) => {}
            other => panic!("{}: cannot resume: {other:?}\n{}", self.seed, self.tail()),
        }
        match self.phone.run(&["wallet", "show"]) {
            Ended::Done(shown) => {
                let code = text(&shown, "check_code");
                assert!(self.check_code.as_ref().is_none_or(|told| *told == code), "{shown}");
                let epoch = shown["epoch"].as_u64().unwrap_or(0);
                assert!(epoch >= self.epoch, "{}: went back: {shown}", self.seed);
                Some(shown)
            }
            Ended::Failed(error, _) if error["code"] == "no_wallet" => None,
            other => panic!("{}: {other:?}", self.seed),
        }
    }

    fn told(&mut self, shown: &Value) {
        self.epoch = shown["epoch"].as_u64().expect("an epoch");
    }

    /// Runs a command on the phone, with death in the middle of it.
    fn disturb(&mut self, args: &[&str], secrets: &[(&str, &str)], fault: Fault) -> Ended {
        let name = args.iter().take(2).copied().collect::<Vec<_>>().join(" ");
        let typical = self.typical.of(&name);
        let mut command: Command = self.phone.command(args);
        command.envs(secrets.iter().copied());
        let mut instant = || typical.mul_f64(self.rng.random_range(0.0..1.1));
        let command_dies = matches!(fault, Fault::Command | Fault::Both).then(&mut instant);
        let custodian_dies = matches!(fault, Fault::Custodian | Fault::Both).then(&mut instant);
        let started = Instant::now();
        let server = &mut self.server;
        let ended = thread::scope(|scope| {
            if let Some(after) = custodian_dies {
                scope.spawn(move || {
                    thread::sleep(after);
                    server.kill();
                    // The command asks again meanwhile, or gives up.
                    server.restart(&[]);
                });
            }
            run(&mut command, command_dies)
        });
        if fault == Fault::None {
            self.typical.learn(&name, started.elapsed());
        }
        self.commands_killed += u64::from(matches!(ended, Ended::Killed));
        self.custodians_killed += u64::from(custodian_dies.is_some());
        ended
    }

    fn fault(&mut self) -> Fault {
        match self.rng.random_range(0..8) {
            0 => Fault::None,
            1..4 => Fault::Command,
            4..7 => Fault::Custodian,
            _ => Fault::Both,
        }
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path: PathBuf = Path::new(self.folder.path()).join(name);
        fs::write(&path, content).expect("written");
        path.to_str().expect("the paths of a test are text").to_owned()
    }

    fn tail(&self) -> String {
        let log = self.server.log();
        let lines: Vec<&str> = log.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

fn is_complete(shown: &Value) -> bool {
    let keys = shown["keys"].as_array().expect("keys");
    keys.iter().all(|key| key["backup"] == "complete")
}
