//! What each adversary can and cannot do.
//!
//! Two things are needed to move a wallet that was backed up: a **method** (something that opens a
//! slot of the envelope, and so gives the client share) and the **custodian's consent** (its half,
//! which it gives only into an operation that a logged-in user has proven to be entitled to). In each
//! case below, whatever is not listed as possible is refused by a check that has a test.
//!
//! # A malicious custodian
//!
//! It holds one share of every wallet, sees who asks when, and sees every envelope that is kept in
//! its own store.
//!
//! - **Cannot** compute a key: its share alone is a uniformly random scalar.
//! - **Cannot** choose the share or the key that comes of an exchange: in key generation the client's
//!   half is hidden behind a hash until the custodian's is known, in resharing the custodian's is
//!   committed before it sees the client's ([`keygen`](crate::keygen), [`reshare`](crate::reshare)).
//!   It cannot repeat an old epoch: slopes that were there before are refused.
//! - **Cannot** hand out a wrong share: everything is checked against the commitment, and the commitment
//!   against the public key that the user's method vouches for.
//! - **Cannot** pretend to hold what it has lost: possession proofs are made for the asker's nonce, at
//!   every backup and in every drill.
//! - **Cannot** make itself a reader of the envelope: recipients are taken from the authenticated slot
//!   table or from methods entered now ([`SlotTable`](crate::envelope::SlotTable)).
//! - **Cannot** put another wallet in the place of the user's: it can encrypt to a method's public key,
//!   but not make the key tag that only the method's identity can
//!   ([`Substituted`](crate::envelope::OpenError::Substituted)). Methods that it could compute or
//!   guess (a PIN, a passkey that it keeps) have no tag; there the check code decides, or the caller
//!   accepts it by name.
//! - **Can** refuse service, and so hold up a recovery. It cannot make that permanent for anybody who
//!   has its exported share.
//! - **Can** guess a password offline where it also has an envelope, at the cost of Argon2id a guess:
//!   see below.
//!
//! # A malicious store
//!
//! It keeps envelopes, and may return anything.
//!
//! - **Cannot** read a share: content is encrypted to the methods.
//! - **Cannot** change an envelope unnoticed: a flipped bit is damage (the container's checksum tells it
//!   without any secret), another digest is another envelope, and recipients that differ from the slot
//!   table are [`SlotsAltered`](crate::envelope::SlotsAltered).
//! - **Cannot** roll a device back: the custodian names the envelope by epoch and digest.
//! - **Can** lose or withhold envelopes: keep them in two stores of different operators. No operation is
//!   done before every store has given back what was written.
//! - **Can** guess weak passwords offline, as anybody can who has an envelope: the policy refuses
//!   those, and Argon2id makes each guess cost 64 MiB and about a tenth of a second. What it wins is the
//!   client share, which is worth nothing without the custodian.
//!
//! # Custodian and store together
//!
//! - **Cannot** compute a key, nor substitute a wallet, where every method vouches by key tag and is not
//!   guessed: all of the above holds for their union. With a password that can be guessed they have both
//!   shares; with a recovery code of 128 bits or a hardware key there is nothing to guess.
//! - **Can** open the wallet where a slot is one that the custodian can open, a PIN for instance, and the
//!   custodian reads the store. Such an envelope is not written to such a store
//!   ([`CustodianAlone`](crate::store::CustodianAlone)), unless the app says
//!   [`TrustCustodianAlone`](crate::store::TrustCustodianAlone).
//! - **Can** roll an *empty* device back to an earlier epoch together, since nothing on the device
//!   remembers a later one. It recovers the same keys. A receipt kept anywhere else shows it.
//!
//! # A stolen device
//!
//! - **Locked**, it has what it stores sealed under the platform's protection and nothing else.
//! - **Unlocked, of an MPC wallet**: the thief can sign as the owner could, through the custodian, until
//!   the owner recovers; the recovery's commit ends it. He can replace the backup, but what he replaces
//!   stays restorable for the grace period by whoever opens one of its methods, which ends everything
//!   that he made. He can copy the owner's slots beside his own, so that the owner's password opens his
//!   backup too: what can still be restored is opened first, and nothing is built on the other. He can
//!   object to a recovery that waits, which freezes the wallet until its operator decides. He cannot
//!   open the envelope, and what he has combines with nothing that is made later. What a signing library
//!   kept beside its shares (Paillier keys, seeds of oblivious transfers) he has too: it is never
//!   restored, and both sides make new ([`AttachmentClass`](crate::attachment::AttachmentClass)).
//! - **Unlocked, of a single-key wallet**: the thief has the key. Recovery brings it back to the owner,
//!   who must move the funds. A conversion to an MPC wallet takes nothing from him: with the key that he
//!   has he signs alone. But the key is no proof to the custodian any more, so that he cannot replace
//!   the backup or object to a recovery. A phone that was lost *before* the conversion, and found by
//!   nobody, is the same risk: the wallet says for ever that its key was whole.
//! - **In the middle of an operation** (between its prepare and its receipt, or until an interrupted one
//!   is resumed) the device's journal has a share of a backup, and a copy of it is as good as a method for
//!   that long. Before and after it has none. The recovery of its owner, with a method of what it was
//!   taken with, ends that too: nothing in any copy of the journal begins anything afterwards.
//! - **Put back**, an old copy of the device's record is an old device: it finishes or gives up what it
//!   was in the middle of, as the custodian says that it ended, and deletes no envelope that counts.
//!
//! # A stolen session token
//!
//! - **Can** read the wallet's public keys, state and envelopes.
//! - **Cannot** change anything: every operation needs a possession proof of a share, bound to the
//!   operation, the epochs, both nonces and the request's own bytes.
//! - **Cannot** reach another user's wallets: they are not there, in the same words as what never was.
//! - **Can** use up its user's rate of sessions, and so hold them up, until its time is over: an hour,
//!   unless the operator said otherwise.
//!
//! # A stolen database of the custodian
//!
//! - **Cannot** be opened without the key-management service: shares are sealed under it. A pending
//!   operation's answer is stored as it was sent, sealed to the client under keys that are gone.
//! - **Has** no share, token, key or password in any of its bytes: tables, free pages and journal. What
//!   has ended is overwritten there within a second or so.
//! - With the service's keys too, the thief has what a malicious custodian has: one share of each
//!   wallet, and envelopes to guess passwords for, each guess at the method's cost. Shares of one copy
//!   and those of another make nothing together.
//! - **Keeps** what it has: a copy of before an epoch ended, with the service's keys, has that epoch's
//!   custodian share for ever, and whoever opens that epoch's envelope, with a method that was removed
//!   since for instance, has the key. Keep copies no longer than the restore window, and apart from the
//!   master key.
//! - **Written to** without the service's keys, it gives nothing either: a sealed record opens in its own
//!   place only (purpose, user, wallet, key, epoch, operation, commitment). What is not sealed can be
//!   lost or changed, windows and freezes included, which refuses service and releases nothing without
//!   a proof.
//! - **Restored** from an old copy, every wallet stands still: epochs that the copy calls active may
//!   have ended, and a removed method could open them. What the operator approves by the id that its
//!   owner read out goes on, and ends everything the copy had.
//!
//! # The operator
//!
//! - **Can** make a token for any user, open windows, approve, freeze and unfreeze, deny, and delete.
//! - **Cannot** get both halves by any of it: each step that releases or makes something needs a proof of
//!   the client's share, and what waits or is approved only says when it may go on.
//! - **Can** refuse a recovery, or decide a dispute for the wrong side: the audit log says who did.
//!
//! # A removed method, an old envelope
//!
//! - **Opens** the envelopes of the epochs in which it had a slot, for ever: bytes that were once encrypted
//!   to it stay readable by it.
//! - **Gives** a share of an ended epoch, of which the custodian no longer has the other half, and which
//!   no proof is accepted for.
//!
//! # The wire
//!
//! - Whoever reads or changes traffic inside TLS sees sealed messages
//!   ([`channel`](crate::channel)): an old share and every message since would lead to today's share,
//!   so they are sealed between the two ends under ephemeral keys which both sides erase. Later theft of
//!   every long-term key opens none of them.
//! - Every request of the past, sent once more with a token that is still good, is refused or answered
//!   with the very bytes of before (an eject inside its window: with the shares sealed anew to the key
//!   inside its proof), and changes nothing.
//! - Without TLS, which is for one machine only, no proxy that the environment names is asked.
//! - Messages that are lost, repeated, delayed, or taken from another session, wallet, curve, purpose or
//!   epoch are refused or answered as they were before.
//!
//! # A lost server
//!
//! - The device goes on; an MPC wallet cannot sign until it has a custodian again.
//! - A backup needs the custodian's share: an operator's export of it, with an envelope and a method, is
//!   enough. Without any copy of the custodian's share an MPC wallet is lost. That is what makes the other
//!   half safe, and why operators back their databases up.
//!
//! # Not defended against
//!
//! Whoever reads the memory of the process after a *new* password was judged: the estimator of guesses
//! keeps copies that are not wiped ([`PasswordPolicy::check`](crate::method::PasswordPolicy::check)).
//! Opening with a password leaves nothing.
//!
//! Malware on the unlocked device while a method is opened; somebody who knows a method's secret and is
//! logged in as the user; a custodian and store that conspire against a guessable password; an app that
//! names the wrong custodian; denial of service.
