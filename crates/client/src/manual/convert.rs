//! From a single-key wallet to an MPC wallet, under the same keys.
//!
//! A *single-key wallet* has its whole key on the device: the app signs by itself, and whoever has the
//! unlocked device, or once had it, has the key. Of an *MPC wallet* the device has one signing share and
//! the custodian the other: neither signs alone, and a lost device is revoked by the recovery.
//! [`Client::convert`](crate::Client::convert) makes the second of the first, with the same public keys,
//! the same wallet id, and so the same addresses and the same check code.
//!
//! # What it takes
//!
//! - The wallet is on this device and backed up, and the user opens one of its methods. Nothing is asked
//!   of the others: they open the new backup as they opened the old one.
//! - Every secret of it is a secp256k1 key ([`Import::Key`](crate::Import::Key)). A seed, a mnemonic or
//!   other bytes are sealed under a key that signs nothing, so that there is nothing to share:
//!   [`ConvertError::SealedSecrets`](crate::error::ConvertError::SealedSecrets) names them before anything
//!   is begun. Such a wallet stays what it is, or its funds move: see
//!   [`more_curves`](super::more_curves). So it is with a wallet of keys of both sorts: import the keys
//!   alone as a new wallet, back that up, and convert it.
//! - The custodian signs with the app's library from then on. See that its signing service is there
//!   before the user is asked.
//!
//! # What happens
//!
//! Device and custodian reshare the backup pair into a new signing pair and a new backup pair, as in the
//! recovery of an MPC wallet. No share is dealt, and the custodian gives none out. Both pairs count from
//! one commit on; at that moment the old backup ends, the key itself proves nothing to the custodian any
//! more, a window for an eject closes, and the device wipes the whole key. Until then the wallet works as
//! ever: an interruption changes nothing, and [`Client::resume`](crate::Client::resume) finishes it or
//! gives it up.
//!
//! Where the operator lets recoveries wait, a conversion waits as long
//! ([`Converted::Waiting`](crate::Converted::Waiting)): whoever opened a method becomes the device by it,
//! and the owner's device can object ([`Client::cancel`](crate::Client::cancel)) as to a recovery. It is
//! refused while a replaced backup can still be restored, and while the wallet stands still. There is no
//! way back.
//!
//! # What stays
//!
//! The key *was* whole. Other devices of the user, a paper, a lost phone, another app's memory know it,
//! and sign with it without anybody: no custodian can take that back.
//! [`Hazard::KeyWasWhole`](crate::Hazard::KeyWasWhole) is in the wallet's status for as long as it lives,
//! on every device that recovers it. Where the key can be in wrong hands, conversion is no remedy: make a
//! new wallet and move the funds. Other devices of the user that had the wallet show
//! [`OnDevice::Revoked`](crate::status::OnDevice::Revoked) and still hold the key: have the user
//! [forget](crate::Client::forget) it there. The app drops every [`Wallet`](crate::Wallet) and
//! [`Exported`](crate::Exported) that it holds itself.
//!
//! And what the custodian loses is lost: restored from a copy of before the conversion, it has a
//! single-key wallet again, which a method brings back whole (the envelopes of ended epochs are kept as
//! long as copies are restored), to be converted again.
//!
//! # The code
//!
//! ```
//! use std::sync::Arc;
//! use twoshare::{
//!     Client, Converted, Hazard, Import, MemoryDevice, Method, Place, StoreId,
//!     core::{
//!         curve::{Secp256k1, SigningKey},
//!         id::WalletKind,
//!         method::RecoveryCode,
//!     },
//!     error::ConvertError,
//!     protocol::memory::MemoryCustodian,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
//! # let custodian = MemoryCustodian::start(twoshare::rng());
//! let client = Client::builder()
//!     .custodian(custodian.login("alice"))
//!     .pinned(custodian.identity())
//!     .user("alice")
//!     .device(MemoryDevice::new())
//!     .store(StoreId::custodian(), Place::Custodian)
//!     .build()?;
//! # let key = SigningKey::<Secp256k1>::make(&mut twoshare::rng());
//! // What the app has had for years.
//! let before = client.import_wallet(vec![Import::Key(key)], None).await?;
//! let code: Method = Arc::new(RecoveryCode::make(&mut twoshare::rng()));
//! client.backup(before.id(), &[code.clone()]).await?;
//!
//! // "Your wallet becomes safer: from now on nobody signs with your phone alone."
//! let after = match client.convert(before.id(), &code).await {
//!     Ok(Converted::Done(wallet)) => wallet,
//!     Ok(Converted::Waiting(waiting)) => panic!("show when: {}", waiting.ready_at),
//!     Err(ConvertError::SealedSecrets { sealed }) => panic!("make a new wallet: {sealed:?}"),
//!     Err(error) => return Err(error.into()),
//! };
//! assert_eq!(after.kind(), WalletKind::Mpc);
//! assert_eq!(after.verifying_keys(), before.verifying_keys());
//! assert_eq!(after.check_code(), before.check_code());
//! drop(before);
//! // For the signing library, with the custodian's.
//! assert_eq!(after.signing_shares().len(), 1);
//!
//! let status = client.status(after.id()).await?;
//! assert!(matches!(status.hazards[..], [Hazard::KeyWasWhole { .. }]));
//! # Ok(()) }) }
//! ```
