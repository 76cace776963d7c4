//! A backup to try the command on, and the command.

use std::{
    ffi::OsStr,
    fs,
    io::Write as _,
    process::{Command, Stdio},
    sync::LazyLock,
};

use pollster::block_on;
use rand::{SeedableRng as _, rngs::ChaCha20Rng};
use serde_json::Value;
use tempfile::TempDir;
use twoshare_core::{
    check_code::CheckCode,
    container::{self, Content},
    curve::AnySigningKey,
    digest::Digest,
    envelope::{Header, Payload, Slot, SlotTable, seal},
    id::{CurveId, Epoch, Purpose, Sharing, WalletId, WalletKind},
    identity::CustodianKeys,
    method::{BackupMethod, Password, RecoveryCode},
    share::KeyId,
};

pub(crate) const PASSWORD: &str = "seven purple lighthouses";
/// A code of 128 bits, which were drawn by `made`.
pub(crate) static CODE: LazyLock<String> = LazyLock::new(|| MADE.code.clone());

/// An envelope with a password and a recovery code, made once: the key derivation takes its time.
static MADE: LazyLock<Made> = LazyLock::new(made);

struct Made {
    cose: Vec<u8>,
    code: String,
    wallet: String,
    check_code: String,
    public_key: String,
}

fn made() -> Made {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let wallet = WalletId::make(&mut rng);
    let key = AnySigningKey::make(CurveId::Secp256k1, &mut rng);
    let keys = [key.verifying_key()];
    let sharing = Sharing { wallet, purpose: Purpose::Backup, epoch: Epoch::FIRST };
    let (share, _) = key.split(KeyId { sharing, index: 0 }, &mut rng);
    let payload = Payload {
        kind: WalletKind::SingleKey,
        keys: vec![share],
        secrets: Vec::new(),
        attachments: Vec::new(),
        custodian: *CustodianKeys::make(&mut rng).identity(),
    };
    let code = RecoveryCode::make(&mut rng);
    let text = code.to_text().to_string();
    let password = Password::new(PASSWORD).unwrap().with_label("a\x1b[2Jb");
    let methods: [&dyn BackupMethod; 2] = [&password, &code];
    let mut slots = SlotTable::new();
    for method in methods {
        slots.add(block_on(Slot::make(method, wallet, &keys, &mut rng)).unwrap()).unwrap();
    }
    let mut header = Header::new(wallet, Epoch::FIRST, 1_763_596_800);
    header.name = Some("Savings".to_owned());
    let sealed = seal(&header, &payload, &slots, &mut rng).unwrap();
    let public_key = keys[0].to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    Made {
        cose: sealed.bytes,
        code: text,
        wallet: wallet.to_string(),
        check_code: CheckCode::of(wallet, &keys).to_string(),
        public_key,
    }
}

/// The backup, and a folder for the files of one test.
pub(crate) struct Fixture {
    pub(crate) folder: TempDir,
    pub(crate) cose: Vec<u8>,
    pub(crate) container: Vec<u8>,
    /// A file with the container.
    pub(crate) file: String,
    pub(crate) wallet: String,
    pub(crate) digest: String,
    pub(crate) check_code: String,
    pub(crate) public_key: String,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let cose = MADE.cose.clone();
        let container = container::wrap(Content::Envelope, &cose).unwrap();
        let mut fixture = Self {
            folder: TempDir::new().unwrap(),
            digest: Digest::of(&cose).to_string(),
            cose,
            file: String::new(),
            wallet: MADE.wallet.clone(),
            check_code: MADE.check_code.clone(),
            public_key: MADE.public_key.clone(),
            container,
        };
        fixture.file = fixture.write("backup.envelope", &fixture.container);
        fixture
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

/// The command with these arguments, without a terminal and without the variables that it reads.
pub(crate) fn twoshare<'a>(args: impl IntoIterator<Item = &'a str>) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twoshare"));
    command.args(args).env_remove("TWOSHARE_PASSWORD").env_remove("TWOSHARE_CODE");
    Run { command, input: Vec::new() }
}

pub(crate) struct Run {
    command: Command,
    input: Vec<u8>,
}

pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn with_input(mut self, input: &[u8]) -> Self {
        self.input = input.to_vec();
        self
    }

    pub(crate) fn run(mut self) -> Output {
        let piped =
            self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        // It may end before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(&self.input);
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!stderr.contains("panicked"), "{stderr}");
        Output {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr,
        }
    }

    /// The one object that a command with `--json` answers.
    pub(crate) fn success(self) -> Value {
        let output = self.run();
        assert_eq!(output.code, 0, "{}", output.stderr);
        serde_json::from_str(&output.stdout).unwrap()
    }

    /// The error of a command with `--json` that ends with this code.
    pub(crate) fn failure(self, code: i32) -> Value {
        let output = self.run();
        assert_eq!(output.code, code, "{}{}", output.stdout, output.stderr);
        let mut answer: Value = serde_json::from_str(&output.stdout).unwrap();
        let error = answer["error"].take();
        assert!(error["code"].is_string() && error["message"].is_string(), "{error}");
        error
    }
}
