//! The figures of a load, with their medians and goals, as a table and as JSON.

use std::{fmt::Write, path::PathBuf, time::Duration};

use serde::Serialize;

/// Figures of one part of the measurement.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures(Vec<Figure>);

/// One figure, by its name and unit.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    name: String,
    /// Values of all rounds, smallest first.
    rounds: Vec<f64>,
    /// True for what the shop did, which depends little on the machine and its other work.
    #[serde(rename = "counted")]
    is_counted: bool,
    /// Value that the project aims at, on two cores that the shop shares with its load.
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<Goal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtMost(value) => write!(f, "≤ {value}"),
            Self::AtLeast(value) => write!(f, "≥ {value}"),
        }
    }
}

impl Figure {
    /// A figure that depends on the speed of the machine.
    pub fn measured(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), rounds: vec![value], is_counted: false, goal: None }
    }

    pub fn counted(name: impl Into<String>, value: f64) -> Self {
        Self { is_counted: true, ..Self::measured(name, value) }
    }

    pub fn at_most(self, goal: f64) -> Self {
        Self { goal: Some(Goal::AtMost(goal)), ..self }
    }

    pub fn at_least(self, goal: f64) -> Self {
        Self { goal: Some(Goal::AtLeast(goal)), ..self }
    }

    fn median(&self) -> f64 {
        self.rounds.get(self.rounds.len() / 2).copied().unwrap_or_default()
    }

    /// Returns the median, with the smallest and the largest value behind it.
    fn text(&self) -> String {
        let digits = if self.median() < 10.0 { 2 } else { usize::from(self.median() < 100.0) };
        match (self.rounds.first(), self.rounds.last()) {
            (Some(least), Some(most)) if self.rounds.len() > 1 => {
                format!("{:.digits$} ({least:.digits$} to {most:.digits$})", self.median())
            }
            _ => format!("{:.digits$}", self.median()),
        }
    }
}

impl Figures {
    pub fn new(figures: Vec<Figure>) -> Self {
        Self(figures)
    }

    /// Adds the values of another round of the same figures.
    pub fn add(&mut self, round: Self) {
        if self.0.is_empty() {
            *self = round;
            return;
        }
        for figure in round.0 {
            match self.0.iter_mut().find(|known| known.name == figure.name) {
                Some(known) => {
                    known.rounds.extend(figure.rounds);
                    known.rounds.sort_by(f64::total_cmp);
                }
                None => self.0.push(figure),
            }
        }
    }

    /// Iterates over the medians of the counted figures with their names.
    pub fn counted(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().filter(|figure| figure.is_counted).map(|figure| (figure.name.as_str(), figure.median()))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Figure> {
        self.0.iter()
    }
}

/// Returns the time within which `percent` of the sorted times lie, in milliseconds.
pub(crate) fn millis(times: &[Duration], percent: usize) -> f64 {
    let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
}

/// Returns the figures of each of `binaries` as a table in Markdown; those of others with the ratio of their medians to
/// those of the first.
pub(crate) fn table(binaries: &[PathBuf], figures: &[Figures]) -> String {
    let names: Vec<String> = binaries.iter().map(|binary| binary.display().to_string()).collect();
    let mut text = format!("| figure | goal | {} |\n|---|---|{}", names.join(" | "), "---|".repeat(names.len()));
    let Some((first, others)) = figures.split_first() else { return text };
    for figure in first.iter() {
        let goal = figure.goal.map_or_else(String::new, |goal| goal.to_string());
        let _ = write!(text, "\n| {} | {goal} | {} |", figure.name, figure.text());
        for other in others.iter().filter_map(|other| other.iter().find(|other| other.name == figure.name)) {
            let _ = write!(text, " {}, {:.2} × |", other.text(), other.median() / figure.median());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(value: f64) -> Figures {
        Figures::new(vec![Figure::counted("a", value).at_most(2.0), Figure::measured("b", value * 100.0)])
    }

    #[test]
    fn the_median_is_that_of_each_figure_and_its_spread_stands_beside_it() {
        let mut medians = Figures::default();
        for value in [3.0, 1.0, 2.0] {
            medians.add(figures(value));
        }
        let text = table(&[PathBuf::from("souk")], &[medians.clone()]);
        assert!(text.ends_with("| a | ≤ 2 | 2.00 (1.00 to 3.00) |\n| b |  | 200 (100 to 300) |"), "{text}");
        assert_eq!(medians.counted().collect::<Vec<_>>(), [("a", 2.0)]);
    }

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        let shown = |times: &[Duration], percent| format!("{:.1}", millis(times, percent));
        assert_eq!([50, 99].map(|percent| shown(&times, percent)), ["101.0", "199.0"]);
        assert_eq!(shown(&[], 50), "0.0");
    }

    #[test]
    fn others_are_compared_with_the_first() {
        let binaries = ["old", "new"].map(PathBuf::from);
        let text = table(&binaries, &[figures(4.0), figures(1.0)]);
        assert!(text.ends_with("| a | ≤ 2 | 4.00 | 1.00, 0.25 × |\n| b |  | 400 | 100, 0.25 × |"), "{text}");
    }
}
