#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a case that fails panics")]
#![allow(missing_docs, reason = "the names say what each case is")]

use crate::{
    container::{self, Content},
    digest::Digest,
    id::{Epoch, WalletId},
    store::{
        EnvelopeName, EnvelopeStore, EnvelopeStoreExt, FetchError, GetError, ObjectName, PutError,
    },
};

/// The cases of [`envelope_store_conformance`](crate::envelope_store_conformance). Each is given a
/// new, empty store.
#[derive(Debug)]
pub struct StoreCases;

const ONE: WalletId = WalletId::from_bytes([1; 16]);
const TWO: WalletId = WalletId::from_bytes([2; 16]);

fn name(wallet: WalletId, epoch: u64, content: &[u8]) -> ObjectName {
    EnvelopeName { wallet, epoch: Epoch::new(epoch).unwrap(), digest: Digest::of(content) }.object()
}

fn object(wallet: WalletId, epoch: u64, content: &[u8]) -> (ObjectName, Vec<u8>) {
    (name(wallet, epoch, content), container::wrap(Content::Envelope, content).unwrap())
}

async fn listed(store: &impl EnvelopeStore, wallet: WalletId) -> Vec<ObjectName> {
    let mut names = store.list(wallet).await.unwrap();
    names.sort_unstable();
    names
}

impl StoreCases {
    pub async fn what_is_put_is_got(store: &impl EnvelopeStore) {
        let (name, bytes) = object(ONE, 1, b"first");
        store.put(&name, &bytes).await.unwrap();
        assert_eq!(store.get(&name).await.unwrap(), bytes);
    }

    pub async fn what_is_absent_is_not_found(store: &impl EnvelopeStore) {
        let (there, bytes) = object(ONE, 1, b"first");
        store.put(&there, &bytes).await.unwrap();
        for absent in [
            name(ONE, 1, b"other"),
            name(ONE, 2, b"first"),
            name(TWO, 1, b"first"),
            there.envelope.receipt(),
        ] {
            assert!(matches!(store.get(&absent).await, Err(GetError::NotFound)));
        }
        assert!(listed(store, TWO).await.is_empty());
    }

    pub async fn putting_again_is_a_repetition(store: &impl EnvelopeStore) {
        let (name, bytes) = object(ONE, 1, b"first");
        store.put(&name, &bytes).await.unwrap();
        store.put(&name, &bytes).await.unwrap();
        assert_eq!(store.get(&name).await.unwrap(), bytes);
        assert_eq!(listed(store, ONE).await, [name]);
    }

    pub async fn other_bytes_do_not_overwrite(store: &impl EnvelopeStore) {
        let (name, bytes) = object(ONE, 1, b"first");
        store.put(&name, &bytes).await.unwrap();
        let other = container::wrap(Content::Envelope, b"other").unwrap();
        assert!(matches!(store.put(&name, &other).await, Err(PutError::Exists)));
        assert_eq!(store.get(&name).await.unwrap(), bytes);
    }

    /// Whatever the order in which their steps are taken.
    pub async fn of_two_writers_one_succeeds(store: &impl EnvelopeStore) {
        for round in 1..=8 {
            let (name, bytes) = object(ONE, round, b"first");
            let other = container::wrap(Content::Envelope, b"other").unwrap();
            let (first, second) = join(store.put(&name, &bytes), store.put(&name, &other)).await;
            let kept = store.get(&name).await.unwrap();
            match (first, second) {
                (Ok(()), Err(PutError::Exists)) => assert_eq!(kept, bytes),
                (Err(PutError::Exists), Ok(())) => assert_eq!(kept, other),
                outcome => panic!("{outcome:?}"),
            }
        }
    }

    pub async fn empty_and_large_objects_come_back(store: &impl EnvelopeStore) {
        for (epoch, length) in [(1, 0), (2, 1), (3, 65_536), (4, 1024 * 1024 + 1)] {
            let (name, bytes) = object(ONE, epoch, &vec![0xA5; length]);
            store.put(&name, &bytes).await.unwrap();
            assert_eq!(store.get(&name).await.unwrap(), bytes);
        }
    }

    pub async fn every_byte_comes_back(store: &impl EnvelopeStore) {
        let content: Vec<u8> =
            (0..=u8::MAX).chain((0..=u8::MAX).rev()).chain(*b"\r\n\n\r\0\x1a").collect();
        let (name, bytes) = object(ONE, 1, &content);
        store.put(&name, &bytes).await.unwrap();
        assert_eq!(store.get(&name).await.unwrap(), bytes);
    }

