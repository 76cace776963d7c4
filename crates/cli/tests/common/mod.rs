//! A backup to try the command on, and the command.

mod command;

use std::{fs, sync::LazyLock};

use pollster::block_on;
use rand::{SeedableRng as _, rngs::ChaCha20Rng};
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

pub(crate) use self::command::twoshare;

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
