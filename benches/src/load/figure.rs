//! Lines of the table.

/// The quartiles of what was measured.
#[derive(Debug, Clone)]
pub(super) struct Spread(Vec<f64>);

impl Spread {
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    pub(super) fn median(&self) -> f64 {
        self.quarter(2)
    }

    fn quarter(&self, quarter: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last * quarter / 4).copied().unwrap_or(f64::NAN)
    }

    fn middle(&self) -> String {
        format!("{} … {}", short(self.quarter(1)), short(self.quarter(3)))
    }
}

/// What a figure is held to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    None,
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    fn judge(self, value: f64) -> String {
        let (met, sign, bound) = match self {
            Self::None => return String::new(),
            Self::AtLeast(bound) => (value >= bound, '≥', bound),
            Self::AtMost(bound) => (value <= bound, '≤', bound),
        };
        let missed = if met { "" } else { "  MISSED" };
        format!("{sign} {}{missed}", short(bound))
    }
}

pub(super) fn heading() {
    println!(
        "{:<62} {:>9} {:>19} {:>9} {:>7} {:>15}  target",
        "(median, middle half)", "twoshare", "", "peer", "ratio", "",
    );
}

/// A figure that stands alone.
pub(super) fn alone(what: &str, ours: &Spread, target: Target) {
    let (median, middle) = (short(ours.median()), ours.middle());
    let verdict = target.judge(ours.median());
    println!("{what:<62} {median:>9} {middle:>19} {:>9} {:>7} {:>15}  {verdict}", "", "", "");
}

/// A figure beside the peer's, of the same turns: the target is of the ratio.
pub(super) fn beside(what: &str, turns: &[(f64, f64)], target: Target) {
    let ours = Spread::of(turns.iter().map(|turn| turn.0));
    let peer = Spread::of(turns.iter().map(|turn| turn.1));
    let ratio = Spread::of(turns.iter().map(|turn| turn.0 / turn.1));
    println!(
        "{what:<62} {:>9} {:>19} {:>9} {:>7} {:>15}  {}",
        short(ours.median()),
        ours.middle(),
        short(peer.median()),
        short(ratio.median()),
        ratio.middle(),
        target.judge(ratio.median()),
    );
}

/// Three digits that count.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quartiles_and_the_verdict() {
        let spread = Spread::of([5.0, 1.0, 3.0, 2.0, 4.0]);
        assert_eq!((spread.median(), spread.middle()), (3.0, "2.00 … 4.00".to_owned()));
        assert!(Spread::of([]).median().is_nan());
        assert_eq!(Target::AtLeast(3.0).judge(2.9), "≥ 3.00  MISSED");
        assert_eq!(Target::AtMost(25.0).judge(24.0), "≤ 25.0");
    }
}
