//! The protected headers of the body and of the slots, as coset's header maps.

use std::collections::BTreeMap;

use coset::{
    AsCborValue, CborSerializable, HeaderBuilder, Label, ProtectedHeader,
    cbor::Value,
    iana::{self, EnumI64},
};
use minicbor::{Decoder, data::Type};

use super::{ParseError, VERSION, error::SlotFault, tag::KeyTag};
use crate::{
    id::{Epoch, WalletId, WalletKind},
    method::{AgreementKey, SlotKind},
    wire::item_end,
};

/// COSE's own label of the algorithm (RFC 9052, table 3).
const ALGORITHM: i64 = 1;
/// COSE's own label of counter signatures (RFC 9052, table 3).
const COUNTER_SIGNATURE: i64 = 7;
/// Labels from COSE's private-use range (below −65,536).
const BODY_VERSION: i64 = -70_001;
const BODY_WALLET: i64 = -70_002;
const BODY_EPOCH: i64 = -70_003;
const BODY_CREATED: i64 = -70_004;
const BODY_KEY_COMMITMENT: i64 = -70_005;
const BODY_KIND: i64 = -70_006;
const BODY_NAME: i64 = -70_007;
const BODY_NETWORK: i64 = -70_008;
const SLOT_KIND: i64 = -70_011;
const SLOT_LABEL: i64 = -70_012;
const SLOT_PARAMETERS: i64 = -70_013;
const SLOT_PUBLIC_KEY: i64 = -70_014;
const SLOT_KEY_TAG: i64 = -70_015;

/// The longest protected header of a body or a slot, in bytes.
pub(super) const MAX_HEADER: usize = 4096;
/// The longest name and the longest label, in bytes of UTF-8.
pub(super) const MAX_TEXT: usize = 256;
/// The longest parameters of a slot, in bytes.
pub(super) const MAX_PARAMETERS: usize = 2048;

/// What everybody who has an envelope can read of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The wallet.
    pub wallet: WalletId,
    /// The epoch of the backup pair.
    pub epoch: Epoch,
    /// When it was sealed, in seconds since 1970, by the clock of whoever sealed it.
    pub created: u64,
    /// Where the wallet's whole key is, if that may be public.
    pub kind: Option<WalletKind>,
    /// A name to show in a list of backups, at most 256 bytes, if there is to be a public one.
    pub name: Option<String>,
    /// The network that the wallet is for, at most 256 bytes, if that may be public.
    pub network: Option<String>,
}

impl Header {
    /// A header with nothing optional in it.
    #[must_use]
    pub const fn new(wallet: WalletId, epoch: Epoch, created: u64) -> Self {
        Self { wallet, epoch, created, kind: None, name: None, network: None }
    }

    pub(super) fn texts_fit(&self) -> bool {
        [&self.name, &self.network].into_iter().flatten().all(|text| text.len() <= MAX_TEXT)
    }
}

/// The body's protected header: the public [`Header`] and the key commitment.
#[derive(Debug)]
pub(super) struct BodyHeader {
    pub(super) header: Header,
    pub(super) commitment: [u8; 32],
    pub(super) protected: ProtectedHeader,
}

impl BodyHeader {
    pub(super) fn new(header: &Header, commitment: [u8; 32]) -> Self {
        let mut map = HeaderBuilder::new()
            .algorithm(iana::Algorithm::A256GCM)
            .value(BODY_VERSION, VERSION.into())
            .value(BODY_WALLET, Value::Bytes(header.wallet.to_bytes().to_vec()))
            .value(BODY_EPOCH, header.epoch.get().into())
            .value(BODY_CREATED, header.created.into())
            .value(BODY_KEY_COMMITMENT, Value::Bytes(commitment.to_vec()));
        if let Some(kind) = header.kind {
            map = map.value(BODY_KIND, kind.number().into());
        }
        if let Some(name) = &header.name {
            map = map.value(BODY_NAME, Value::Text(name.clone()));
        }
        if let Some(network) = &header.network {
            map = map.value(BODY_NETWORK, Value::Text(network.clone()));
        }
        Self { header: header.clone(), commitment, protected: encode(map.build()) }
    }