    pub async fn objects_of_a_wallet_are_listed(store: &impl EnvelopeStore) {
        let mut names = Vec::new();
        for (epoch, content) in [(1, b"a"), (2, b"b"), (2, b"c"), (u64::MAX, b"d")] {
            let (name, bytes) = object(ONE, epoch, content);
            store.put(&name, &bytes).await.unwrap();
            names.push(name);
        }
        names.sort_unstable();
        assert_eq!(listed(store, ONE).await, names);
    }

    pub async fn wallets_do_not_see_each_other(store: &impl EnvelopeStore) {
        let ((one, bytes), (two, other)) = (object(ONE, 1, b"one"), object(TWO, 1, b"two"));
        store.put(&one, &bytes).await.unwrap();
        store.put(&two, &other).await.unwrap();
        assert_eq!(listed(store, ONE).await, [one]);
        store.delete(&one).await.unwrap();
        assert_eq!(listed(store, TWO).await, [two]);
        assert_eq!(store.get(&two).await.unwrap(), other);
    }

    pub async fn receipts_are_beside_envelopes(store: &impl EnvelopeStore) {
        let (name, bytes) = object(ONE, 1, b"first");
        store.put(&name, &bytes).await.unwrap();
        store.put_receipt(name.envelope, b"a receipt").await.unwrap();
        assert_eq!(store.get_receipt(name.envelope).await.unwrap(), b"a receipt");
        assert_eq!(store.get(&name).await.unwrap(), bytes);
        assert_eq!(listed(store, ONE).await, [name, name.envelope.receipt()]);
        store.delete_envelope(name.envelope).await.unwrap();
        assert!(listed(store, ONE).await.is_empty());
    }

    pub async fn what_is_deleted_is_gone(store: &impl EnvelopeStore) {
        let ((first, bytes), (second, other)) =
            (object(ONE, 1, b"first"), object(ONE, 2, b"second"));
        store.put(&first, &bytes).await.unwrap();
        store.put(&second, &other).await.unwrap();
        store.delete(&first).await.unwrap();
        assert!(matches!(store.get(&first).await, Err(GetError::NotFound)));
        assert_eq!(listed(store, ONE).await, [second]);
        assert_eq!(store.get(&second).await.unwrap(), other);
    }

    pub async fn deleting_what_is_absent_succeeds(store: &impl EnvelopeStore) {
        let (name, bytes) = object(ONE, 1, b"first");
        store.delete(&name).await.unwrap();
        store.put(&name, &bytes).await.unwrap();
        store.delete(&name).await.unwrap();
        store.delete(&name).await.unwrap();
    }

    pub async fn what_was_deleted_can_be_put_again(store: &impl EnvelopeStore) {
        let (name, bytes) = object(ONE, 1, b"first");
        let other = container::wrap(Content::Envelope, b"other").unwrap();
        store.put(&name, &bytes).await.unwrap();
        store.delete(&name).await.unwrap();
        store.put(&name, &other).await.unwrap();
        assert_eq!(store.get(&name).await.unwrap(), other);
    }

    pub async fn envelopes_come_back_by_name(store: &impl EnvelopeStore) {
        let sample = super::method::sample_envelope();
        let (one, two) = (sample.0, sample.1);
        for writable in [&one, &two] {
            store.put_envelope(writable).await.unwrap();
        }
        for writable in [&one, &two] {
            assert_eq!(store.get_envelope(writable.name()).await.unwrap().name(), writable.name());
        }
    }

    pub async fn damage_is_told(store: &impl EnvelopeStore) {
        let (writable, _) = super::method::sample_envelope();
        let name = writable.name();
        store.put(&name.object(), b"no container").await.ok();
        if store.get(&name.object()).await.is_ok() {
            assert!(matches!(store.get_envelope(name).await, Err(FetchError::Container(_))));
        }
        store.delete(&name.object()).await.unwrap();
        let another = container::wrap(Content::Envelope, b"no envelope").unwrap();
        store.put(&name.object(), &another).await.unwrap();
        assert!(matches!(store.get_envelope(name).await, Err(FetchError::Envelope(_))));
    }
}

/// Both at once, in alternation.
async fn join<A, B>(one: impl Future<Output = A>, two: impl Future<Output = B>) -> (A, B) {
    let (mut one, mut two) = (core::pin::pin!(one), core::pin::pin!(two));
    let (mut first, mut second) = (None, None);
    core::future::poll_fn(|context| {
        if first.is_none()
            && let core::task::Poll::Ready(output) = one.as_mut().poll(context)
        {
            first = Some(output);
        }
        if second.is_none()
            && let core::task::Poll::Ready(output) = two.as_mut().poll(context)
        {
            second = Some(output);
        }
        match (first.take(), second.take()) {
            (Some(a), Some(b)) => core::task::Poll::Ready((a, b)),
            (a, b) => {
                (first, second) = (a, b);
                core::task::Poll::Pending
            }
        }
    })
    .await
}
