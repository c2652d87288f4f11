//! One reading of the whole shop in ranges of orders, and readings of what disagreed in it.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use souk_bus::rabbit::QueueDepth;
use souk_values::{Clock, ShiftedClock, Timestamp};

use super::{
    invariants::{Discrepancy, Findings, Source, check_orders, check_stock},
    stores::{AuditStores, Books, WaitingEvent, read_events, repeated_notices},
};
use crate::{command_error::CommandError, folder::Folder, services::with_store, settings::Settings};

/// Disagreements that every reading so far has found.
#[derive(Debug)]
pub struct Scan {
    pub findings: Findings,
    /// Events that have been waiting since the first reading.
    pub waiting: Vec<WaitingEvent>,
    pub depths: Vec<QueueDepth>,
    pub broker_error: Option<String>,
    pub books: Books,
    /// Time before the reading that the provider's list covers.
    listed: Duration,
}

impl Scan {
    /// Reads the whole shop, in memory that does not grow with the number of its orders.
    pub async fn read(settings: &Settings, listed: Duration) -> Result<Self, CommandError> {
        let events = read_events(settings).await?;
        let stores = Box::pin(AuditStores::open(settings, listed)).await?;
        let mut findings = Findings::default();
        findings.add_checked(6, with_store().count() + 1);
        findings.add_checked(11, souk_events::dead_letter_names().count());
        for (queue, count) in &events.dead_letters {
            findings.add_final(11, format!("queue {queue}"), format!("{count} dead letters"));
        }
        let repeated = repeated_notices(settings).await?;
        if repeated > 0 {
            let detail = format!("{repeated} effects happened more than once");
            findings.add_final(7, "store of notification".to_owned(), detail);
        }
        let stock = stores.product.stock().await.map_err(super::stores::unreadable("product"))?;
        check_stock(&stock, &mut findings);
        drop(stock);
        let mut after = i64::MIN;
        while after < i64::MAX {
            let until = stores.boundary(after).await?;
            check_orders(&stores.range(after, until).await?, now(settings), &mut findings);
            after = until;
        }
        read_captures(&stores, &mut findings).await?;
        let books = stores.books.clone();
        let (depths, broker_error) = (events.depths, events.broker_error);
        Ok(Self { findings, waiting: events.waiting, depths, broker_error, books, listed })
    }

    /// True when something disagrees that another reading may find resolved.
    pub fn is_unsettled(&self) -> bool {
        !self.waiting.is_empty() || self.findings.found.iter().any(|discrepancy| !discrepancy.is_final)
    }

    /// Reads what disagreed again, and forgets what no longer does.
    pub async fn read_again(&mut self, settings: &Settings) -> Result<(), CommandError> {
        if !self.waiting.is_empty() {
            let events = read_events(settings).await?;
            let still: HashSet<_> = events.waiting.iter().map(|event| (event.outbox, event.event_id)).collect();
            self.waiting.retain(|event| still.contains(&(event.outbox, event.event_id)));
            (self.depths, self.broker_error) = (events.depths, events.broker_error);
        }
        let sources: BTreeSet<Source> = self.findings.found.iter().map(|discrepancy| discrepancy.source).collect();
        if sources.iter().all(|source| *source == Source::Store) {
            return Ok(());
        }
        let stores = Box::pin(AuditStores::open(settings, self.listed)).await?;
        let mut again = Findings::default();
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
        let key = |one: &Discrepancy| (one.invariant, one.subject.clone());
        let still: BTreeSet<_> = again.found.iter().map(key).collect();
        self.findings.found.retain(|one| one.is_final || still.contains(&key(one)));
        // One that was transient may turn out to be final.
        let known: BTreeSet<_> = self.findings.found.iter().map(key).collect();
        let worse = again.found.into_iter().filter(|one| one.is_final && !known.contains(&key(one)));
        self.findings.found.extend(worse);
        Ok(())
    }
}

async fn read_captures(stores: &AuditStores, findings: &mut Findings) -> Result<(), CommandError> {
    let mut after = i64::MIN;
    loop {
        let page = stores.payment.unknown_captures(after).await;
        let (last, unknown) = page.map_err(super::stores::unreadable("payment"))?;
        for payment in unknown {
            findings.add_unknown_capture(payment);
        }
        match last {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}

/// Returns the time of the shop, whose clock may have been moved.
fn now(settings: &Settings) -> Timestamp {
    ShiftedClock::new(settings.folder().map(Folder::clock_offset).unwrap_or_default()).now()
}
