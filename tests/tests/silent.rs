//! What no log, no database and no output says: every secret of a run is searched for, in every form
//! in which a program would print or store it, in the server's log at trace level, in its database
//! files, and in what the commands say.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    str::FromStr as _,
};

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use k256::{Scalar, elliptic_curve::PrimeField as _};
use serde_json::Value;
use twoshare::DirectoryStore;
use twoshare_core::{
    envelope::Expected,
    id::WalletId,
    method::RecoveryCode,
    store::{EnvelopeStore as _, EnvelopeStoreExt as _, Part},
};
use twoshare_tests::process::{Phone, Server};

const PASSWORD: &str = "copper-meadow-41-tangent";
const DEVICE_PASSWORD: &str = "harbour-sixteen-linen-oak";
const MNEMONIC: &str =
    "legal winner thank year wave sausage worth useful legal winner thank yellow";

/// A secret and what to call it when it is found.
struct Secret {
    name: &'static str,
    forms: Vec<Vec<u8>>,
}

impl Secret {
    fn text(name: &'static str, text: &str) -> Self {
        Self { name, forms: vec![text.as_bytes().to_vec()] }
    }

    /// Bytes, and how a program would write them.
    fn bytes(name: &'static str, bytes: &[u8]) -> Self {
        let listed = format!("{bytes:?}");
        let forms = [
            hex::encode(bytes),
            hex::encode_upper(bytes),
            Base64::encode_string(bytes).trim_end_matches('=').to_owned(),
            Base64UrlUnpadded::encode_string(bytes),
            listed.trim_matches(['[', ']']).to_owned(),
        ];
        let forms = forms.into_iter().map(String::into_bytes);
        Self { name, forms: forms.chain([bytes.to_vec()]).collect() }
    }

    fn is_in(&self, hay: &[u8]) -> bool {
        self.forms.iter().any(|form| hay.windows(form.len()).any(|window| window == form))
    }
}

#[test]
fn nobody_says_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let data = folder.path().join("custodian");
    let mut server = Server::start(&data, &[]);
    let token = server.session("alice", folder.path());
    let phone = Phone::new(&folder.path().join("phone"), &server, &token);
    let (key, seed) = ([0x5a; 32], [0xc3; 32]);
    let store = folder.path().join("store");
    let dir = format!("dir:{}", store.display());
    let code = folder.path().join("code").to_str().unwrap().to_owned();
    let with = ["--method", "code", "--code-file", &code];
    let key_file = file("key", &hex::encode(key));
    let seed_file = file("seed", &hex::encode(seed));
    let words_file = file("words", MNEMONIC);
    let imports = ["--secp256k1-file", &key_file, "--ed25519-seed-file", &seed_file];
    let imports = [&imports[..], &["--mnemonic-file", &words_file]].concat();

    let mut said = Vec::new();
    let mut run = |phone: &Phone, args: &[&str]| {
        let mut command: Command = phone.command(args);
        command.env("TWOSHARE_PASSWORD", PASSWORD);
        command.env("TWOSHARE_DEVICE_PASSWORD", DEVICE_PASSWORD).env("RUST_LOG", "trace");
        let output = command.arg("--json").stdin(Stdio::null()).output().unwrap();
        said.extend_from_slice(&output.stderr);
        said.extend_from_slice(&output.stdout);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    run(&phone, &[&["wallet", "import"][..], &imports].concat());
    let both = ["--method", "password", "--method", "code", "--code-out", &code];
    run(&phone, &[&["backup"][..], &both, &["--store", "custodian", "--store", &dir]].concat());
    run(&phone, &[&["refresh"][..], &with].concat());
    run(&phone, &[&["drill"][..], &with].concat());
    run(&phone, &["methods", "list"]);
    run(&phone, &["backups", "list"]);
    let shown = run(&phone, &["wallet", "show"]);
    let next = Phone::new(&folder.path().join("next"), &server, &token);
    run(&next, &[&["recover"][..], &with, &["--store", "custodian", "--store", &dir]].concat());
    // A wrong secret is a secret too.
    let wrong = file("wrong", "lantern-quarry-08-willow");
    let refused = next.run(&["refresh", "--method", "password", "--password-file", &wrong]);
    assert_eq!(refused.code(), "wrong_password");
    server.kill();

    let text = |path: &Path| fs::read_to_string(path).unwrap().trim().to_owned();
    let code_text = text(Path::new(&code));
    let mut secrets = vec![
        Secret::text("the password", PASSWORD),
        Secret::text("the device's password", DEVICE_PASSWORD),
        Secret::text("the wrong password", "lantern-quarry-08-willow"),
        Secret::text("the recovery code", &code_text),
        Secret::text("the recovery code, run together", &code_text.replace('-', "")),
        Secret::text("the session token", &text(&token)),
        Secret::text("the mnemonic", MNEMONIC),
        Secret::bytes("the key", &key),
        Secret::bytes("the seed", &seed),
    ];
    for (name, kept) in keys_at_rest(&data) {
        secrets.push(Secret::bytes(name, &kept));
        secrets.push(Secret::text(name, String::from_utf8_lossy(&kept).trim()));
    }
    let wallet = WalletId::from_str(shown["wallet"].as_str().unwrap()).unwrap();
    secrets.extend(shares(&store, wallet, &code_text, &key));

    let log = server.log().into_bytes();
    assert!(log.len() > 1000, "the custodian logs nothing at trace level");
    for secret in &secrets {
        assert!(!secret.is_in(&log), "the server's log says {}", secret.name);
        assert!(!secret.is_in(&said), "the commands say {}", secret.name);
        for path in database(&data) {
            let content = fs::read(&path).unwrap();
            assert!(!secret.is_in(&content), "{} has {}", path.display(), secret.name);
        }
    }
    // The search itself finds what is there.
    assert!(Secret::text("the check code", shown["check_code"].as_str().unwrap()).is_in(&said));
}

