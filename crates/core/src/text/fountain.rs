//! Joins fountain-coded parts (BCR-2024-001). Each is an equation: its bytes are the XOR of some
//! fragments of the message. They suffice as soon as the equations have one solution, whatever their
//! order; `ur`'s own decoder only looks for equations with one unknown.

use minicbor::decode::Error;
use ur::fountain::Part;

/// A part whose claims are bounded, and agree with those of the parts before it.
pub(super) struct Equation {
    /// Whether each fragment is in it (1 or 0), and then the XOR of those that are. Both are added
    /// alike.
    row: Vec<u8>,
}

impl Equation {
    /// `part` is its CBOR, whose claims the caller has checked.
    pub(super) fn read(part: &[u8], total: usize) -> Result<Self, Error> {
        let part: Part = minicbor::decode(part)?;
        let mut row = vec![0; total];
        for index in part.indexes() {
            if let Some(coefficient) = row.get_mut(index) {
                *coefficient = 1;
            }
        }
        row.extend_from_slice(part.data());
        Ok(Self { row })
    }

    fn has(&self, fragment: usize) -> bool {
        self.row.get(fragment) == Some(&1)
    }

    fn add(&mut self, other: &Self) {
        self.row.iter_mut().zip(&other.row).for_each(|(to, from)| *to ^= from);
    }
}

/// The equations received, solved as far as they can be: of each, the first fragment is in no other.
#[derive(Default)]
pub(super) struct Joiner {
    total: usize,
    /// By their first fragment.
    equations: Vec<Option<Equation>>,
    independent: usize,
}

impl Joiner {
    /// How many fragments are known, or would be if as many others were.
    pub(super) const fn independent(&self) -> usize {
        self.independent
    }

    /// Whether all fragments are known.
    pub(super) const fn is_complete(&self) -> bool {
        self.total > 0 && self.independent == self.total
    }

    /// Takes an equation between `total` fragments. One that follows from those before says nothing.
    pub(super) fn add(&mut self, mut equation: Equation, total: usize) {
        if self.total != total {
            *self = Self { total, equations: (0..total).map(|_| None).collect(), independent: 0 };
        }
        for (fragment, known) in self.equations.iter().enumerate() {
            if let Some(known) = known.as_ref().filter(|_| equation.has(fragment)) {
                equation.add(known);
            }
        }
        let Some(first) = (0..total).find(|fragment| equation.has(*fragment)) else { return };
        for known in self.equations.iter_mut().flatten().filter(|known| known.has(first)) {
            known.add(&equation);
        }
        if let Some(place) = self.equations.get_mut(first) {
            *place = Some(equation);
            self.independent += 1;
        }
    }

    /// All fragments, one after the other, if they are known.
    pub(super) fn joined(&self) -> Option<Vec<u8>> {
        let fragments = self
            .equations
            .iter()
            .map(|equation| equation.as_ref().and_then(|equation| equation.row.get(self.total..)));
        let fragments: Option<Vec<&[u8]>> = fragments.collect();
        fragments.filter(|_| self.is_complete()).map(|fragments| fragments.concat())
    }
}
