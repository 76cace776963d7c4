//! What a device keeps of one wallet: everything that an operation starts from, and the journal of the
//! one in progress. It holds secrets; the [`DeviceState`](crate::DeviceState) keeps it sealed.

use twoshare_core::{
    attachment::{Attachment, AttachmentClass},
    curve::{AnySigningKey, AnyVerifyingKey},
    digest::Digest,
    envelope::SlotTable,
    id::{Epoch, WalletId, WalletKind},
    identity::CustodianIdentity,
    proof::Operation,
    sealed::SealedSecret,
    secret::SecretBytes,
    share::AnyClientShare,
    store::EnvelopeName,
};
use twoshare_protocol::{
    message::{Receipt, Signed},
    wire::{DecodeError, Message as _},
};

mod journal;
mod wire;

use self::wire::record;
pub(crate) use self::{
    journal::{Journal, Phase, Proven},
    wire::{Attachments, Keys, Secrets, Shares, Text},
};

record! {
    /// Everything a device keeps of one wallet.
    pub(crate) struct Record {
        wallet: WalletId,
        user: String,
        kind: WalletKind,
        name: Option<Text>,
        /// When this device made, imported or recovered it.
        since: u64,
        /// Who holds the other shares, once that is known.
        custodian: Option<CustodianIdentity>,
        holding: Holding,
        attachments: Attachments,
        /// The names of the per-device attachments that were not made anew since the signing pair is new.
        stale: Vec<Text>,
        /// The highest epoch numbers that this device knows of, committed or not; 0 before the first.
        highest_signing: u64,
        highest_backup: u64,
        backup: Option<BackupRecord>,
        last_drill: Option<DrillRecord>,
        failed_drill: Option<u64>,
        marks: Marks,
        journal: Option<Journal>,
        /// A move whose end is not reached: the other custodian has the wallet.
        moving: Option<Moving>,
        /// Whom it left last.
        came_from: Option<Leaves>,
        /// Envelopes of ended epochs, until they are retired.
        ended: Vec<Ended>,
        /// Envelopes of epochs or sealings that were given up, until they are deleted.
        strays: Vec<Named>,
    }
}

record! {
    /// What cannot be seen from anything else.
    #[derive(Copy, Default)]
    pub(crate) struct Marks {
        /// A single-key wallet that came here by a recovery: another device knows its key.
        recovered: bool,
        /// A release was asked for, and its answer may have got lost.
        eject_asked: Option<u64>,
        /// The whole key was given out.
        ejected: Option<u64>,
        /// An envelope that the custodian can open is where the custodian can read it.
        trusts_custodian: bool,
        /// Another device recovered the wallet.
        revoked: bool,
    }
}

record! {
    /// A custodian that a wallet leaves.
    pub(crate) struct Leaves {
        custodian: CustodianIdentity,
        /// Who is logged in there.
        user: String,
    }
}

record! {
    /// A move after its commit.
    pub(crate) struct Moving {
        leaves: Leaves,
        /// Of the custodian that has the wallet.
        receipt: Signed<Receipt>,
        /// Whether the one that had it knows.
        told: bool,
        /// The new backup shares, for the refresh that follows: none once it is done.
        backup: Shares,
        slots: SecretBytes,
        created: Vec<u64>,
        secrets: Secrets,
    }
}

/// The wallet itself.
#[derive(Debug, Clone)]
pub(crate) enum Holding {
    /// Nothing yet: its creation or recovery is in the journal.
    Nothing,
    /// The client's signing shares; and secrets that were sealed before the wallet was converted, which
    /// this client does not do, and keeps in the backups of one that did.
    Mpc(Shares, Secrets),
    /// The keys, and the secrets sealed under them.
    SingleKey(Keys, Secrets),
}

record! {
    /// The last backup that this device knows to be committed.
    pub(crate) struct BackupRecord {
        epoch: Epoch,
        digest: Digest,
        /// None for an epoch that another device committed, whose receipt no store had.
        receipt: Option<Signed<Receipt>>,
        /// When it was committed, by the custodian's clock, or sealed, where no receipt says.
        at: u64,
        /// Its slots, to be shown. A slot table for sealing comes from an opened envelope.
        slots: SecretBytes,
        /// When each slot's method was set up, in the same order.
        created: Vec<u64>,
        stores: Vec<StoreMark>,
    }
}

