//! A thief with a session token and, once they could copy it, everything that an unlocked device has. They
//! open none of the owner's methods.

use twoshare::{
    Client, MethodChange, Recovery,
    core::{id::OperationId, proof::Operation},
    protocol::{
        Custodian as _, Party,
        message::{Commit, CommitBody, Upload},
        session::{Asked, AskedRequest, Proving},
    },
};

use super::{
    Broken,
    act::{DEVICES, Places, ThiefOp},
    methods::{Change, Set, THIEFS},
    op::{Ready, Said},
    server::USER,
    stage::Who,
    world::World,
};

impl World {
    /// The thief's own device, and the client on it.
    pub(super) fn thief(&self) -> ((Who, usize), Client) {
        let device = self.loot.clone().unwrap_or_default();
        ((Who::Thief, DEVICES), self.client(device, Who::Thief, true))
    }

    /// Copies a device, at a moment when no backup share is on it, and only once there is a backup: before
    /// that the thief is as good as the owner.
    pub(super) async fn steal(&mut self, device: usize) -> Result<(), Broken> {
        if self.model().is_none_or(|model| model.backup.is_none()) {
            return Ok(());
        }
        let (client, same) = (self.phones[device].client.clone(), Change::Without(Set::NONE));
        let settled = self.plainly((Who::Owner, device), client, (same, Ready::Resume)).await?;
        if matches!(settled, Said::Done(_)) {
            self.stage.log(format!("  a thief copies device {device}"));
            self.loot = Some(self.phones[device].device.snapshot());
        }
        Ok(())
    }

    /// What the thief does with a client, if it is that; the rest is done at once.
    pub(super) async fn thieve(&mut self, op: ThiefOp) -> Option<(Change, Ready)> {
        let method = self.methods.get(THIEFS);
        let same = Change::Without(Set::NONE);
        let to_thief = Change::To(Set::THIEF);
        match op {
            ThiefOp::Replace => Some((to_thief, Ready::Replace(vec![method], None))),
            ThiefOp::Backup => Some((to_thief, Ready::Backup(vec![method]))),
            ThiefOp::Refresh => Some((same, Ready::Change(method, Vec::new()))),
            ThiefOp::Add => {
                let change = MethodChange::Add(self.methods.get(THIEFS));
                Some((Change::With(THIEFS), Ready::Change(method, vec![change])))
            }
            ThiefOp::Recover => Some((same, Ready::Recover(Recovery::with(method)))),
            ThiefOp::Eject => Some((same, Ready::Eject(method))),
            ThiefOp::Convert => Some((same, Ready::Convert(method))),
            ThiefOp::Cancel => Some((same, Ready::Cancel(self.waiting()))),
            ThiefOp::Resume => Some((same, Ready::Resume)),
            ThiefOp::Abandon => {
                self.abandon().await;
                None
            }
            ThiefOp::Token => {
                self.token().await;
                None
            }
            ThiefOp::Delete => {
                // One store refuses deletions: the custodian's, which must have everything then.
                if self.setting.stores == Places::CustodianAndNear {
                    let near = std::sync::Arc::clone(&self.near);
                    self.empty(&near).await;
                }
                None
            }
        }
    }

    fn party(&self) -> Option<Party> {
        let (custodian, user, wallet) = (self.server.identity(), USER.to_owned(), self.wallet?);
        let kind = self.model()?.kind;
        Some(Party { custodian, user, wallet, kind })
    }

    /// Abandons what is pending, proven with what the device had.
    async fn abandon(&self) {
        let pending = self.last.as_ref().and_then(|state| state.pending.as_ref());
        let (Some(party), Some(pending)) = (self.party(), pending) else { return };
        let wallet = self.thief().1.wallet(party.wallet).await;
        let Ok(wallet) = wallet else { return };
        let proving = Proving::Signing(wallet.signing_shares());
        self.ask(party, Operation::Abandon, pending.id, proving).await;
    }

    async fn ask(&self, party: Party, operation: Operation, id: OperationId, proving: Proving<'_>) {
        let wire = self.wire();
        let Ok(asked) = AskedRequest::new(party, operation, id, proving) else { return };
        let Ok(begun) = wire.begin(asked.message().clone()).await else { return };
        let request = asked.request(&begun, proving, &mut twoshare::rng());
        let Ok(request) = request.map(|requested| requested.message().clone()) else { return };
        match operation {
            Operation::Abandon => drop(wire.abandon(request).await),
            Operation::Cancel => drop(wire.cancel(request).await),
            _ => {
                if wire.eject(request).await.is_ok() {
                    self.ledger.breaks("a token alone ejected");
                }
            }
        }
    }

    /// Everything that a session token alone could try.
    async fn token(&self) {
        let (Some(party), Some(model), Some(state)) = (self.party(), self.model(), &self.last)
        else {
            return;
        };
        let wire = self.wire();
        let new = twoshare::make_operation_id();
        let pending = state.pending.as_ref().map_or(new, |pending| pending.id);
        let waiting = self.waiting().unwrap_or(new);
        for (operation, id) in
            [(Operation::Abandon, pending), (Operation::Cancel, waiting), (Operation::Eject, new)]
        {
            self.ask(party.clone(), operation, id, Proving::Nothing).await;
        }
        let counts = [model.backup, model.restorable];
        for backup in counts.into_iter().flatten() {
            if wire.retire(party.wallet, backup.epoch).await.is_ok() {
                self.ledger.breaks("the envelope of an epoch that counts was retired");
            }
            for id in [None, Some(pending)] {
                let (wallet, epoch) = (party.wallet, backup.epoch);
                let upload = Upload { wallet, epoch, id, proofs: Vec::new() };
                if wire.put_envelope(upload, b"nothing".to_vec()).await.is_ok() {
                    self.ledger.breaks("a token alone wrote what is no envelope");
                }
            }
            let envelope = Some(backup.digest);
            let body = CommitBody { wallet: party.wallet, id: pending, envelope };
            if wire.commit(Commit { body, proofs: Vec::new() }).await.is_ok() {
                self.ledger.breaks("a token alone committed");
            }
        }
        let curves = vec![twoshare::core::id::CurveId::Secp256k1];
        let Ok(asked) = Asked::keygen(party, new, curves, &mut twoshare::rng()) else { return };
        let Ok(begun) = wire.begin(asked.message().clone()).await else { return };
        let offered = asked.prepare(&begun, Proving::Nothing, Vec::new(), &mut twoshare::rng());
        if let Ok(offered) = offered
            && wire.prepare(offered.message().clone()).await.is_ok()
        {
            self.ledger.breaks("a token alone prepared a new key");
        }
    }
}
