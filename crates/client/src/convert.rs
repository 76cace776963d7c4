//! A single-key wallet becomes an MPC wallet.

use twoshare_core::{
    id::{Purpose, WalletId, WalletKind},
    proof::Operation,
    sealed::SealedSecret,
};

use crate::{
    client::{Client, make_operation_id},
    error::{ConvertError, DeviceError, RunError},
    kept::Kept,
    method::Method,
    open::OpenedBackup,
    operate::{Plan, Settled, created},
    progress::{Call, Step, Track},
    record::{Proven, Record, Secrets, Shares},
    recover::Waiting,
    wallet::{Wallet, WhatIsSealed},
};

/// What became of a conversion.
#[derive(Debug)]
pub enum Converted {
    /// The wallet is an MPC wallet, with its signing shares here; the whole key is not here any more.
    Done(Wallet),
    /// The operator lets everybody wait, as for a recovery: call again when it is ready, with the same
    /// method. Until then the wallet is what it was.
    Waiting(Waiting),
}

impl Client {
    /// Makes an MPC wallet of a single-key wallet, under the same public keys and the same id: from then
    /// on signing takes this device and the custodian. One method is opened; nothing is asked of the
    /// others, which open the new backup as they opened the old one. A conversion that was interrupted on
    /// this device is finished first, and is this one then.
    ///
    /// The device keeps the whole key until the custodian has committed, and wipes it then: until then
    /// the wallet works as ever, and an interruption is finished or given up by [`Client::resume`]. What
    /// knew the key before still does (a [`Wallet`] that the app holds, another device, a paper), and
    /// [`Hazard::KeyWasWhole`](crate::Hazard::KeyWasWhole) says so for as long as the wallet lives. See
    /// [`manual::convert`](crate::manual::convert).
    ///
    /// # Errors
    ///
    /// See [`ConvertError`]. [`ConvertError::SealedSecrets`]: a wallet with a seed, a mnemonic or other
    /// sealed bytes stays what it is.
    pub async fn convert(
        &self,
        wallet: WalletId,
        method: &Method,
    ) -> Result<Converted, ConvertError> {
        let track = self.track(wallet, Call::Convert);
        let mut kept = self.load_known(wallet).await?;
        // Before anything is begun, or gone on with.
        check_scalars(kept.record.kind, kept.record.secrets())?;
        let (settled, state) = self.settle(&mut kept, &track).await?;
        if let Settled::Finished(Operation::Convert) = settled {
            self.tidy(&mut kept, state.as_ref()).await?;
            track.at(Step::Done);
            return Ok(Converted::Done(here(&kept.record)?));
        }
        if kept.record.kind == WalletKind::Mpc {
            return Err(ConvertError::AlreadyMpc);
        }
        if !kept.record.is_here() {
            return Err(DeviceError::NotHere { wallet }.into());
        }
        let backup = self.open_known(&kept.record, method, &track).await?;
        self.check_not_revoked(&mut kept, &backup.state).await?;
        self.check_uncontested(&kept.record, &backup, method).await?;
        if let Some(restorable) = &backup.state.restorable {
            return Err(ConvertError::GraceRunning { left: restorable.left });
        }
        check_scalars(backup.opened.payload.kind, &backup.opened.payload.secrets)?;
        self.convert_opened(&mut kept, backup, &track).await
    }

    async fn convert_opened(
        &self,
        kept: &mut Kept,
        backup: OpenedBackup,
        track: &Track,
    ) -> Result<Converted, ConvertError> {
        let (state, opened) = (backup.state, backup.opened);
        let plan = Plan {
            operation: Operation::Convert,
            id: make_operation_id(),
            custodian: backup.identity,
            created: created(kept.record.backup.as_ref(), &opened.slots, opened.header.created),
            proven: Proven::Backup(Shares(opened.payload.keys)),
            slots: opened.slots,
            secrets: Secrets(opened.payload.secrets),
            attachments: kept.record.attachments.clone().converted(state.at),
        };
        let receipts = self.own_receipts(&kept.record, Some(&state));
        let purposes = [Purpose::Signing, Purpose::Backup];
        let journal = plan.journal(&kept.record, Some(&state), &purposes, receipts, 0);
        kept.record.journal = Some(journal.map_err(RunError::from)?);
        match self.run(kept, track).await {
            Ok(()) => {}
            Err(RunError::Waiting(waiting)) => return Ok(Converted::Waiting(waiting)),
            Err(error) => return Err(error.into()),
        }
        self.sweep(kept).await?;
        track.at(Step::Done);
        Ok(Converted::Done(here(&kept.record)?))
    }
}