    /// The version is looked at before anything that a later one may do otherwise.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.len() > MAX_HEADER {
            return Err(ParseError::Malformed);
        }
        let map = AnyMap::read(bytes).ok_or(ParseError::NotAnEnvelope)?;
        let version = map.get(BODY_VERSION).ok_or(ParseError::NotAnEnvelope)?;
        match Decoder::new(version).u64() {
            Ok(VERSION) => {}
            Ok(version) if version > VERSION => {
                return Err(ParseError::NewerVersion { version });
            }
            Ok(_) | Err(_) => return Err(ParseError::Malformed),
        }
        if !map.has_algorithm(iana::Algorithm::A256GCM) {
            return Err(ParseError::UnsupportedAlgorithm);
        }
        let map = decode(bytes).ok_or(ParseError::Malformed)?;
        Self::read_fields(bytes, map).ok_or(ParseError::Malformed)
    }

    fn read_fields(bytes: &[u8], map: coset::Header) -> Option<Self> {
        let mut fields = Fields::new(bytes, map)?;
        fields.next(BODY_VERSION)?;
        let wallet = WalletId::from_bytes(fixed(&fields.next(BODY_WALLET)?)?);
        let epoch = Epoch::new(uint(&fields.next(BODY_EPOCH)?)?)?;
        let created = uint(&fields.next(BODY_CREATED)?)?;
        let commitment = fixed(&fields.next(BODY_KEY_COMMITMENT)?)?;
        let kind = match fields.next(BODY_KIND) {
            Some(kind) => Some(WalletKind::from_number(uint(&kind)?)?),
            None => None,
        };
        let header = Header {
            kind,
            name: fields.optional_text(BODY_NAME)?,
            network: fields.optional_text(BODY_NETWORK)?,
            ..Header::new(wallet, epoch, created)
        };
        Some(Self { header, commitment, protected: fields.end()? })
    }
}

/// What a slot says of itself: from an envelope, a claim; from a [`SlotTable`](super::SlotTable),
/// what the wallet's owner wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotHeader {
    /// The kind of method.
    pub kind: SlotKind,
    /// The label that the user gave it; public.
    pub label: String,
    /// What the method needs to open it, in the method's own CBOR.
    pub parameters: Vec<u8>,
    /// The public side of the method's identity.
    pub public_key: AgreementKey,
    /// What binds the identity to the wallet's public keys, where the method can vouch.
    pub tag: Option<KeyTag>,
}

impl SlotHeader {
    pub(super) fn encode(&self) -> ProtectedHeader {
        let mut map = HeaderBuilder::new()
            .algorithm(iana::Algorithm::ECDH_ES_A256KW)
            .value(SLOT_KIND, self.kind.number().into())
            .value(SLOT_LABEL, Value::Text(self.label.clone()))
            .value(SLOT_PARAMETERS, Value::Bytes(self.parameters.clone()))
            .value(SLOT_PUBLIC_KEY, Value::Bytes(self.public_key.to_bytes().to_vec()));
        if let Some(tag) = &self.tag {
            map = map.value(SLOT_KEY_TAG, Value::Bytes(tag.to_bytes().to_vec()));
        }
        encode(map.build())
    }

    pub(super) fn read(bytes: &[u8]) -> Result<(Self, ProtectedHeader), SlotFault> {
        if bytes.len() > MAX_HEADER {
            return Err(SlotFault::Malformed);
        }
        let map = AnyMap::read(bytes).ok_or(SlotFault::Malformed)?;
        if !map.has_algorithm(iana::Algorithm::ECDH_ES_A256KW) {
            return Err(SlotFault::UnsupportedAlgorithm);
        }
        let map = decode(bytes).ok_or(SlotFault::Malformed)?;
        Self::read_fields(bytes, map).ok_or(SlotFault::Malformed)
    }

    fn read_fields(bytes: &[u8], map: coset::Header) -> Option<(Self, ProtectedHeader)> {
        let mut fields = Fields::new(bytes, map)?;
        let header = Self {
            kind: SlotKind::from_number(uint(&fields.next(SLOT_KIND)?)?),
            label: text(fields.next(SLOT_LABEL)?)?,
            parameters: match fields.next(SLOT_PARAMETERS)? {
                Value::Bytes(bytes) if bytes.len() <= MAX_PARAMETERS => bytes,
                _ => return None,
            },
            public_key: AgreementKey::from_bytes(fields.next(SLOT_PUBLIC_KEY)?.as_bytes()?).ok()?,
            tag: match fields.next(SLOT_KEY_TAG) {
                Some(tag) => Some(KeyTag::from_bytes(fixed(&tag)?)),
                None => None,
            },
        };
        Some((header, fields.end()?))
    }
}

