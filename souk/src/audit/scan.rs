//! One reading of the shop, or of a part of it, in ranges of orders; and readings of what disagreed in it.

use std::{
    collections::{BTreeSet, HashSet},
    time::{Duration, Instant},
};

use souk_bus::rabbit::QueueDepth;
use souk_values::{Clock, ShiftedClock, Timestamp};

use super::{
    invariants::{Discrepancy, Findings, Source, check_orders, check_stock},
    stores::{AuditStores, Books, WaitingEvent, read_events, repeated_notices},
};
use crate::{command_error::CommandError, folder::Folder, services::with_store, settings::Settings};

/// Shortest pause between two readings with a provider that limits the rate of requests for its list.
const LIST_PAUSE: Duration = Duration::from_secs(5);

/// Disagreements that every reading so far has found.
#[derive(Debug)]
pub struct Scan {
    pub findings: Findings,
    /// Events that have been waiting since the first reading.
    pub waiting: Vec<WaitingEvent>,
    pub depths: Vec<QueueDepth>,
    pub broker_error: Option<String>,
    pub books: Books,
    /// End of the last range that was read: the next part begins above it. `i64::MAX` when all was read.
    pub until: i64,
    /// Time before the reading that the provider's list covers; `None` when it is not read.
    listed: Option<Duration>,
}

/// The part of the shop that is read.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Order id above which it begins. The stock is read with the first part only.
    pub after: i64,
    /// Number of ranges that are read.
    pub ranges: usize,
    /// Order id above which everything is read too, whatever the ranges cover.
    pub recent: i64,
    /// Time before the reading that the provider's list shall cover; `None` to leave it out.
    pub listed: Option<Duration>,
}

impl Part {
    /// The whole shop.
    pub fn all(listed: Duration) -> Self {
        Self { after: i64::MIN, ranges: usize::MAX, recent: i64::MAX, listed: Some(listed) }
    }
}

impl Scan {
    /// Reads `part`, in memory that does not grow with the number of its orders.
    pub async fn read(settings: &Settings, part: Part) -> Result<Self, CommandError> {
        let events = read_events(settings).await?;
        let stores = Box::pin(AuditStores::open(settings, part.listed)).await?;
        let mut findings = Findings::default();
        findings.add_checked(6, with_store().count() + 1);
        findings.add_checked(11, souk_events::dead_letter_names().count());
        for (queue, count) in &events.dead_letters {
            findings.add_final(11, format!("queue {queue}"), format!("{count} dead letters"));
        }
        if part.after == i64::MIN {
            read_whole_stores(settings, &stores, &mut findings).await?;
        }
        let mut until = part.after;
        for _ in 0..part.ranges {
            if until == i64::MAX {
                break;
            }
            until = read_range(settings, &stores, until, &mut findings).await?;
        }
        let mut recent = part.recent.max(until);
        let ends = [(part.after, until), (recent, i64::MAX)];
        while recent < i64::MAX {
            recent = read_range(settings, &stores, recent, &mut findings).await?;
        }
        read_captures(&stores, &ends, &mut findings).await?;
        let books = stores.books.clone();
        let (depths, broker_error) = (events.depths, events.broker_error);
        Ok(Self { findings, waiting: events.waiting, depths, broker_error, books, until, listed: part.listed })
    }

    /// True when something disagrees that another reading may find resolved.
    pub fn is_unsettled(&self) -> bool {
        !self.waiting.is_empty() || self.findings.found.iter().any(|discrepancy| !discrepancy.is_final)
    }

    /// Reads what disagreed again, with `pause` in between, until it is resolved, `limit` is over or the shop no longer
    /// runs. In real time, as for an operator who waits; counted from here, since the first reading of a large shop is
    /// long.
    pub async fn settle(
        &mut self,
        settings: &Settings,
        limit: Duration,
        pause: Duration,
        is_running: impl Fn() -> bool,
    ) -> Result<(), CommandError> {
        let pause = if self.books.has_list { pause.max(LIST_PAUSE) } else { pause };
        let started = Instant::now();
        while is_running() && self.is_unsettled() && started.elapsed() < limit {
            tokio::time::sleep(pause).await;
            self.read_again(settings).await?;
        }
        Ok(())
    }

    /// Reads what disagreed again, and forgets what no longer does.
    async fn read_again(&mut self, settings: &Settings) -> Result<(), CommandError> {
        if !self.waiting.is_empty() {
            let events = read_events(settings).await?;
            let still: HashSet<_> = events.waiting.iter().map(|event| (event.outbox, event.event_id)).collect();
            self.waiting.retain(|event| still.contains(&(event.outbox, event.event_id)));
            (self.depths, self.broker_error) = (events.depths, events.broker_error);
        }
        let again = Again::read(settings, &self.findings.found, self.listed).await?;
        self.findings.found.retain(|one| one.is_final || again.confirms(one));
        // One that was transient may turn out to be final.
        let known: BTreeSet<_> = self.findings.found.iter().map(Discrepancy::key).collect();
        let worse = again.found.into_iter().filter(|one| one.is_final && !known.contains(&one.key()));
        self.findings.found.extend(worse);
        Ok(())
    }
}