/// Refuses a wallet whose keys are not what signs.
fn check_scalars(kind: WalletKind, secrets: &[SealedSecret]) -> Result<(), ConvertError> {
    if kind == WalletKind::Mpc || secrets.is_empty() {
        return Ok(());
    }
    let sealed = secrets.iter().map(|secret| WhatIsSealed {
        index: secret.index(),
        kind: secret.kind(),
        label: secret.label().to_owned(),
    });
    Err(ConvertError::SealedSecrets { sealed: sealed.collect() })
}

fn here(record: &Record) -> Result<Wallet, DeviceError> {
    Wallet::of(record).ok_or(DeviceError::NotHere { wallet: record.wallet })
}

#[cfg(test)]
mod tests {
    use std::{slice::from_ref, sync::Arc};

    use pollster::block_on;
    use twoshare_core::{
        method::RecoveryCode,
        sealed::{SecretKind, WalletSecret},
    };
    use twoshare_protocol::memory::MemoryCustodian;

    use super::*;
    use crate::{Ejected, Import, MemoryDevice, Recovered, Recovery, client::rng};

    /// What this client refuses and another might do: a wallet with a seed is converted. Nothing that
    /// this one does afterwards loses the seed.
    #[test]
    fn a_sealed_secret_outlives_a_conversion() {
        let custodian = MemoryCustodian::start(rng());
        let client = || {
            let session = custodian.login("alice");
            let builder = Client::builder().custodian(session).pinned(custodian.identity());
            builder.user("alice").device(MemoryDevice::new()).build().unwrap()
        };
        let code = || -> Method { Arc::new(RecoveryCode::make(&mut rng())) };
        block_on(async {
            let (first, mut method) = (client(), code());
            let seed = WalletSecret::new(SecretKind::Ed25519Seed, "seed", vec![7; 32].into());
            let imported = first.import_wallet(vec![Import::Secret(seed.unwrap())], None).await;
            let wallet = imported.unwrap().id();
            first.backup(wallet, from_ref(&method)).await.unwrap();
            let mut kept = first.load_known(wallet).await.unwrap();
            let track = first.track(wallet, Call::Convert);
            let backup = first.open_known(&kept.record, &method, &track).await.unwrap();
            let converted = first.convert_opened(&mut kept, backup, &track).await.unwrap();
            assert!(matches!(converted, Converted::Done(_)));
            drop(kept);

            first.refresh(wallet, &method).await.unwrap();
            let second = client();
            let recovery = Recovery::with(Arc::clone(&method));
            let recovered = second.recover(wallet, recovery).await.unwrap();
            assert!(matches!(recovered, Recovered::Done(found) if found.kind() == WalletKind::Mpc));
            method = code();
            second.replace(wallet, from_ref(&method)).await.unwrap();
            custodian.advance(100 * 60 * 60);
            let sealed = second.open(wallet, &method).await.unwrap().payload.secrets;
            assert_eq!(sealed.len(), 1, "it is in the newest envelope");
            custodian.open_window("alice", wallet, 60).unwrap();
            let Ejected::Done(keys) = second.eject(wallet, &method).await.unwrap() else {
                panic!("nothing waits");
            };
            // Exposed: to be compared.
            let seed = keys[0].secret().unwrap().bytes().expose_secret();
            assert_eq!(seed, [7; 32]);
        });
    }
}
