//! What an owner means by an act, and how a client is asked for it.

use std::collections::BTreeMap;

use twoshare::{
    Backup, Client, Converted, Ejected, EjectedKey, Import, Method, MethodChange, Recovered,
    Recovery, Wallet,
    core::{
        curve::{AnyVerifyingKey, Secp256k1, SigningKey},
        id::{CurveId, OperationId, WalletId},
    },
    make_operation_id,
    protocol::rules::Time,
};

use super::{
    act::Op,
    methods::{Change, Set},
    world::{WINDOW, World},
};

/// An operation, with everything that it needs.
#[derive(Debug, Clone)]
pub(super) enum Ready {
    Create,
    Import(SigningKey<Secp256k1>),
    Backup(Vec<Method>),
    Replace(Vec<Method>, Option<OperationId>),
    Change(Method, Vec<MethodChange>),
    Recover(Recovery),
    Drill(Method),
    Eject(Method),
    Convert(Method),
    Cancel(Option<OperationId>),
    Resume,
    Status,
}

/// What somebody was told.
#[derive(Debug)]
pub(super) enum Said {
    Backup(Backup),
    Wallet(Wallet),
    Converted(Wallet),
    Waiting(Time),
    Ejected(Vec<AnyVerifyingKey>),
    Done(#[allow(dead_code, reason = "it is told")] String),
    Failed(String),
}

impl World {
    /// The methods that should open the owner's backup.
    fn opening(&self) -> Set {
        let owners = self.model().and_then(|model| model.owners());
        owners.map_or(Set::of_owner(0b1111), |backup| backup.opens)
    }

    /// One of them.
    fn method(&self, nth: u8) -> Method {
        self.methods.get(self.opening().nth(nth.into()).unwrap_or(0))
    }

    fn refreshing(&self, nth: u8) -> (Change, Ready) {
        (Change::Without(Set::NONE), Ready::Change(self.method(nth), Vec::new()))
    }

    /// What an owner means by this.
    pub(super) async fn ready(&mut self, op: Op) -> (Change, Ready) {
        let same = Change::Without(Set::NONE);
        let active = self.model().and_then(|model| model.backup);
        let slots = active.and_then(|backup| self.known.get(&backup.digest));
        let slots = slots.map_or_else(BTreeMap::new, |contents| contents.slots.clone());
        let has = active.map_or(Set::NONE, |backup| backup.opens);
        match op {
            Op::Backup(bits) => {
                let set = Set::of_owner(bits);
                (Change::To(set), Ready::Backup(self.methods.of(set)))
            }
            Op::Replace(bits) => {
                let set = Set::of_owner(bits);
                let approved = self.approve().await;
                (Change::To(set), Ready::Replace(self.methods.of(set), approved))
            }
            Op::Refresh(nth) => self.refreshing(nth),
            Op::Add(nth, new) => {
                let new = usize::from(new);
                if has.has(new) {
                    return self.refreshing(nth);
                }
                let change = MethodChange::Add(self.methods.get(new));
                (Change::With(new), Ready::Change(self.method(nth), vec![change]))
            }
            Op::Remove(nth, old) => {
                let old = usize::from(old);
                let left = has.without(Set::only(old));
                match slots.get(&old).filter(|_| !left.is_empty()) {
                    Some(slot) => {
                        let change = MethodChange::Remove(*slot);
                        let change = Ready::Change(self.method(nth), vec![change]);
                        (Change::Without(Set::only(old)), change)
                    }
                    None => self.refreshing(nth),
                }
            }
            Op::Swap(nth, old, new) => {
                let (old, new) = (usize::from(old), usize::from(new));
                match slots.get(&old).filter(|_| !has.has(new)) {
                    Some(slot) => {
                        let change = MethodChange::Replace(*slot, self.methods.get(new));
                        let change = Ready::Change(self.method(nth), vec![change]);
                        (Change::Instead(old, new), change)
                    }
                    None => self.refreshing(nth),
                }
            }
            Op::Recover(nth) => {
                let method = self.method(nth);
                (same, Ready::Recover(self.recovery(method).await))
            }
            Op::RecoverWith(number) => {
                let method = self.methods.get(number.into());
                (same, Ready::Recover(self.recovery(method).await))
            }
            Op::Drill(nth) => (same, Ready::Drill(self.method(nth))),
            Op::Eject(nth) => {
                // Every other time the operator opens a window first, where there may be one.
                let wallet = self.wallet.filter(|_| nth.is_multiple_of(2));
                if let Some(wallet) = wallet
                    && self.server.open_window(wallet, WINDOW).await
                    && let Some(last) = &mut self.last
                {
                    last.window = Some(self.server.time() + WINDOW);
                }
                (same, Ready::Eject(self.method(nth)))
            }
            Op::Convert(nth) => (same, Ready::Convert(self.method(nth))),
            Op::Cancel => (same, Ready::Cancel(self.waiting())),
            Op::Resume => (same, Ready::Resume),
            Op::Status => (same, Ready::Status),
        }
    }

