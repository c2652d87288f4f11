//! The counted figures of an earlier version, which a later one may exceed by a margin.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::{BenchError, figures::Figures};

/// The margin: other work of the machine changes how transactions are grouped, and so what each costs.
const MARGIN: f64 = 1.3;

/// Counted figures by name.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Baseline(BTreeMap<String, f64>);

impl Baseline {
    pub fn of(figures: &Figures) -> Self {
        Self(figures.counted().map(|(name, value)| (name.to_owned(), (value * 100.0).round() / 100.0)).collect())
    }

    pub fn read(path: &Path) -> Result<Self, BenchError> {
        let text = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?)
    }

    pub fn write(&self, path: &Path) -> Result<(), BenchError> {
        Ok(fs::write(path, serde_json::to_string_pretty(self)? + "\n")?)
    }

    /// Returns a sentence for each figure that is worse than the margin allows, or that one side lacks.
    pub fn worse(&self, figures: &Figures) -> Vec<String> {
        let now: BTreeMap<&str, f64> = figures.counted().collect();
        let missing = now.keys().filter(|name| !self.0.contains_key(**name));
        let mut sentences: Vec<String> = missing.map(|name| format!("{name}: there is no earlier figure")).collect();
        for (name, before) in &self.0 {
            match now.get(name.as_str()) {
                Some(now) if *now <= before * MARGIN => {}
                Some(now) => sentences.push(format!("{name}: {now:.1}, which is {:.2} × {before:.1}", now / before)),
                None => sentences.push(format!("{name}: it is not measured any more")),
            }
        }
        sentences
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figure;

    fn sentences(before: &[(&str, f64)], now: &[(&str, f64)]) -> Vec<String> {
        let before = before.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        let now = now.iter().map(|(name, value)| Figure::counted(*name, *value)).collect();
        Baseline(before).worse(&Figures::new(now))
    }

    #[test]
    fn a_figure_may_exceed_the_earlier_one_by_the_margin() {
        assert!(sentences(&[("a", 10.0)], &[("a", 13.0)]).is_empty());
        assert!(sentences(&[("a", 10.0)], &[("a", 2.0)]).is_empty());
        assert_eq!(sentences(&[("a", 10.0)], &[("a", 15.0)]), ["a: 15.0, which is 1.50 × 10.0"]);
    }

    #[test]
    fn a_figure_that_one_side_lacks_is_named() {
        assert_eq!(
            sentences(&[("gone", 1.0)], &[("new", 1.0)]),
            ["new: there is no earlier figure", "gone: it is not measured any more"]
        );
    }
}
