//! Where one item of CBOR ends, for bytes that are looked at before it is known what they are.

/// The most items that one may be inside of.
const MAX_DEPTH: usize = 64;
const BREAK: u8 = 0xff;

/// Why no item of CBOR begins where one has to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemError {
    /// The bytes end before it does.
    Truncated,
    /// What is there is none.
    Malformed,
}

/// Where the item that begins at `start` ends: well-formed (RFC 8949, section 5.3) in any encoding,
/// whether its texts are UTF-8 or not, and with no item inside of more than 64 others. Nothing is
/// allocated for what it claims.
pub(crate) fn item_end(bytes: &[u8], start: usize) -> Result<usize, ItemError> {
    let mut scan = Scan { bytes, at: start };
    let mut open: Vec<Open> = Vec::new();
    loop {
        if scan.ends(&open)? {
            open.pop();
        } else if open.len() > MAX_DEPTH {
            return Err(ItemError::Malformed);
        } else if let Some(inside) = scan.begin()? {
            open.push(inside);
            continue;
        }
        // An item is complete, and with it those that it was the last one of.
        loop {
            match open.last_mut() {
                None => return Ok(scan.at),
                Some(Open::Definite { left }) if *left > 1 => {
                    *left -= 1;
                    break;
                }
                Some(Open::Definite { .. }) => drop(open.pop()),
                Some(Open::Indefinite { map, value_is_next }) => {
                    *value_is_next = *map && !*value_is_next;
                    break;
                }
            }
        }
    }
}

/// An array, map or tag whose last item was not reached.
enum Open {
    Definite { left: u128 },
    Indefinite { map: bool, value_is_next: bool },
}

struct Scan<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Scan<'b> {
    fn take(&mut self, length: u64) -> Result<&'b [u8], ItemError> {
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or(ItemError::Truncated)?;
        self.at += taken.len();
        Ok(taken)
    }

    /// Major type and argument, which is `None` for an indefinite length or a break.
    fn head(&mut self) -> Result<(u8, Option<u64>), ItemError> {
        let [initial] = self.take(1)? else { return Err(ItemError::Truncated) };
        let (major, info) = (initial >> 5, initial & 31);
        let argument = match (major, info) {
            (_, 0..=23) => Some(info.into()),
            (_, 24..=27) => {
                let bytes = self.take(1 << (info - 24))?;
                Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
            }
            (2..=5 | 7, 31) => None,
            _ => return Err(ItemError::Malformed),
        };
        // A simple value that one byte would have said.
        if (major, info) == (7, 24) && argument < Some(32) {
            return Err(ItemError::Malformed);
        }
        Ok((major, argument))
    }

    /// Whether a break ends what is open, which then was of indefinite length.
    fn ends(&mut self, open: &[Open]) -> Result<bool, ItemError> {
        if let Some(Open::Indefinite { value_is_next: false, .. }) = open.last() {
            return self.breaks();
        }
        Ok(false)
    }

    fn breaks(&mut self) -> Result<bool, ItemError> {
        let breaks = *self.bytes.get(self.at).ok_or(ItemError::Truncated)? == BREAK;
        self.at += usize::from(breaks);
        Ok(breaks)
    }

    /// What has items inside that are still to come, or `None` after a whole item.
    fn begin(&mut self) -> Result<Option<Open>, ItemError> {
        let open = match self.head()? {
            (major @ (2 | 3), length) => {
                self.string(major, length)?;
                return Ok(None);
            }
            (4 | 5, Some(0)) => return Ok(None),
            (4, Some(count)) => Open::Definite { left: count.into() },
            (5, Some(count)) => Open::Definite { left: 2 * u128::from(count) },
            (6, _) => Open::Definite { left: 1 },
            (major @ (4 | 5), None) => Open::Indefinite { map: major == 5, value_is_next: false },
            (_, Some(_)) => return Ok(None),
            (_, None) => return Err(ItemError::Malformed),
        };
        Ok(Some(open))
    }

    fn string(&mut self, major: u8, length: Option<u64>) -> Result<(), ItemError> {
        let Some(length) = length else {
            while !self.breaks()? {
                match self.head()? {
                    (found, length @ Some(_)) if found == major => self.string(major, length)?,
                    _ => return Err(ItemError::Malformed),
                }
            }
            return Ok(());
        };
        self.take(length).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn items_end_where_they_do() {
        for item in [
            "00",
            "1817",
            "1b0000000000000000",
            "20",
            "3bffffffffffffffff",
            "40",
            "4107",
            "5f41074100ff",
            "6161",
            "7f6161ff",
            "80",
            "820102",
            "9fff",
            "9f01ff",
            "a0",
            "a10102",
            "bfff",
            "bf0102ff",
            "c001",
            "c201",
            "f4",
            "f5",
            "f6",
            "f7",
            "e0",
            "f3",
            "f820",
            "f8ff",
            "61ff",
            "7f61c361a9ff",
            "f93c00",
            "fa00000000",
            "fb0000000000000000",
            "9f9fa1bfff80ff40ff",
        ] {
            let mut bytes = hex::decode(item).unwrap();
            assert_eq!(item_end(&bytes, 0), Ok(bytes.len()), "{item}");
            for length in 0..bytes.len() {
                assert_eq!(item_end(&bytes[..length], 0), Err(ItemError::Truncated), "{item}");
            }
            bytes.insert(0, 0xff);
            bytes.push(0xff);
            assert_eq!(item_end(&bytes, 1), Ok(bytes.len() - 1), "{item}");
        }
    }

    #[test]
    fn what_is_no_item_is_refused() {
        for none in [
            "1c",
            "1f",
            "3d",
            "3f",
            "5c",
            "5f00ff",
            "5f5f4100ffff",
            "5f6161ff",
            "9e",
            "81ff",
            "bf01ff",
            "a1ff",
            "dc",
            "df",
            "f800",
            "f81f",
            "fc",
            "ff",
        ] {
            let bytes = hex::decode(none).unwrap();
            assert_eq!(item_end(&bytes, 0), Err(ItemError::Malformed), "{none}");
        }
        assert_eq!(
            item_end(&hex::decode("bbffffffffffffffff").unwrap(), 0),
            Err(ItemError::Truncated)
        );
        assert_eq!(
            item_end(&hex::decode("5bffffffffffffffff").unwrap(), 0),
            Err(ItemError::Truncated)
        );
    }

    #[test]
    fn nesting_is_bounded() {
        for head in [0x81, 0xc1, 0x9f] {
            let nested = |depth: usize| {
                let mut bytes = vec![head; depth];
                bytes.push(0);
                if head == 0x9f {
                    bytes.resize(2 * depth + 1, BREAK);
                }
                bytes
            };
            assert_eq!(item_end(&nested(64), 0), Ok(nested(64).len()));
            assert_eq!(item_end(&nested(65), 0), Err(ItemError::Malformed));
            assert_eq!(item_end(&nested(1 << 20), 0), Err(ItemError::Malformed));
        }
    }

    proptest! {
        #[test]
        fn what_ends_decodes(bytes: Vec<u8>) {
            if let Ok(end) = item_end(&bytes, 0) {
                prop_assert!((1..=bytes.len()).contains(&end));
                for length in 0..end {
                    prop_assert_eq!(item_end(&bytes[..length], 0), Err(ItemError::Truncated));
                }
            }
        }
    }
}