record! {
    /// What a store had when it was last looked at.
    pub(crate) struct StoreMark {
        store: Text,
        envelope: bool,
        receipt: bool,
    }
}

record! {
    /// A drill that succeeded.
    #[derive(Copy)]
    pub(crate) struct DrillRecord {
        level: u8,
        epoch: Epoch,
        at: u64,
    }
}

record! {
    /// An envelope of this wallet.
    #[derive(Copy, PartialEq, Eq)]
    pub(crate) struct Named {
        epoch: Epoch,
        digest: Digest,
    }
}

record! {
    /// An envelope whose epoch has ended.
    #[derive(Copy)]
    pub(crate) struct Ended {
        name: Named,
        /// When the custodian lets it go at the earliest, by its clock, as it said last.
        not_before: u64,
    }
}

impl Record {
    /// A device that knows nothing of the wallet yet.
    pub(crate) fn new(wallet: WalletId, user: &str, kind: WalletKind, now: u64) -> Self {
        Self {
            wallet,
            user: user.to_owned(),
            kind,
            name: None,
            since: now,
            custodian: None,
            holding: Holding::Nothing,
            attachments: Attachments(Vec::new()),
            stale: Vec::new(),
            highest_signing: 0,
            highest_backup: 0,
            backup: None,
            last_drill: None,
            failed_drill: None,
            marks: Marks::default(),
            journal: None,
            moving: None,
            came_from: None,
            ended: Vec::new(),
            strays: Vec::new(),
        }
    }

    /// The record with these bytes.
    pub(crate) fn decode(bytes: &SecretBytes) -> Result<Self, DecodeError> {
        // Exposed: to the decoder.
        Self::from_bytes(bytes.expose_secret())
    }

    /// The wallet's public keys, as far as the device has the wallet.
    pub(crate) fn verifying_keys(&self) -> Vec<AnyVerifyingKey> {
        match &self.holding {
            Holding::Nothing => Vec::new(),
            Holding::Mpc(Shares(signing), _) => {
                signing.iter().map(AnyClientShare::verifying_key).collect()
            }
            Holding::SingleKey(Keys(keys), _) => {
                keys.iter().map(AnySigningKey::verifying_key).collect()
            }
        }
    }

    pub(crate) const fn is_here(&self) -> bool {
        !matches!(self.holding, Holding::Nothing)
    }

    /// The signing epoch of an MPC wallet's shares.
    pub(crate) fn signing_epoch(&self) -> Option<Epoch> {
        match &self.holding {
            Holding::Mpc(Shares(signing), _) => signing.first().map(|s| s.id().sharing.epoch),
            Holding::Nothing | Holding::SingleKey(..) => None,
        }
    }

    /// The newest backup epoch that this device has seen committed.
    pub(crate) fn backup_epoch(&self) -> Option<Epoch> {
        self.backup.as_ref().map(|backup| backup.epoch)
    }

    pub(crate) fn secrets(&self) -> &[SealedSecret] {
        match &self.holding {
            Holding::SingleKey(_, Secrets(secrets)) | Holding::Mpc(_, Secrets(secrets)) => secrets,
            Holding::Nothing => &[],
        }
    }

    /// What a recovery, or whatever made the signing pair new, has restored. Of per-device attachments that is
    /// a name, and they are not there before they were made anew.
    pub(crate) fn restore_attachments(&mut self, restored: Attachments) {
        self.stale = per_device(&restored.0).map(|name| Text(name.to_owned())).collect();
        self.attachments = restored;
    }

    /// Keeps attachments in the place of what was kept: the per-device ones among them were made anew. One
    /// that still has to be is not forgotten by leaving it out.
    pub(crate) fn keep_attachments(&mut self, mut kept: Vec<Attachment>) {
        let is_kept = |name: &Text| per_device(&kept).any(|kept| kept == name.0);
        self.stale = self.stale.drain(..).filter(|name| !is_kept(name)).collect();
        let names = self.stale.iter().filter_map(|name| Attachment::per_device(&name.0).ok());
        kept.extend(names.collect::<Vec<_>>());
        self.attachments.keep(kept);
    }