    /// The request that waits.
    pub(super) fn waiting(&self) -> Option<OperationId> {
        self.last.as_ref()?.request.as_ref().map(|request| request.id)
    }

    /// A recovery; of a restored wallet, with the id that its owner has read out to the operator.
    pub(super) async fn recovery(&self, method: Method) -> Recovery {
        let recovery = Recovery::with(method);
        match self.approve().await {
            Some(id) => recovery.approved(id),
            None => recovery,
        }
    }

    /// The operator of a restored custodian approves a new operation of the owner's.
    async fn approve(&self) -> Option<OperationId> {
        let wallet = self.wallet.filter(|_| self.model().is_some_and(|model| model.held))?;
        let id = make_operation_id();
        self.ledger.with(wallet, |model| model.approve(id));
        self.server.approve(wallet, id).await.then_some(id)
    }
}

pub(super) const fn name(ready: &Ready) -> &'static str {
    match ready {
        Ready::Create => "Create",
        Ready::Import(_) => "Import",
        Ready::Backup(_) => "Backup",
        Ready::Replace(_, None) => "Replace",
        Ready::Replace(_, Some(_)) => "Replace, approved,",
        Ready::Change(..) => "Change",
        Ready::Recover(_) => "Recover",
        Ready::Drill(_) => "Drill",
        Ready::Eject(_) => "Eject",
        Ready::Convert(_) => "Convert",
        Ready::Cancel(_) => "Cancel",
        Ready::Resume => "Resume",
        Ready::Status => "Status",
    }
}

/// Does it.
pub(super) async fn perform(client: Client, wallet: Option<WalletId>, ready: Ready) -> Said {
    fn failed(error: impl core::fmt::Debug) -> Said {
        Said::Failed(format!("{error:?}"))
    }
    match ready {
        Ready::Create => {
            let made = client.create_wallet(&[CurveId::Secp256k1], None).await;
            return made.map_or_else(failed, Said::Wallet);
        }
        Ready::Import(key) => {
            let made = client.import_wallet(vec![Import::Key(key)], None).await;
            return made.map_or_else(failed, Said::Wallet);
        }
        _ => {}
    }
    let Some(wallet) = wallet else { return Said::Failed("there is no wallet".to_owned()) };
    match ready {
        Ready::Create | Ready::Import(_) => Said::Failed("there is no wallet".to_owned()),
        Ready::Backup(methods) => {
            client.backup(wallet, &methods).await.map_or_else(failed, Said::Backup)
        }
        Ready::Replace(methods, None) => {
            client.replace(wallet, &methods).await.map_or_else(failed, Said::Backup)
        }
        Ready::Replace(methods, Some(approved)) => {
            let backup = client.replace_approved(wallet, &methods, approved).await;
            backup.map_or_else(failed, Said::Backup)
        }
        Ready::Change(method, changes) if changes.is_empty() => {
            client.refresh(wallet, &method).await.map_or_else(failed, Said::Backup)
        }
        Ready::Change(method, changes) => {
            let backup = client.change_methods(wallet, &method, changes).await;
            backup.map_or_else(failed, Said::Backup)
        }
        Ready::Recover(recovery) => match client.recover(wallet, recovery).await {
            Ok(Recovered::Done(wallet)) => Said::Wallet(wallet),
            Ok(Recovered::Waiting(waiting)) => Said::Waiting(waiting.ready_at),
            Err(error) => failed(error),
        },
        Ready::Drill(method) => match client.drill(wallet, Some(&method)).await {
            Ok(drill) => Said::Done(format!("{drill:?}")),
            Err(error) => failed(error),
        },
        Ready::Eject(method) => match client.eject(wallet, &method).await {
            Ok(Ejected::Done(keys)) => {
                Said::Ejected(keys.iter().map(EjectedKey::verifying_key).collect())
            }
            Ok(Ejected::Waiting(waiting)) => Said::Waiting(waiting.ready_at),
            Err(error) => failed(error),
        },
        Ready::Convert(method) => match client.convert(wallet, &method).await {
            Ok(Converted::Done(wallet)) => Said::Converted(wallet),
            Ok(Converted::Waiting(waiting)) => Said::Waiting(waiting.ready_at),
            Err(error) => failed(error),
        },
        Ready::Cancel(None) => Said::Done("nothing waits".to_owned()),
        Ready::Cancel(Some(request)) => match client.cancel(wallet, request).await {
            Ok(()) => Said::Done("cancelled".to_owned()),
            Err(error) => failed(error),
        },
        Ready::Resume => match client.resume(wallet).await {
            Ok(resumed) => Said::Done(format!("{resumed:?}")),
            Err(error) => failed(error),
        },
        Ready::Status => match client.status(wallet).await {
            Ok(status) => Said::Done(format!("{:?}", status.on_device)),
            Err(error) => failed(error),
        },
    }
}