/// The fields of a header map, each of which must come where it is expected.
struct Fields {
    rest: core::iter::Peekable<std::vec::IntoIter<(Label, Value)>>,
    protected: ProtectedHeader,
}

impl Fields {
    /// `None` unless `bytes` are the one encoding of `map`, and of COSE's own parameters only the
    /// algorithm is there.
    fn new(bytes: &[u8], map: coset::Header) -> Option<Self> {
        let rest = map.rest.clone();
        let only = coset::Header { alg: map.alg.clone(), rest, ..coset::Header::default() };
        if map != only || map.clone().to_vec().ok()? != bytes {
            return None;
        }
        let rest = only.rest.into_iter().peekable();
        Some(Self {
            rest,
            protected: ProtectedHeader { original_data: Some(bytes.to_vec()), header: map },
        })
    }

    fn next(&mut self, label: i64) -> Option<Value> {
        self.rest.next_if(|(found, _)| *found == Label::Int(label)).map(|(_, value)| value)
    }

    /// `Some(None)` when there is none.
    fn optional_text(&mut self, label: i64) -> Option<Option<String>> {
        match self.next(label) {
            Some(value) => text(value).map(Some),
            None => Some(None),
        }
    }

    fn end(mut self) -> Option<ProtectedHeader> {
        self.rest.next().is_none().then_some(self.protected)
    }
}

/// A map of labels, whatever they stand for and however it is encoded: so that a later version and
/// another algorithm are seen as such, whatever else they do otherwise.
struct AnyMap<'b>(BTreeMap<AnyLabel, &'b [u8]>);

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum AnyLabel {
    Int(i64),
    Text(String),
}

impl<'b> AnyMap<'b> {
    /// `None` unless `bytes` are one map with distinct labels, each a text or an integer of 64 bits.
    fn read(bytes: &'b [u8]) -> Option<Self> {
        if item_end(bytes, 0) != Ok(bytes.len()) {
            return None;
        }
        let mut decoder = Decoder::new(bytes);
        let mut left = decoder.map().ok()?;
        let mut fields = BTreeMap::new();
        while left != Some(0) && decoder.datatype().ok()? != Type::Break {
            let label = match decoder.datatype().ok()? {
                Type::String | Type::StringIndef => {
                    AnyLabel::Text(decoder.str_iter().ok()?.collect::<Result<_, _>>().ok()?)
                }
                _ => AnyLabel::Int(decoder.i64().ok()?),
            };
            let start = decoder.position();
            let end = item_end(bytes, start).ok()?;
            decoder.set_position(end);
            if fields.insert(label, bytes.get(start..end)?).is_some() {
                return None;
            }
            left = left.map(|left| left - 1);
        }
        Some(Self(fields))
    }

    /// The encoding of the value under `label`.
    fn get(&self, label: i64) -> Option<&'b [u8]> {
        self.0.get(&AnyLabel::Int(label)).copied()
    }

    fn has_algorithm(&self, algorithm: iana::Algorithm) -> bool {
        let found = self.get(ALGORITHM).and_then(|found| Decoder::new(found).i64().ok());
        found == Some(algorithm.to_i64())
    }
}

/// A header map, which no version has counter signatures in: their headers may have counter
/// signatures again, and coset follows them with a call each, until the stack is exhausted.
fn decode(bytes: &[u8]) -> Option<coset::Header> {
    let Ok(Value::Map(map)) = Value::from_slice(bytes) else { return None };
    let plain = map.iter().all(|(label, _)| *label != Value::from(COUNTER_SIGNATURE));
    plain.then(|| coset::Header::from_cbor_value(Value::Map(map)).ok())?
}

fn encode(map: coset::Header) -> ProtectedHeader {
    let bytes = map.clone().to_vec().expect("distinct labels with plain values are always encoded");
    ProtectedHeader { original_data: Some(bytes), header: map }
}

/// The bytes of a header that [`encode`] or [`Fields`] made.
pub(super) fn protected_bytes(protected: &ProtectedHeader) -> &[u8] {
    protected.original_data.as_deref().unwrap_or_default()
}

fn uint(value: &Value) -> Option<u64> {
    value.as_integer()?.try_into().ok()
}

fn fixed<const N: usize>(value: &Value) -> Option<[u8; N]> {
    value.as_bytes()?.as_slice().try_into().ok()
}

fn text(value: Value) -> Option<String> {
    value.into_text().ok().filter(|text| text.len() <= MAX_TEXT)
}
