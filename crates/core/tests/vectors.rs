//! Reads every frozen vector of the envelope, by nothing but the public API. What each file has is
//! said in FORMAT.md; what writes them is `crates/core/src/envelope/tests/vectors.rs`.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::{fs, path::Path};

use async_trait::async_trait;
use p256::{NonZeroScalar, PublicKey, ecdh::diffie_hellman, elliptic_curve::sec1::ToSec1Point};
use pollster::block_on;
use serde_json::Value;
use twoshare_core::{
    check_code::CheckCode,
    container::{self, Content},
    curve::AnyVerifyingKey,
    envelope::{Envelope, Expected, Opened, SlotHeader, VouchedBy},
    id::{CurveId, Epoch, WalletId},
    method::{
        AgreedSecret, AgreementKey, BackupMethod, Identity, MakeContext, MethodError, NewSlot,
        OpenContext, Password, RecoveryCode, SlotKind, Vouching,
    },
    text,
};

#[test]
fn every_vector_reads_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/envelope");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let vector: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            println!("{}", vector["name"]);
            assert_eq!(path.file_stem().unwrap().to_str(), vector["name"].as_str());
            check(&vector);
            count += 1;
        }
    }
    assert_eq!(count, 96, "a vector was added or lost");
}

fn check(vector: &Value) {
    let read = read(&vector["input"]);
    let code = read.as_ref().map_or_else(|code| *code, |_| "ok");
    assert_eq!(code, vector["read"].as_str().unwrap());
    let Ok(envelope) = read else { return };
    check_header(&envelope, &vector["header"]);
    if let Some(names) = vector["names"].as_object() {
        let name = envelope.name();
        for (part, object) in [("envelope", name.object()), ("receipt", name.receipt())] {
            assert_eq!(Some(object.to_string().as_str()), names[part].as_str());
            assert_eq!(names[part].as_str().unwrap().parse(), Ok(object));
        }
    }
    for attempt in vector["attempts"].as_array().unwrap() {
        println!("  {attempt}");
        let opened = open(&envelope, attempt);
        let code = opened.as_ref().map_or_else(|code| *code, |_| "ok");
        assert_eq!(code, attempt["result"].as_str().unwrap());
        if let Ok(opened) = opened {
            check_payload(&opened, &vector["payload"]);
            let counts = opened
                .altered
                .map_or((0, 0), |altered| (altered.added.len(), altered.missing.len()));
            let number = |field| attempt["altered"][field].as_u64().unwrap_or(0) as usize;
            assert_eq!(counts, (number("added"), number("missing")));
        }
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn read(input: &Value) -> Result<Envelope, &'static str> {
    let cose = if input["container"].is_string() {
        let container = bytes(&input["container"]);
        container::unwrap(Content::Envelope, &container).map_err(|error| error.code())?.to_vec()
    } else if let Some(copies) = input["copies"].as_array() {
        let copies: Vec<Vec<u8>> = copies.iter().map(bytes).collect();
        let [first, second, third] = copies.as_slice() else { panic!("three copies") };
        container::recover(Content::Envelope, [first, second, third])
            .map_err(|error| error.code())?
    } else if let Some(text) = input["text"].as_str() {
        text::read(text).map_err(|error| error.code())?
    } else {
        bytes(&input["cose"])
    };
    Envelope::from_bytes(&cose).map_err(|error| error.code())
}

fn check_header(envelope: &Envelope, expected: &Value) {
    let header = envelope.header();
    assert_eq!(header.wallet.to_bytes().as_slice(), bytes(&expected["wallet"]));
    assert_eq!(Some(header.epoch.get()), expected["epoch"].as_u64());
    assert_eq!(Some(header.created), expected["created"].as_u64());
    assert_eq!(header.kind.map(|kind| kind.name()), expected["kind"].as_str());
    assert_eq!(header.name.as_deref(), expected["name"].as_str());
    assert_eq!(header.network.as_deref(), expected["network"].as_str());
    assert_eq!(Some(envelope.digest().to_string().as_str()), expected["digest"].as_str());
}

fn open(envelope: &Envelope, attempt: &Value) -> Result<Opened, &'static str> {
    let expected = expected(attempt);
    let secret = attempt["secret"].as_str();
    let open = |method: &dyn BackupMethod| {
        block_on(envelope.open(method, &expected)).map_err(|error| error.code())
    };
    match attempt["method"].as_str().unwrap() {
        "password" => open(&Password::new(secret.unwrap()).map_err(|error| error.code())?),
        "recovery_code" => {
            let code = RecoveryCode::from_text(secret.unwrap()).map_err(|error| {
                let (twoshare_core::method::CodeError::Mistyped { group }
                | twoshare_core::method::CodeError::Length { group, .. }) = error;
                assert_eq!(group.map(u64::from), attempt["group"].as_u64());
                error.code()
            })?;
            open(&code)
        }
        "pin" => {
            open(&Pin(NonZeroScalar::try_from(bytes(&attempt["identity"]).as_slice()).unwrap()))
        }
        other => panic!("{other}"),
    }
}