    pub(crate) fn raise(&mut self, signing: Option<Epoch>, backup: Option<Epoch>) {
        self.highest_signing = self.highest_signing.max(signing.map_or(0, Epoch::get));
        self.highest_backup = self.highest_backup.max(backup.map_or(0, Epoch::get));
    }

    /// The other way: what asked for these was refused, and they were given to nothing. An app may ask as
    /// often as it likes, and a custodian follows only so far.
    pub(crate) fn lower(&mut self, signing: Option<Epoch>, backup: Option<Epoch>) {
        for (highest, refused) in
            [(&mut self.highest_signing, signing), (&mut self.highest_backup, backup)]
        {
            if refused.is_some_and(|refused| refused.get() == *highest) {
                *highest -= 1;
            }
        }
    }

    pub(crate) const fn name_of(&self, named: Named) -> EnvelopeName {
        EnvelopeName { wallet: self.wallet, epoch: named.epoch, digest: named.digest }
    }
}

/// The names of the per-device ones.
fn per_device(attachments: &[Attachment]) -> impl Iterator<Item = &str> {
    let is_per_device = |kept: &&Attachment| kept.class() == AttachmentClass::PerDevice;
    attachments.iter().filter(is_per_device).map(Attachment::name)
}

/// The durable attachment of a converted wallet: until when its key was whole. It is ours, and none of
/// the app's.
const CONVERTED: &str = "twoshare/converted";

impl Attachments {
    /// Those that the app keeps.
    pub(crate) fn of_the_app(&self) -> Vec<Attachment> {
        self.0.iter().filter(|kept| kept.name() != CONVERTED).cloned().collect()
    }

    /// These of the app's in the place of those before.
    pub(crate) fn keep(&mut self, app: Vec<Attachment>) {
        let own = self.0.iter().filter(|kept| kept.name() == CONVERTED).cloned();
        let app = app.into_iter().filter(|kept| kept.name() != CONVERTED);
        self.0 = own.chain(app).collect();
    }

    /// Until when the key of a converted wallet was whole.
    pub(crate) fn whole_until(&self) -> Option<u64> {
        let kept = self.0.iter().find(|kept| kept.name() == CONVERTED)?;
        // Exposed: a time, which is shown.
        Some(u64::from_be_bytes(kept.bytes()?.expose_secret().try_into().ok()?))
    }

    /// The same, of a wallet that is converted at this time.
    pub(crate) fn converted(mut self, at: u64) -> Self {
        let until = Attachment::durable(CONVERTED, at.to_be_bytes().as_slice().into());
        self.0.retain(|kept| kept.name() != CONVERTED);
        // A short name and eight bytes are an attachment.
        self.0.extend(until.ok());
        self
    }
}

impl Record {
    /// Whether a move is in progress: prepared, committed, or not yet told.
    pub(crate) fn is_moving(&self) -> bool {
        let is_of_move = |journal: &Journal| journal.operation == Operation::Move;
        self.moving.is_some() || self.journal.as_ref().is_some_and(is_of_move)
    }

    /// The custodian that the move in progress goes to.
    pub(crate) fn moves_to(&self) -> Option<CustodianIdentity> {
        let journal = self.journal.as_ref().filter(|journal| journal.operation == Operation::Move);
        let moved = self.moving.as_ref().and(self.custodian);
        journal.map(|journal| journal.custodian).or(moved)
    }

    /// Whether the refresh at the end of a move is still to come.
    pub(crate) fn has_to_refresh(&self) -> bool {
        self.moving.as_ref().is_some_and(|moving| !moving.backup.0.is_empty())
    }

    /// Forgets a move whose end is reached.
    pub(crate) fn forget_moving(&mut self) {
        self.moving.take_if(|moving| moving.told && moving.backup.0.is_empty());
    }
}

impl BackupRecord {
    pub(crate) const fn named(&self) -> Named {
        Named { epoch: self.epoch, digest: self.digest }
    }

