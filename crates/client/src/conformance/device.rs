#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a case that fails panics")]
#![allow(missing_docs, reason = "the names say what each case is")]

use std::{
    pin::pin,
    task::{Context, Waker},
    time::Duration,
};

use twoshare_core::{id::WalletId, secret::SecretBytes};

use crate::{
    device::{Counter, DeleteError, DeviceState, DiscardError, MAX_RECORD, SaveError},
    together::{Boxed, together},
};

/// The cases of [`device_state_conformance`](crate::device_state_conformance). Each is given what
/// opens a new, empty device, and opens the same one again.
#[derive(Debug)]
pub struct DeviceCases;

const ONE: WalletId = WalletId::from_bytes([1; 16]);
const TWO: WalletId = WalletId::from_bytes([2; 16]);

fn secret(bytes: &[u8]) -> SecretBytes {
    SecretBytes::from(bytes)
}

/// What is kept of a wallet, exposed: these secrets are the suite's own.
async fn loaded(device: &impl DeviceState, wallet: WalletId) -> Option<(Counter, Vec<u8>)> {
    let record = device.load(wallet).await.unwrap()?;
    Some((record.counter, record.contents.expose_secret().to_vec()))
}

impl DeviceCases {
    pub async fn what_is_saved_is_loaded<D: DeviceState>(open: &impl Fn() -> D) {
        let device = open();
        let counter = device.save(ONE, &secret(b"first"), None).await.unwrap();
        assert_eq!(loaded(&device, ONE).await, Some((counter, b"first".to_vec())));
        let counter = device.save(ONE, &secret(b"second"), Some(counter)).await.unwrap();
        assert_eq!(loaded(&device, ONE).await, Some((counter, b"second".to_vec())));
    }

    pub async fn what_is_absent_is_none<D: DeviceState>(open: &impl Fn() -> D) {
        let device = open();
        assert!(device.wallets().await.unwrap().is_empty());
        device.save(TWO, &secret(b"another's"), None).await.unwrap();
        assert_eq!(loaded(&device, ONE).await, None);
    }

    pub async fn what_is_saved_survives_the_app<D: DeviceState>(open: &impl Fn() -> D) {
        let device = open();
        device.save(TWO, &secret(b"deleted"), None).await.unwrap();
        device.delete(TWO, Counter::FIRST).await.unwrap();
        let counter = device.save(ONE, &secret(b"kept"), None).await.unwrap();
        drop(device);
        let device = open();
        assert_eq!(device.wallets().await.unwrap(), [ONE]);
        assert_eq!(loaded(&device, ONE).await, Some((counter, b"kept".to_vec())));
        assert_eq!(loaded(&device, TWO).await, None);
    }

    pub async fn counters_rise<D: DeviceState>(open: &impl Fn() -> D) {
        let mut device = open();
        let mut last = device.save(ONE, &secret(b"same"), None).await.unwrap();
        assert_eq!(last, Counter::FIRST);
        for round in 0..8 {
            if round == 4 {
                drop(device);
                device = open();
            }
            let counter = device.save(ONE, &secret(b"same"), Some(last)).await.unwrap();
            assert!(counter > last);
            last = counter;
        }
    }

    pub async fn a_late_writer_is_refused<D: DeviceState>(open: &impl Fn() -> D) {
        let device = open();
        let old = device.save(ONE, &secret(b"old"), None).await.unwrap();
        let new = device.save(ONE, &secret(b"new"), Some(old)).await.unwrap();
        for late in [None, Some(old), Some(new.next())] {
            let refusal = device.save(ONE, &secret(b"late"), late).await.unwrap_err();
            assert!(matches!(refusal, SaveError::Conflict { found } if found == Some(new)));
        }
        assert_eq!(loaded(&device, ONE).await, Some((new, b"new".to_vec())));
    }