/// The files of the custodian's database, its journal included.
fn database(data: &Path) -> Vec<PathBuf> {
    let files: Vec<_> = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path()).collect();
    let is_database = |path: &Path| path.file_name().unwrap().to_str().unwrap().contains(".db");
    let files: Vec<_> = files.into_iter().filter(|path| is_database(path)).collect();
    assert!(!files.is_empty(), "no database in {}", data.display());
    files
}

/// The keys that the custodian keeps beside its database.
fn keys_at_rest(data: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let kept: Vec<_> = [("the master key", "master.key"), ("the operator's key", "operator.key")]
        .into_iter()
        .map(|(name, file)| (name, fs::read(data.join(file)).unwrap()))
        .collect();
    assert!(kept.iter().all(|(_, key)| key.len() >= 32));
    kept
}

/// Both sides' shares of the first key, in every epoch whose envelope is still in the store: the
/// client's from the envelope, the custodian's from `x = 2·f(1) − f(2)`.
fn shares(store: &Path, wallet: WalletId, code: &str, key: &[u8; 32]) -> Vec<Secret> {
    let store = DirectoryStore::open(store).unwrap();
    let code = RecoveryCode::from_text(code).unwrap();
    let names = pollster::block_on(store.list(wallet)).unwrap();
    let mut secrets = Vec::new();
    for name in names.into_iter().filter(|name| name.part == Part::Envelope) {
        let envelope = pollster::block_on(store.get_envelope(name.envelope)).unwrap();
        let expected = Expected::default();
        let opened = pollster::block_on(envelope.open(&code, &expected)).unwrap();
        let share = opened.payload.keys[0].to_bytes();
        let client: [u8; 32] = share.expose_secret().last_chunk().copied().unwrap();
        let scalar = |bytes: [u8; 32]| Scalar::from_repr(bytes.into()).unwrap();
        let custodian = scalar(client) + scalar(client) - scalar(*key);
        secrets.push(Secret::bytes("a client share", &client));
        secrets.push(Secret::bytes("a custodian share", custodian.to_bytes().as_slice()));
    }
    assert!(secrets.len() >= 4, "there are envelopes of two epochs at least");
    secrets
}
