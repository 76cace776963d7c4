//! Envelopes and stores: what may be written where, and what comes back.

use pollster::block_on;

use super::{
    super::*,
    fixture::{Fixture, Stranger},
};
use crate::{
    container::{self, ContainerError, Content},
    method::{BackupMethod, SlotKind},
    store::{
        CustodianAlone, EnvelopeStore, EnvelopeStoreExt, FetchError, GetError, IndependentOperator,
        MemoryStore, Operator, TrustCustodianAlone, Writable,
    },
};

fn sealed_with(kind: SlotKind) -> Sealed {
    let mut fixture = Fixture::small(60);
    let code = fixture.code();
    let other = Stranger::new(kind, &mut fixture.rng);
    let methods: [&dyn BackupMethod; 2] = [&code, &other];
    let slots = fixture.slots(&methods);
    fixture.seal(&slots)
}

#[test]
fn what_the_custodian_could_open_is_not_written_where_it_reads() {
    let kinds = [SlotKind::Pin, SlotKind::CustodialPasskey, SlotKind::from_number(77)];
    for kind in kinds {
        let sealed = sealed_with(kind);
        let envelope = Envelope::from_bytes(&sealed.bytes).unwrap();
        assert!(sealed.custodian_can_open() && envelope.custodian_can_open());
        let both = |operator, trust| {
            let written = Writable::sealed(&sealed, operator, trust);
            let copied = Writable::copy(&envelope, operator, trust);
            assert_eq!(written.is_ok(), copied.is_ok());
            written
        };
        assert_eq!(both(Operator::Custodian, None).unwrap_err(), CustodianAlone);
        for elsewhere in [Operator::User, Operator::Independent(IndependentOperator)] {
            assert!(!both(elsewhere, None).unwrap().trusts_custodian_alone());
            assert!(!both(elsewhere, Some(TrustCustodianAlone)).unwrap().trusts_custodian_alone());
        }
        let trusting = both(Operator::Custodian, Some(TrustCustodianAlone)).unwrap();
        assert!(trusting.trusts_custodian_alone());
    }
    for kind in [
        SlotKind::Password,
        SlotKind::Passkey,
        SlotKind::Drive,
        SlotKind::Hardware,
        SlotKind::Device,
    ] {
        let writable = Writable::sealed(&sealed_with(kind), Operator::Custodian, None).unwrap();
        assert!(!writable.trusts_custodian_alone());
    }
}

#[test]
fn what_a_store_gives_is_checked() {
    let store = MemoryStore::new();
    let (one, two) = (sealed_with(SlotKind::Drive), sealed_with(SlotKind::Passkey));
    let writable = Writable::sealed(&one, Operator::User, None).unwrap();
    assert_eq!(writable.name(), one.name());
    block_on(store.put_envelope(&writable)).unwrap();
    let envelope = block_on(store.get_envelope(one.name())).unwrap();
    assert_eq!(one.keys.test_open(envelope.as_bytes()), Ok(()));

    // Another envelope under this name.
    let container = container::wrap(Content::Envelope, &two.bytes).unwrap();
    block_on(store.delete(&one.name().object())).unwrap();
    block_on(store.put(&one.name().object(), &container)).unwrap();
    let refusal = block_on(store.get_envelope(one.name())).unwrap_err();
    assert!(matches!(refusal, FetchError::OtherEnvelope { found } if found == two.name()));

    // A receipt in its place, and nothing.
    let container = container::wrap(Content::Receipt, b"a receipt").unwrap();
    block_on(store.put(&two.name().object(), &container)).unwrap();
    let refusal = block_on(store.get_envelope(two.name())).unwrap_err();
    let expected = ContainerError::OtherContent { found: Content::Receipt };
    assert!(matches!(refusal, FetchError::Container(error) if error == expected));
    let refusal = block_on(store.get_receipt(two.name())).unwrap_err();
    assert!(matches!(refusal, FetchError::Get(GetError::NotFound)));
}
