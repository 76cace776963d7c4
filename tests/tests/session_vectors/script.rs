//! A conversation that is written down, or that is held again word by word.

use std::{
    convert::Infallible,
    mem,
    sync::{Arc, Mutex},
};

use rand::{TryCryptoRng, TryRng, rngs::ChaCha20Rng};
use serde_json::{Value, json};
use twoshare_protocol::wire::Message;
use twoshare_tests::vector::hex_of;

/// One side's random bytes: made and kept, or those that were kept.
#[derive(Clone)]
pub(crate) struct Random(Arc<Mutex<Source>>);

enum Source {
    Made { from: Box<ChaCha20Rng>, given: Vec<u8> },
    Kept(Vec<u8>),
}

impl Random {
    pub(crate) fn made(from: ChaCha20Rng) -> Self {
        Self(Arc::new(Mutex::new(Source::Made { from: Box::new(from), given: Vec::new() })))
    }

    pub(crate) fn kept() -> Self {
        Self(Arc::new(Mutex::new(Source::Kept(Vec::new()))))
    }

    fn load(&self, bytes: Vec<u8>) {
        if let Source::Kept(kept) = &mut *self.0.lock().unwrap() {
            assert!(kept.is_empty(), "{} random bytes were not used", kept.len());
            *kept = bytes;
        }
    }

    /// Leaves what was kept for this message unused.
    pub(crate) fn skip(&self) {
        if let Source::Kept(kept) = &mut *self.0.lock().unwrap() {
            kept.clear();
        }
    }

    fn take(&self) -> Vec<u8> {
        match &mut *self.0.lock().unwrap() {
            Source::Made { given, .. } => mem::take(given),
            Source::Kept(_) => Vec::new(),
        }
    }
}

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        match &mut *self.0.lock().unwrap() {
            Source::Made { from, given } => {
                from.try_fill_bytes(bytes)?;
                given.extend_from_slice(bytes);
            }
            Source::Kept(kept) => {
                assert!(bytes.len() <= kept.len(), "more random bytes are used than were kept");
                let rest = kept.split_off(bytes.len());
                bytes.copy_from_slice(kept);
                *kept = rest;
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for Random {}

/// Both sides' random bytes, and the messages so far; when it is held again, those to come.
pub(crate) struct Script {
    pub(crate) client: Random,
    pub(crate) custodian: Random,
    said: Vec<Value>,
    expected: Option<std::vec::IntoIter<Value>>,
}

impl Script {
    pub(crate) const fn new(client: Random, custodian: Random) -> Self {
        Self { client, custodian, said: Vec::new(), expected: None }
    }

    /// From here on these messages are expected, word by word.
    pub(crate) fn expect(&mut self, messages: Vec<Value>) {
        self.expected = Some(messages.into_iter());
    }

    /// What was said since this was last asked. All that was expected must have been.
    pub(crate) fn take(&mut self) -> Vec<Value> {
        let left = self.expected.take().map_or(0, |mut expected| expected.by_ref().count());
        assert_eq!(left, 0, "messages were expected that were not said");
        mem::take(&mut self.said)
    }

    /// The client makes a message.
    pub(crate) fn client<T, M: Message>(
        &mut self,
        name: &str,
        make: impl FnOnce(&mut Random) -> (T, M),
    ) -> T {
        let mut random = self.client.clone();
        self.say("client", name, &mut random, make)
    }

    /// The custodian answers.
    pub(crate) fn custodian<M: Message + Clone>(
        &mut self,
        name: &str,
        make: impl FnOnce() -> M,
    ) -> M {
        let mut random = self.custodian.clone();
        self.say("custodian", name, &mut random, |_| {
            let message = make();
            (message.clone(), message)
        })
    }

    fn say<T, M: Message>(
        &mut self,
        from: &str,
        name: &str,
        random: &mut Random,
        make: impl FnOnce(&mut Random) -> (T, M),
    ) -> T {
        let expected = self.expected.as_mut().map(|all| all.next().expect("one more message"));
        if let Some(expected) = &expected {
            random.load(hex::decode(expected["random"].as_str().unwrap()).unwrap());
        }
        let (value, message) = make(random);
        let bytes = message.to_bytes();
        let read = M::from_bytes(bytes.expose_secret()).expect("what was written is read");
        assert_eq!(read.to_bytes().expose_secret(), bytes.expose_secret());
        let said = json!({
            "message": name,
            "number": M::NUMBER,
            "from": from,
            "bytes": hex_of(&bytes),
            "random": match &expected {
                Some(expected) => expected["random"].clone(),
                None => json!(hex::encode(random.take())),
            },
        });
        random.load(Vec::new());
        if let Some(expected) = expected {
            assert_eq!(said, expected, "{name}");
        }
        self.said.push(said);
        value
    }
}
