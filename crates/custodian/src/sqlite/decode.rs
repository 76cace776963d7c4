//! From columns to values. What is not what was written is damaged.

use sqlx::{Row as _, sqlite::SqliteRow};
use twoshare_core::{
    digest::Digest,
    id::{CurveId, Epoch, OperationId, Purpose, WalletId, WalletKind},
    proof::Operation,
    wire::Reader,
};
use twoshare_protocol::{
    rules::{
        Authority, Committed, Custody, Ended, Evidence, Freezes, Highest, Outcome, Request,
        Restored,
    },
    wire::Wire,
};

use crate::repository::{
    EpochRecord, PendingRecord, ShareRecord, Status, StoreError, Version, WalletFields,
};

/// The columns of a row, from left to right.
pub(super) struct Columns<'r> {
    row: &'r SqliteRow,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) const fn new(row: &'r SqliteRow) -> Self {
        Self { row, next: 0 }
    }

    pub(super) const fn at(row: &'r SqliteRow, next: usize) -> Self {
        Self { row, next }
    }

    fn take<T>(&mut self) -> Result<Option<T>, StoreError>
    where
        T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        let column = self.next;
        self.next += 1;
        self.row.try_get(column).map_err(|_| StoreError::Damaged)
    }

    pub(super) fn int(&mut self) -> Result<i64, StoreError> {
        self.take()?.ok_or(StoreError::Damaged)
    }

    pub(super) fn uint(&mut self) -> Result<u64, StoreError> {
        self.maybe_uint()?.ok_or(StoreError::Damaged)
    }

    pub(super) fn maybe_uint(&mut self) -> Result<Option<u64>, StoreError> {
        let number: Option<i64> = self.take()?;
        number.map(|number| u64::try_from(number).map_err(|_| StoreError::Damaged)).transpose()
    }

    pub(super) fn bytes(&mut self) -> Result<&'r [u8], StoreError> {
        self.take()?.ok_or(StoreError::Damaged)
    }

    pub(super) fn text(&mut self) -> Result<&'r str, StoreError> {
        self.take()?.ok_or(StoreError::Damaged)
    }

    pub(super) fn maybe_text(&mut self) -> Result<Option<&'r str>, StoreError> {
        self.take()
    }

    fn maybe_fixed<const N: usize>(&mut self) -> Result<Option<[u8; N]>, StoreError> {
        let bytes: Option<&[u8]> = self.take()?;
        bytes.map(|bytes| bytes.try_into().map_err(|_| StoreError::Damaged)).transpose()
    }

    pub(super) fn maybe_wallet(&mut self) -> Result<Option<WalletId>, StoreError> {
        Ok(self.maybe_fixed()?.map(WalletId::from_bytes))
    }

    pub(super) fn maybe_id(&mut self) -> Result<Option<OperationId>, StoreError> {
        Ok(self.maybe_fixed()?.map(OperationId::from_bytes))
    }

    pub(super) fn maybe_digest(&mut self) -> Result<Option<Digest>, StoreError> {
        Ok(self.maybe_fixed()?.map(Digest::from_bytes))
    }

    fn maybe_epoch(&mut self) -> Result<Option<Epoch>, StoreError> {
        let number = self.maybe_uint()?;
        number.map(|number| Epoch::new(number).ok_or(StoreError::Damaged)).transpose()
    }

    fn id(&mut self) -> Result<OperationId, StoreError> {
        self.maybe_id()?.ok_or(StoreError::Damaged)
    }

    fn operation(&mut self) -> Result<Operation, StoreError> {
        Operation::from_number(self.uint()?).ok_or(StoreError::Damaged)
    }

    fn kind(&mut self) -> Result<WalletKind, StoreError> {
        WalletKind::from_number(self.uint()?).ok_or(StoreError::Damaged)
    }

    /// The wallet's own row.
    pub(super) fn fields(&mut self) -> Result<(Version, WalletFields), StoreError> {
        let version = Version { row: self.int()?, number: self.int()? };
        let kind = self.kind()?;
        let now = self.uint()?;
        let highest = Highest { signing: self.uint()?, backup: self.uint()? };
        let operator = self.uint()? != 0;
        let dispute = self.maybe_id()?;
        let restored = match self.uint()? {
            0 => None,
            1 => Some(Restored::AwaitsApproval),
            2 => Some(Restored::Approved),
            _ => return Err(StoreError::Damaged),
        };
        let approved = self.maybe_id()?;
        let window = self.maybe_uint()?;
        let ejected = self.uint()? != 0;
        let due = self.maybe_uint()?;
        let custody = self.custody()?;
        let freezes = Freezes { dispute, operator, restored };
        let request = self.request()?;
        let fields = WalletFields {
            kind,
            now,
            highest,
            request,
            freezes,
            approved,
            window,
            ejected,
            due,
            custody,
        };
        Ok((version, fields))
    }

    fn custody(&mut self) -> Result<Option<Custody>, StoreError> {
        let Some(bytes) = self.take::<&[u8]>()? else { return Ok(None) };
        let mut reader = Reader::new(bytes);
        let custody = Custody::read(&mut reader).map_err(|_| StoreError::Damaged)?;
        reader.end().map_err(|_| StoreError::Damaged)?;
        Ok(Some(custody))
    }

    fn request(&mut self) -> Result<Option<Request>, StoreError> {
        let Some(id) = self.maybe_id()? else {
            self.next += 5;
            return Ok(None);
        };
        let operation = self.operation()?;
        let mut reader = Reader::new(self.bytes()?);
        let evidence = Evidence::read(&mut reader).map_err(|_| StoreError::Damaged)?;
        let (ready, expires, settled) = (self.uint()?, self.uint()?, self.uint()? != 0);
        Ok(Some(Request { id, operation, evidence, ready, expires, settled }))
    }

    pub(super) fn pending(&mut self) -> Result<Option<PendingRecord>, StoreError> {
        let Some(id) = self.maybe_id()? else {
            self.next += 6;
            return Ok(None);
        };
        let operation = self.operation()?;
        let request = self.maybe_digest()?.ok_or(StoreError::Damaged)?;
        let authority = match self.uint()? {
            0 => Authority::Newcomer,
            1 => Authority::Device,
            2 => Authority::Active,
            3 => Authority::Restorable,
            _ => return Err(StoreError::Damaged),
        };
        let (expires, session) = (self.uint()?, self.bytes()?.to_vec());
        let origin = self.maybe_digest()?;
        Ok(Some(PendingRecord { operation, id, request, authority, expires, origin, session }))
    }

    pub(super) fn outcome(&mut self) -> Result<Option<Outcome>, StoreError> {
        let outcome = match self.maybe_uint()? {
            None => None,
            Some(1) => {
                let committed = Committed {
                    operation: self.operation()?,
                    kind: self.kind()?,
                    signing: self.maybe_epoch()?,
                    backup: self.maybe_epoch()?,
                    envelope: self.maybe_digest()?,
                    at: self.uint()?,
                    origin: self.maybe_digest()?,
                };
                return Ok(Some(Outcome::Committed(committed)));
            }
            Some(2) => Some(Outcome::Abandoned),
            Some(3) => Some(Outcome::Expired),
            Some(4) => Some(Outcome::Displaced),
            Some(_) => return Err(StoreError::Damaged),
        };
        self.next += 7;
        Ok(outcome)
    }

    pub(super) fn ended(&mut self) -> Result<Option<Ended>, StoreError> {
        let (envelope, at) = (self.maybe_digest()?, self.maybe_uint()?);
        Ok(at.map(|at| Ended { envelope, at }))
    }

    /// An epoch without its shares; `None` where the row has none.
    pub(super) fn epoch(&mut self) -> Result<Option<EpochRecord>, StoreError> {
        let Some(purpose) = self.maybe_uint()? else {
            self.next += 5;
            return Ok(None);
        };
        let purpose = Purpose::from_number(purpose).ok_or(StoreError::Damaged)?;
        let epoch = self.maybe_epoch()?.ok_or(StoreError::Damaged)?;
        let status = match self.uint()? {
            1 => Status::Pending,
            2 => Status::Active,
            3 => Status::Restorable,
            _ => return Err(StoreError::Damaged),
        };
        let (operation, envelope) = (self.id()?, self.maybe_digest()?);
        let (left, shares) = (self.uint()?, Vec::new());
        Ok(Some(EpochRecord { purpose, epoch, status, operation, envelope, left, shares }))
    }

    pub(super) fn share(&mut self) -> Result<Option<ShareRecord>, StoreError> {
        let Some(curve) = self.maybe_uint()? else { return Ok(None) };
        let curve = CurveId::from_number(curve).ok_or(StoreError::Damaged)?;
        let (commitment, sealed) = (self.bytes()?.to_vec(), self.bytes()?.to_vec());
        Ok(Some(ShareRecord { curve, commitment, sealed }))
    }
}