    pub async fn a_second_first_record_is_refused<D: DeviceState>(open: &impl Fn() -> D) {
        let device = open();
        let refusal = device.save(ONE, &secret(b"x"), Some(Counter::FIRST)).await.unwrap_err();
        assert!(matches!(refusal, SaveError::Conflict { found: None }));
        device.save(ONE, &secret(b"first"), None).await.unwrap();
        let refusal = device.save(ONE, &secret(b"again"), None).await.unwrap_err();
        assert!(matches!(refusal, SaveError::Conflict { found: Some(Counter::FIRST) }));
        assert_eq!(loaded(&device, ONE).await, Some((Counter::FIRST, b"first".to_vec())));
    }

    pub async fn of_two_writers_one_succeeds<D: DeviceState>(open: &impl Fn() -> D) {
        let device = open();
        let mut last = None;
        for _ in 0..8 {
            let (one, two) = (secret(b"one"), secret(b"two"));
            let writers: [Boxed<'_, _>; 2] =
                [device.save(ONE, &one, last), device.save(ONE, &two, last)];
            let minute = Duration::from_secs(60);
            let outcomes = together(writers, minute, (usize::MAX, minute), Result::is_ok).await;
            let mut written = Vec::new();
            for (contents, outcome) in [b"one", b"two"].into_iter().zip(outcomes) {
                match outcome.unwrap() {
                    Ok(counter) => written.push((counter, contents.to_vec())),
                    Err(SaveError::Conflict { .. }) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
            let kept = loaded(&device, ONE).await.unwrap();
            assert_eq!(written, std::slice::from_ref(&kept));
            last = Some(kept.0);
        }
    }

    pub async fn what_is_deleted_is_gone<D: DeviceState>(open: &impl Fn() -> D) {
        let device = open();
        let counter = device.save(ONE, &secret(b"first"), None).await.unwrap();
        device.save(TWO, &secret(b"stays"), None).await.unwrap();
        device.delete(ONE, counter).await.unwrap();
        assert_eq!(loaded(&device, ONE).await, None);
        assert_eq!(device.wallets().await.unwrap(), [TWO]);
    }

    pub async fn deleting_what_is_absent_succeeds<D: DeviceState>(open: &impl Fn() -> D) {
        let device = open();
        device.delete(ONE, Counter::FIRST).await.unwrap();
        let counter = device.save(ONE, &secret(b"first"), None).await.unwrap();
        device.delete(ONE, counter).await.unwrap();
        device.delete(ONE, counter).await.unwrap();
        device.discard(ONE).await.unwrap();
    }

    pub async fn a_late_deletion_is_refused<D: DeviceState>(open: &impl Fn() -> D) {
        let device = open();
        let old = device.save(ONE, &secret(b"old"), None).await.unwrap();
        let new = device.save(ONE, &secret(b"new"), Some(old)).await.unwrap();
        let refusal = device.delete(ONE, old).await.unwrap_err();
        assert!(matches!(refusal, DeleteError::Conflict { found } if found == new));
        assert_eq!(loaded(&device, ONE).await, Some((new, b"new".to_vec())));
    }

    /// Else a writer from before the deletion would find its counter again.
    pub async fn counters_rise_over_a_deletion<D: DeviceState>(open: &impl Fn() -> D) {
        let mut device = open();
        let mut before = Vec::new();
        for round in 0..4 {
            let counter = device.save(ONE, &secret(b"again"), None).await.unwrap();
            assert!(before.iter().all(|old| *old < counter), "{counter} after {before:?}");
            for late in &before {
                let refusal = device.save(ONE, &secret(b"late"), Some(*late)).await.unwrap_err();
                assert!(matches!(refusal, SaveError::Conflict { found } if found == Some(counter)));
            }
            before.push(counter);
            device.delete(ONE, counter).await.unwrap();
            let refusal = device.save(ONE, &secret(b"late"), Some(counter)).await.unwrap_err();
            assert!(matches!(refusal, SaveError::Conflict { found: None }));
            if round == 1 {
                drop(device);
                device = open();
            }
        }
    }

    pub async fn wallets_are_apart<D: DeviceState>(open: &impl Fn() -> D) {
        let device = open();
        let one = device.save(ONE, &secret(b"one"), None).await.unwrap();
        let two = device.save(TWO, &secret(b"two"), None).await.unwrap();
        let one = device.save(ONE, &secret(b"changed"), Some(one)).await.unwrap();
        assert_eq!(loaded(&device, TWO).await, Some((two, b"two".to_vec())));
        device.delete(TWO, two).await.unwrap();
        assert_eq!(loaded(&device, ONE).await, Some((one, b"changed".to_vec())));
    }

    pub async fn wallets_are_listed_in_order<D: DeviceState>(open: &impl Fn() -> D) {
        let device = open();
        let mut ids: Vec<_> =
            [9, 3, 200, 0, 77].map(|byte| WalletId::from_bytes([byte; 16])).into();
        for id in &ids {
            device.save(*id, &secret(b"any"), None).await.unwrap();
        }
        ids.sort_unstable();
        assert_eq!(device.wallets().await.unwrap(), ids);
    }

    pub async fn empty_and_large_records_come_back<D: DeviceState>(open: &impl Fn() -> D) {
        let device = open();
        let mut last = None;
        for length in [0, 1, 4096, 3 * 1024 * 1024 + 1] {
            let contents: Vec<u8> = (0..=250u8).cycle().take(length).collect();
            let counter = device.save(ONE, &secret(&contents), last).await.unwrap();
            assert_eq!(loaded(&device, ONE).await, Some((counter, contents)));
            last = Some(counter);
        }
    }

    pub async fn an_absurd_record_is_refused<D: DeviceState>(open: &impl Fn() -> D) {
        let device = open();
        let absurd = SecretBytes::from(vec![0; MAX_RECORD + 1]);
        let refusal = device.save(ONE, &absurd, None).await.unwrap_err();
        assert!(matches!(refusal, SaveError::TooLarge { .. }));
        assert_eq!(loaded(&device, ONE).await, None);
    }

    pub async fn an_intact_record_is_not_discarded<D: DeviceState>(open: &impl Fn() -> D) {
        let device = open();
        let counter = device.save(ONE, &secret(b"first"), None).await.unwrap();
        let refusal = device.discard(ONE).await.unwrap_err();
        assert!(matches!(refusal, DiscardError::Intact { found } if found == counter));
        assert_eq!(loaded(&device, ONE).await, Some((counter, b"first".to_vec())));
    }

    pub async fn a_dropped_save_has_happened_or_not<D: DeviceState>(open: &impl Fn() -> D) {
        let device = open();
        let old = device.save(ONE, &secret(b"old"), None).await.unwrap();
        let new = secret(b"new");
        {
            let mut save = pin!(device.save(ONE, &new, Some(old)));
            let _ = save.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        let (counter, contents) = loaded(&device, ONE).await.unwrap();
        match contents.as_slice() {
            b"old" => assert_eq!(counter, old),
            b"new" => assert!(counter > old),
            other => panic!("{other:?}"),
        }
        // One that still goes on has the effect of a writer that comes first.
        let counter = match device.save(ONE, &secret(b"newer"), Some(counter)).await {
            Ok(counter) => counter,
            Err(SaveError::Conflict { found: Some(found) }) => {
                device.save(ONE, &secret(b"newer"), Some(found)).await.unwrap()
            }
            Err(error) => panic!("{error:?}"),
        };
        drop(device);
        assert_eq!(loaded(&open(), ONE).await, Some((counter, b"newer".to_vec())));
    }

    pub async fn debug_shows_no_record<D: DeviceState>(open: &impl Fn() -> D) {
        let device = open();
        device.save(ONE, &secret(b"hunter2hunter2"), None).await.unwrap();
        let shown = format!("{device:?}{:?}", device.load(ONE).await.unwrap());
        assert!(!shown.contains("hunter2") && !shown.contains("104, 117, 110"), "{shown}");
    }
}