fn expected(attempt: &Value) -> Expected {
    let expect = &attempt["expect"];
    let keys = expect["keys"].as_array().map(|keys| {
        let read = |key: &Value| {
            let curve = CurveId::ALL
                .iter()
                .find(|curve| Some(curve.name()) == key["curve"].as_str())
                .unwrap();
            AnyVerifyingKey::from_bytes(*curve, &bytes(&key["key"])).unwrap()
        };
        keys.iter().map(read).collect()
    });
    let check_code = expect["check_code"].as_str().map(|code| code.parse::<CheckCode>().unwrap());
    let wallet = expect["wallet"].is_string().then(|| bytes(&expect["wallet"]).try_into().unwrap());
    Expected {
        wallet: wallet.map(WalletId::from_bytes),
        epoch: expect["epoch"].as_u64().and_then(Epoch::new),
        digest: expect["digest"].as_str().map(|digest| digest.parse().unwrap()),
        keys,
        vouched_by: match check_code {
            Some(code) => VouchedBy::CheckCode(code),
            None if attempt["accept_unvouched"] == true => VouchedBy::AcceptUnvouched,
            None => VouchedBy::Method,
        },
    }
}

fn check_payload(opened: &Opened, expected: &Value) {
    let payload = &opened.payload;
    assert_eq!(Some(payload.kind.name()), expected["kind"].as_str());
    let keys = expected["keys"].as_array().unwrap();
    assert_eq!(payload.keys.len(), keys.len());
    for (share, expected) in payload.keys.iter().zip(keys) {
        assert_eq!(Some(share.verifying_key().curve().name()), expected["curve"].as_str());
        assert_eq!(share.verifying_key().to_bytes(), bytes(&expected["verifying_key"]));
        assert_eq!(share.commitment().to_bytes(), bytes(&expected["commitment"]));
        assert_eq!(share.expose_secret().expose_secret(), bytes(&expected["share"]));
        assert_eq!(share.to_bytes().expose_secret(), bytes(&expected["encoding"]));
    }
    let secrets: Vec<Vec<u8>> = expected["secrets"].as_array().unwrap().iter().map(bytes).collect();
    assert_eq!(payload.secrets.iter().map(|secret| secret.to_bytes()).collect::<Vec<_>>(), secrets);
    for (attachment, expected) in
        payload.attachments.iter().zip(expected["attachments"].as_array().unwrap())
    {
        assert_eq!(Some(attachment.name()), expected["name"].as_str());
        assert_eq!(Some(attachment.class().name()), expected["class"].as_str());
        let kept = attachment.bytes().map(|bytes| hex::encode(bytes.expose_secret()));
        assert_eq!(kept.as_deref(), expected["bytes"].as_str());
    }
    assert_eq!(payload.custodian.to_bytes().as_slice(), bytes(&expected["custodian"]));
    let slots: Vec<String> = opened.slots.iter().map(|slot| slot.id().to_string()).collect();
    let ids: Vec<&str> = expected["slots"]
        .as_array()
        .unwrap()
        .iter()
        .map(|slot| slot["id"].as_str().unwrap())
        .collect();
    assert_eq!(slots, ids);
    let code = CheckCode::of(opened.header.wallet, &payload.verifying_keys());
    assert_eq!(Some(code.to_string().as_str()), expected["check_code"].as_str());
}

/// A method that cannot vouch, whose identity the vector gives.
#[derive(Debug)]
struct Pin(NonZeroScalar);

#[derive(Debug)]
struct PinIdentity(NonZeroScalar);

#[async_trait]
impl BackupMethod for Pin {
    fn kind(&self) -> SlotKind {
        SlotKind::Pin
    }

    fn vouching(&self) -> Vouching {
        Vouching::CheckCode
    }

    async fn make(&self, _: MakeContext<'_>) -> Result<NewSlot, MethodError> {
        Ok(NewSlot::new("", Vec::new(), Box::new(PinIdentity(self.0))))
    }

    async fn open(
        &self,
        _: &SlotHeader,
        _: OpenContext,
    ) -> Result<Option<Box<dyn Identity>>, MethodError> {
        Ok(Some(Box::new(PinIdentity(self.0))))
    }
}

#[async_trait]
impl Identity for PinIdentity {
    fn public_key(&self) -> AgreementKey {
        let point = PublicKey::from_secret_scalar(&self.0).to_sec1_point(false);
        AgreementKey::from_bytes(point.as_bytes()).unwrap()
    }

    async fn agree(&self, point: &AgreementKey) -> Result<AgreedSecret, MethodError> {
        let point = PublicKey::from_sec1_bytes(&point.to_bytes()).unwrap();
        let shared = diffie_hellman(self.0, point.as_affine());
        Ok(AgreedSecret::from_bytes((*shared.raw_secret_bytes()).into()))
    }
}