    /// The slots, to be shown.
    pub(crate) fn slots(&self) -> SlotTable {
        // What cannot be read is not shown: nothing is sealed for these.
        SlotTable::from_sealed_journal(&self.slots).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use twoshare_core::{
        curve::{Secp256k1, SigningKey},
        id::{OperationId, Purpose, Sharing},
        identity::CustodianKeys,
        proof::{Operation, Stage},
        sealed::{SecretKind, WalletSecret},
        share::KeyId,
    };

    use super::*;
    use crate::client::rng;

    fn full() -> Record {
        let wallet = WalletId::make(&mut rng());
        let key = SigningKey::<Secp256k1>::make(&mut rng());
        let sharing = Sharing { wallet, purpose: Purpose::Backup, epoch: Epoch::FIRST };
        let key = AnySigningKey::from(key);
        let (mine, _) = key.split(KeyId { sharing, index: 0 }, &mut rng());
        let secret = WalletSecret::new(SecretKind::Opaque, "label", vec![7; 9].into()).unwrap();
        let (sealing, sealed) = SealedSecret::seal(wallet, 0, &secret, &mut rng());
        let named = Named { epoch: Epoch::FIRST, digest: Digest::of(b"x") };
        let mut record = Record::new(wallet, "alice", WalletKind::SingleKey, 7);
        record.name = Some(Text("n".repeat(300)));
        record.custodian = Some(*CustodianKeys::make(&mut rng()).identity());
        record.holding = Holding::SingleKey(Keys(vec![key, sealing.into()]), Secrets(vec![sealed]));
        record.attachments = Attachments(vec![Attachment::durable("a", vec![1].into()).unwrap()]);
        record.stale = vec![Text("b".into())];
        record.last_drill = Some(DrillRecord { level: 3, epoch: Epoch::FIRST, at: 9 });
        record.marks = Marks { ejected: Some(3), recovered: true, ..Marks::default() };
        record.ended = vec![Ended { name: named, not_before: 5 }];
        record.strays = vec![named];
        record.backup = Some(BackupRecord {
            epoch: Epoch::FIRST,
            digest: named.digest,
            receipt: None,
            at: 4,
            slots: SlotTable::new().to_journal(),
            created: vec![1],
            stores: vec![StoreMark { store: Text("s".into()), envelope: true, receipt: false }],
        });
        record.journal = Some(Journal {
            operation: Operation::Recover,
            id: OperationId::make(&mut rng()),
            custodian: *CustodianKeys::make(&mut rng()).identity(),
            restored: true,
            giving_up: false,
            proven: Proven::Backup(Shares(vec![mine])),
            to: vec![Stage { purpose: Purpose::Backup, epoch: Epoch::FIRST }],
            curves: Vec::new(),
            known: Vec::new(),
            receipts: Vec::new(),
            secrets: Secrets(Vec::new()),
            attachments: Attachments(Vec::new()),
            slots: SlotTable::new().to_journal(),
            created: Vec::new(),
            keys: Keys(Vec::new()),
            ends: vec![named],
            written: vec![named.digest],
            stored: vec![Text("s".into())],
            leaves: Some(Leaves {
                custodian: *CustodianKeys::make(&mut rng()).identity(),
                user: "alice".into(),
            }),
            phase: Phase::Committing(vec![1, 2].into(), Some(named.digest)),
        });
        record
    }

    #[test]
    fn a_record_comes_back_and_nothing_else_is_one() {
        let bytes = full().to_bytes();
        let bytes = bytes.expose_secret();
        let again = Record::decode(&bytes.into()).unwrap().to_bytes();
        assert_eq!(again.expose_secret(), bytes);
        for cut in 0..bytes.len() {
            assert!(Record::decode(&bytes.get(..cut).unwrap().into()).is_err(), "{cut}");
        }
        let longer = [bytes, &[0]].concat();
        assert!(Record::decode(&longer.into()).is_err());
    }

    #[test]
    fn debug_is_redacted() {
        let record = full();
        let shown = format!("{record:?}");
        let Holding::SingleKey(Keys(keys), _) = &record.holding else { unreachable!() };
        for key in keys {
            let secret = key.expose_secret();
            let secret = secret.expose_secret();
            let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(!shown.contains(&hex) && !shown.contains(&format!("{secret:?}")));
        }
    }
}
