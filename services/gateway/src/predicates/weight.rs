//! Groups of routes that share their requests by weight, such as a new version that gets one request in ten.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use souk_values::IdGen;

/// The groups of a routing table, while it is read.
#[derive(Debug, Default)]
pub(crate) struct Weights(BTreeMap<String, (usize, f64)>);

/// One route of a group: from `from` on, `share` of what the whole group has.
#[derive(Debug, Clone)]
pub(crate) struct Weight {
    group: usize,
    from: f64,
    share: f64,
    /// Sum of the group; set when all routes are known.
    whole: f64,
    name: String,
}

impl Weights {
    pub fn add(&mut self, group: &str, weight: u32) -> Weight {
        let number = self.0.len();
        let (group_number, whole) = self.0.entry(group.to_owned()).or_insert((number, 0.0));
        let from = *whole;
        let share = f64::from(weight);
        *whole += share;
        Weight { group: *group_number, from, share, whole: 0.0, name: group.to_owned() }
    }

    /// Completes the share of a route, once all have been added.
    pub fn complete(&self, weight: &mut Weight) {
        weight.whole = self.0.get(&weight.name).map_or(0.0, |(_, whole)| *whole);
    }
}

/// The draws of one request: one for each group, when it is first needed.
pub(crate) struct Draws<'r> {
    ids: &'r IdGen,
    drawn: RefCell<Vec<(usize, f64)>>,
}

impl<'r> Draws<'r> {
    pub fn new(ids: &'r IdGen) -> Self {
        Self { ids, drawn: RefCell::default() }
    }

    pub fn is_won_by(&self, weight: &Weight) -> bool {
        let mut drawn = self.drawn.borrow_mut();
        let known = drawn.iter().find(|(group, _)| *group == weight.group).map(|(_, part)| *part);
        let part = known.unwrap_or_else(|| {
            let part = self.ids.jitter(Duration::from_secs(1)).as_secs_f64();
            drawn.push((weight.group, part));
            part
        });
        (weight.from..weight.from + weight.share).contains(&(part * weight.whole))
    }
}
