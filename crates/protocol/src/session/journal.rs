//! What a device keeps of an operation in progress, sealed, to finish it after a crash.

use twoshare_core::{
    channel::EphemeralSecret,
    keygen, reshare,
    secret::SecretBytes,
    share::{AnyClientShare, AnyCustodianShare},
    wire::{Malformed, Reader, Writer},
};

use super::{Exchange, Offered, Ready};
use crate::{
    Nonce,
    binding::{Nonces, Party},
    message::{Begin, Begun, Prepare},
    wire::{DecodeError, Message, Wire, message},
};

message! {
    /// An [`Offered`], as it is kept.
    struct OfferedRecord = 32 {
        /// With whom, about what.
        party: Party,
        /// What was asked.
        begin: Begin,
        /// What was answered.
        begun: Begun,
        /// The prepare, to be repeated byte for byte.
        message: Prepare,
        /// The client's ephemeral key.
        ephemeral: SecretBytes,
        /// Which exchange it is: 1 key generation, 2 resharing, 3 deal, 4 move.
        plan: u8,
        /// The client's side of it, or its dealt shares; of a move, the old custodian's part too.
        exchange: Vec<SecretBytes>,
    }
}

message! {
    /// A [`Ready`], as it is kept.
    struct ReadyRecord = 33 {
        /// With whom, about what.
        party: Party,
        /// What was asked.
        begin: Begin,
        /// The client's nonce.
        client_nonce: Nonce,
        /// The custodian's nonce.
        custodian_nonce: Nonce,
        /// The new shares.
        made: Vec<SecretBytes>,
        /// The custodian's shares of the opened epoch, in a single-key recovery.
        opened: Vec<SecretBytes>,
    }
}

impl Offered {
    /// The state, to be kept sealed.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let (plan, exchange) = match &self.exchange {
            Exchange::Keygen(opened) => (1, vec![opened.to_bytes()]),
            Exchange::Reshare(offered) => (2, vec![offered.to_bytes()]),
            Exchange::Dealt(shares) => (3, shares.iter().map(AnyClientShare::to_bytes).collect()),
            Exchange::Moved(offered, response) => {
                (4, vec![offered.to_bytes(), response.to_bytes()])
            }
        };
        let record = OfferedRecord {
            party: self.party.clone(),
            begin: self.begin.clone(),
            begun: self.begun.clone(),
            message: self.message.clone(),
            ephemeral: self.ephemeral.to_bytes(),
            plan,
            exchange,
        };
        record.to_bytes()
    }

    /// The state that [`Offered::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// The bytes are something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let record = OfferedRecord::from_bytes(bytes)?;
        let exchange = match (record.plan, record.exchange.as_slice()) {
            // Exposed here and below: to the decoders.
            (1, [opened]) => Exchange::Keygen(
                keygen::ClientOpened::from_bytes(opened.expose_secret())
                    .map_err(|_| DecodeError::Malformed)?,
            ),
            (2, [offered]) => Exchange::Reshare(
                reshare::ClientOffered::from_bytes(offered.expose_secret())
                    .map_err(|_| DecodeError::Malformed)?,
            ),
            (3, shares) => Exchange::Dealt(decode_shares(shares)?),
            (4, [offered, response]) => Exchange::Moved(
                reshare::ClientOffered::from_bytes(offered.expose_secret())
                    .map_err(|_| DecodeError::Malformed)?,
                reshare::Response::from_bytes(response.expose_secret())
                    .map_err(|_| DecodeError::Malformed)?,
            ),
            _ => return Err(DecodeError::Malformed),
        };
        let ephemeral = EphemeralSecret::from_bytes(record.ephemeral.expose_secret())
            .map_err(|_| DecodeError::Malformed)?;
        let OfferedRecord { party, begin, begun, message, .. } = record;
        Ok(Self { party, begin, begun, message, ephemeral, channel: None, exchange })
    }
}

impl Ready {
    /// The state, to be kept sealed.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let record = ReadyRecord {
            party: self.party.clone(),
            begin: self.begin.clone(),
            client_nonce: self.nonces.client,
            custodian_nonce: self.nonces.custodian,
            made: self.signing.iter().chain(&self.backup).map(AnyClientShare::to_bytes).collect(),
            opened: self.opened.iter().map(AnyCustodianShare::to_bytes).collect(),
        };
        record.to_bytes()
    }

    /// The state that [`Ready::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// The bytes are something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let record = ReadyRecord::from_bytes(bytes)?;
        let made = decode_shares(&record.made)?;
        let opened = record.opened.iter();
        let opened = opened
            .map(|bytes| AnyCustodianShare::from_bytes(bytes.expose_secret()))
            .collect::<Result<_, _>>()
            .map_err(|_| DecodeError::Malformed)?;
        let nonces = Nonces { client: record.client_nonce, custodian: record.custodian_nonce };
        Ok(Self::new(record.party, record.begin, nonces, made, opened))
    }
}

fn decode_shares(shares: &[SecretBytes]) -> Result<Vec<AnyClientShare>, DecodeError> {
    let decode = |bytes: &SecretBytes| AnyClientShare::from_bytes(bytes.expose_secret());
    shares.iter().map(decode).collect::<Result<_, _>>().map_err(|_| DecodeError::Malformed)
}

impl Wire for Party {
    fn write(&self, writer: Writer) -> Writer {
        let writer = self.user.write(self.custodian.write(writer.array(4)));
        self.kind.write(self.wallet.write(writer))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.array_of(4)?;
        Ok(Self {
            custodian: Wire::read(reader)?,
            user: Wire::read(reader)?,
            wallet: Wire::read(reader)?,
            kind: Wire::read(reader)?,
        })
    }
}
