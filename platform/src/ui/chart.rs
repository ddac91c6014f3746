//! Small charts as inline SVG: a path, so that no style attribute is needed.

use std::fmt::Write;

/// Bars of a series, scaled to its highest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bars {
    /// Width of the view box.
    pub width: usize,
    /// The bars of steps in which something happened.
    pub path: String,
    /// A thin line for the steps in which nothing did.
    pub rest: String,
    pub highest: i64,
    pub total: i64,
}

/// Height of the view box.
const HEIGHT: i64 = 24;
const BAR: usize = 3;
const GAP: usize = 1;
/// Even one event among thousands is seen.
const LOWEST: i64 = 2;

impl Bars {
    /// Draws a series, oldest first.
    pub fn new(series: &[i64]) -> Bars {
        let highest = series.iter().copied().max().unwrap_or(0);
        let mut bars = Bars {
            width: (series.len() * (BAR + GAP)).saturating_sub(GAP),
            path: String::new(),
            rest: String::new(),
            highest,
            total: series.iter().sum(),
        };
        for (step, count) in series.iter().enumerate() {
            let x = step * (BAR + GAP);
            let height = if *count > 0 { (count * HEIGHT / highest.max(1)).max(LOWEST) } else { 1 };
            let path = if *count > 0 { &mut bars.path } else { &mut bars.rest };
            // Writing to a String cannot fail.
            let _ = write!(path, "M{x} {HEIGHT}v-{height}h{BAR}v{height}z");
        }
        bars
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_bar_fills_the_height_and_the_lowest_is_seen() {
        let bars = Bars::new(&[0, 1, 10_000]);
        assert_eq!(bars.path, "M4 24v-2h3v2zM8 24v-24h3v24z");
        assert_eq!(bars.rest, "M0 24v-1h3v1z");
        assert_eq!((bars.width, bars.highest, bars.total), (11, 10_000, 10_001));
    }

    #[test]
    fn nothing_at_all_is_no_bar() {
        assert_eq!(Bars::new(&[]).width, 0);
        assert_eq!(Bars::new(&[0, 0]).path, "");
    }
}