/// A second reading of what disagreed.
#[derive(Debug, Default)]
pub struct Again {
    found: Vec<Discrepancy>,
    keys: BTreeSet<(u8, String)>,
    has_list: bool,
}

impl Again {
    /// Reads the orders and captures that `found` came from, and for them Stripe's list of the last `listed`.
    pub async fn read(
        settings: &Settings,
        found: &[Discrepancy],
        listed: Option<Duration>,
    ) -> Result<Self, CommandError> {
        let sources: BTreeSet<Source> = found.iter().map(|discrepancy| discrepancy.source).collect();
        if sources.iter().all(|source| *source == Source::Store) {
            return Ok(Self::default());
        }
        let mut again = Findings::default();
        let stores = Box::pin(AuditStores::open(settings, listed)).await?;
        let mut captures = Vec::new();
        for source in sources {
            match source {
                Source::Order(order) => {
                    check_orders(&stores.range(order - 1, order).await?, now(settings), &mut again);
                }
                Source::Capture(payment) => captures.push(payment),
                Source::Store => {}
            }
        }
        let unknown = stores.payment.unknown(&captures).await.map_err(super::stores::unreadable("payment"))?;
        for payment in unknown {
            again.add_unknown_capture(payment);
        }
        let keys = again.found.iter().map(Discrepancy::key).collect();
        Ok(Self { found: again.found, keys, has_list: stores.books.has_list })
    }

    /// True unless this reading shows that `one` is resolved: without Stripe's list, nothing that the list showed is.
    pub fn confirms(&self, one: &Discrepancy) -> bool {
        self.keys.contains(&one.key()) || (one.rests_on_list && !self.has_list)
    }
}

/// Checks what only a reading of a whole store shows.
async fn read_whole_stores(
    settings: &Settings,
    stores: &AuditStores,
    findings: &mut Findings,
) -> Result<(), CommandError> {
    let repeated = repeated_notices(settings).await?;
    if repeated > 0 {
        let detail = format!("{repeated} effects happened more than once");
        findings.add_final(7, "store of notification".to_owned(), detail);
    }
    let stock = stores.product.stock().await.map_err(super::stores::unreadable("product"))?;
    check_stock(&stock, findings);
    Ok(())
}

/// Checks the next range of orders above `after`; returns its end.
async fn read_range(
    settings: &Settings,
    stores: &AuditStores,
    after: i64,
    findings: &mut Findings,
) -> Result<i64, CommandError> {
    let until = stores.boundary(after).await?;
    check_orders(&stores.range(after, until).await?, now(settings), findings);
    Ok(until)
}

/// Looks for captures without a payment: in the provider's list, and in the sandbox's ledger between each two ids. The
/// ids of orders and payments rise with time alike, so the parts of the orders cover the captures too.
async fn read_captures(stores: &AuditStores, ends: &[(i64, i64)], findings: &mut Findings) -> Result<(), CommandError> {
    let unreadable = || super::stores::unreadable("payment");
    for payment in stores.payment.unknown_in_list().await.map_err(unreadable())? {
        findings.add_unknown_capture(payment);
    }
    for &(mut after, until) in ends {
        while after < until {
            let (last, unknown) = stores.payment.unknown_in_ledger(after).await.map_err(unreadable())?;
            for payment in unknown.into_iter().filter(|payment| *payment <= until) {
                findings.add_unknown_capture(payment);
            }
            after = last.unwrap_or(i64::MAX);
        }
    }
    Ok(())
}

/// Returns the time of the shop, whose clock may have been moved.
pub fn now(settings: &Settings) -> Timestamp {
    ShiftedClock::new(settings.folder().map(Folder::clock_offset).unwrap_or_default()).now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_list_showed_lasts_until_the_list_is_read_again() {
        let plain = Discrepancy::new(4, "payment 1".to_owned(), "captured, not refunded", Source::Order(7));
        let listed = Discrepancy { rests_on_list: true, ..plain.clone() };
        let without_list = Again::default();
        assert!(!without_list.confirms(&plain));
        assert!(without_list.confirms(&listed));
        let resolved = Again { has_list: true, ..Again::default() };
        assert!(!resolved.confirms(&listed));
        let keys = BTreeSet::from([listed.key()]);
        assert!(Again { keys, ..resolved }.confirms(&listed));
    }
}
