//! The figures of a load, as a table.

use std::{fmt::Write, path::PathBuf, time::Duration};

use crate::{purchase::Sold, shop::Counts};

/// The cost of an order, figure by figure.
#[derive(Debug, Clone)]
pub(crate) struct Figures(Vec<Figure>);

#[derive(Debug, Clone)]
struct Figure {
    name: &'static str,
    value: f64,
    /// True for what the shop did, which depends little on the machine and its other work.
    is_counted: bool,
    /// Value that the project aims at, on two cores that the shop shares with its load.
    goal: Option<Goal>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
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

/// The shop's process: its starts, and its resident memory and file in MB.
pub(crate) struct Process {
    /// From its start on an empty folder until it is ready.
    pub first_start: Duration,
    /// The same on the folder that the load has filled.
    pub later_start: Duration,
    pub idle_mb: f64,
    /// Right after the load.
    pub loaded_mb: f64,
    /// After a rest.
    pub rested_mb: f64,
    pub binary_mb: f64,
}

impl Figure {
    fn towards(self, goal: Goal) -> Self {
        Self { goal: Some(goal), ..self }
    }
}

impl Figures {
    pub fn of(sold: &Sold, before: &Counts, after: &Counts, process: &Process) -> Self {
        use Goal::{AtLeast, AtMost};
        let per_order = |of: fn(&Counts) -> f64| (of(after) - of(before)) / sold.orders;
        let counted = |name, value| Figure { name, value, is_counted: true, goal: None };
        let measured = |name, value| Figure { name, value, is_counted: false, goal: None };
        Self(vec![
            // The speed of a machine varies by more than the margin, and that of its clock with its other work.
            measured("CPU per order, ms", per_order(|counts| counts.cpu_ms)).towards(AtMost(4.0)),
            counted("changes of threads per order", per_order(|counts| counts.thread_changes)).towards(AtMost(100.0)),
            counted("writing system calls per order", per_order(|counts| counts.writes)),
            counted("kB written to the disk per order", per_order(|counts| counts.bytes_written) / 1_000.0),
            measured("orders per second", sold.orders / sold.took.as_secs_f64()).towards(AtLeast(800.0)),
            measured("p50, ms", millis(&sold.times, 50)),
            measured("p99, ms", millis(&sold.times, 99)).towards(AtMost(50.0)),
            measured("CPU of the load per order, ms", sold.own_cpu_ms / sold.orders),
            measured("first start to ready, ms", process.first_start.as_secs_f64() * 1_000.0),
            measured("start on a filled folder to ready, ms", process.later_start.as_secs_f64() * 1_000.0),
            measured("memory when idle, MB", process.idle_mb).towards(AtMost(60.0)),
            measured("memory after the load, MB", process.loaded_mb).towards(AtMost(150.0)),
            measured("memory after the rest, MB", process.rested_mb),
            measured("binary, MB", process.binary_mb).towards(AtMost(60.0)),
        ])
    }

    #[cfg(test)]
    pub fn of_counted(figures: &[(&'static str, f64)]) -> Self {
        Self(figures.iter().map(|(name, value)| Figure { name, value: *value, is_counted: true, goal: None }).collect())
    }

    /// Returns the median of each figure.
    pub fn median(rounds: &[Self]) -> Self {
        let Some(first) = rounds.first() else { return Self(Vec::new()) };
        let median = |index: usize, figure: &Figure| {
            let mut values: Vec<f64> = rounds.iter().filter_map(|round| Some(round.0.get(index)?.value)).collect();
            values.sort_by(f64::total_cmp);
            Figure { value: values.get(values.len() / 2).copied().unwrap_or(figure.value), ..figure.clone() }
        };
        Self(first.0.iter().enumerate().map(|(index, figure)| median(index, figure)).collect())
    }

    /// Iterates over the counted figures with their names.
    pub fn counted(&self) -> impl Iterator<Item = (&'static str, f64)> {
        self.0.iter().filter(|figure| figure.is_counted).map(|figure| (figure.name, figure.value))
    }
}

/// Returns the time within which `percent` of the orders were paid, in milliseconds.
fn millis(times: &[Duration], percent: usize) -> f64 {
    let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
}

/// Returns the figures as a table in Markdown; those of `others` with their ratio to `first`.
pub(crate) fn table(binaries: &[PathBuf], first: &Figures, others: &[Figures]) -> String {
    let names: Vec<String> = binaries.iter().map(|binary| binary.display().to_string()).collect();
    let mut text = format!("| figure | goal | {} |\n|---|---|{}", names.join(" | "), "---|".repeat(names.len()));
    for (index, figure) in first.0.iter().enumerate() {
        let goal = figure.goal.map_or_else(String::new, |goal| goal.to_string());
        let _ = write!(text, "\n| {} | {goal} | {:.1} |", figure.name, figure.value);
        for other in others.iter().filter_map(|other| other.0.get(index)) {
            let _ = write!(text, " {:.1} ({:.2} ×) |", other.value, other.value / figure.value);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(value: f64) -> Figures {
        let figure = |name, is_counted| Figure { name, value, is_counted, goal: None };
        Figures(vec![figure("a", true).towards(Goal::AtMost(2.0)), figure("b", false)])
    }

    #[test]
    fn the_median_is_that_of_each_figure() {
        let rounds = [3.0, 1.0, 2.0].map(figures);
        assert!(table(&[], &Figures::median(&rounds), &[]).ends_with("| a | ≤ 2 | 2.0 |\n| b |  | 2.0 |"));
        assert_eq!(Figures::median(&rounds).counted().count(), 1);
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
        let text = table(&binaries, &figures(4.0), &[figures(1.0)]);
        assert!(text.ends_with("| a | ≤ 2 | 4.0 | 1.0 (0.25 ×) |\n| b |  | 4.0 | 1.0 (0.25 ×) |"), "{text}");
    }
}
