//! A batch of order events in one transaction: what they need is read under locks at once, each is decided on what those
//! before it left, and the sum of their changes is written at once.

use std::{collections::BTreeMap, sync::Arc};

use souk_bus::{Cause, Stamper, inbox, outbox};
use souk_events::{Envelope, EventError, StockRejected, StockReserved};
use souk_sql::{SqlError, Tx};
use souk_values::{OrderId, ProductId};

use super::{
    StoreError, TxContext,
    entities::stock_movement,
    ledger, related,
    reservations::{self, Reservation},
    stock::{self, Transfer, UnitChange},
};
use crate::{
    event::ProductEvent,
    reservation::{self, Decision, ReservationRequest, ReservationState, StockMove},
    stock::StockItem,
};

/// An event of an order.
#[derive(Debug)]
pub(super) struct OrderEvent {
    pub cause: Cause,
    pub change: OrderChange,
    pub request: ReservationRequest,
    /// Stamps with the trace of this event.
    pub stamper: Stamper,
}

/// The effect of an order's event on its units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OrderChange {
    Reserve,
    Sell,
    Release,
}

/// Events that one transaction applies, in this order.
#[derive(Debug)]
pub(super) struct OrderBatch {
    pub events: Vec<Arc<OrderEvent>>,
    pub context: TxContext,
}

impl OrderBatch {
    /// Applies the events that the inbox does not have, and returns the state that each reached; `None` for one that changed
    /// nothing. Errors: one of the events was refused, or the engine failed; nothing of the batch counts then.
    pub(super) async fn apply(&self, tx: &Tx) -> Result<Vec<Option<ReservationState>>, StoreError> {
        let causes = self.events.iter().map(|event| event.cause);
        let mut new = inbox::record_all(tx, causes, self.context.now).await?;
        let events: Vec<&OrderEvent> =
            self.events.iter().map(AsRef::as_ref).filter(|event| new.contains(&event.cause)).collect();
        if events.is_empty() {
            return Ok(vec![None; self.events.len()]);
        }
        let mut work = Work::read(tx, &events, &self.context).await?;
        let mut reached = Vec::with_capacity(self.events.len());
        for event in &self.events {
            // Removed, since a batch may have the same event twice.
            reached.push(if new.remove(&event.cause) { work.apply(event)? } else { None });
        }
        work.write(tx).await?;
        Ok(reached)
    }
}

/// Locked reservations and products, as the events applied so far left them, and the other rows that these write.
#[derive(Debug)]
struct Work<'b> {
    context: &'b TxContext,
    reservations: BTreeMap<OrderId, Reservation>,
    items: BTreeMap<ProductId, StockItem>,
    units: BTreeMap<ProductId, UnitChange>,
    movements: Vec<stock_movement::ActiveModel>,
    /// Products of each order that was sold.
    sold: Vec<Vec<ProductId>>,
    envelopes: Vec<Envelope>,
}

impl<'b> Work<'b> {
    /// Locks first the reservations of `events`, then their products.
    async fn read(tx: &Tx, events: &[&OrderEvent], context: &'b TxContext) -> Result<Self, SqlError> {
        let reservations = reservations::lock(tx, events.iter().map(|event| event.request.order_id)).await?;
        let requested = events.iter().flat_map(|event| event.request.lines.keys());
        let stored = reservations.values().flat_map(|reservation| reservation.lines.keys());
        let products = requested.chain(stored).copied().collect::<std::collections::BTreeSet<_>>();
        let items = stock::lock(tx, products, context.currency).await?;
        Ok(Self {
            context,
            reservations,
            items,
            units: BTreeMap::new(),
            movements: Vec::new(),
            sold: Vec::new(),
            envelopes: Vec::new(),
        })
    }

    async fn write(&self, tx: &Tx) -> Result<(), SqlError> {
        let now = self.context.now;
        reservations::write(tx, &self.reservations, now).await?;
        stock::apply(tx, &self.units).await?;
        related::count(tx, &self.sold, now).await?;
        ledger::insert(tx, &self.movements).await?;
        outbox::add(tx, &self.envelopes).await
    }

    fn apply(&mut self, event: &OrderEvent) -> Result<Option<ReservationState>, StoreError> {
        match event.change {
            OrderChange::Reserve if self.reservations.contains_key(&event.request.order_id) => Ok(None),
            OrderChange::Reserve => self.reserve(event).map(Some),
            OrderChange::Sell => self.sell(event),
            OrderChange::Release => self.release(event),
        }
    }

    fn reserve(&mut self, event: &OrderEvent) -> Result<ReservationState, StoreError> {
        let ReservationRequest { order_id, order_version, .. } = event.request;
        match reservation::decide(&event.request, &self.items) {
            Decision::Reserve(moves, events) => {
                self.insert(event, ReservationState::Held);
                self.envelopes.push(event.stamper.stamp(&StockReserved { order_id, order_version })?);
                self.move_stock(event, Transfer::StockToReserved, moves, &events)?;
                Ok(ReservationState::Held)
            }
            Decision::Refuse(refused_lines) => {
                self.insert(event, ReservationState::Refused);
                let rejected = StockRejected { order_id, order_version, refused_lines };
                self.envelopes.push(event.stamper.stamp(&rejected)?);
                Ok(ReservationState::Refused)
            }
        }
    }

    fn sell(&mut self, event: &OrderEvent) -> Result<Option<ReservationState>, StoreError> {
        let ReservationRequest { order_id, order_version, .. } = event.request;
        if !self.reservations.contains_key(&order_id) {
            let state = self.reserve(event)?;
            if state != ReservationState::Held {
                tracing::error!(order.id = %order_id,
                    "an order was sold without a reservation, and its stock is insufficient now");
                return Ok(Some(state));
            }
        }
        let Some(stored) = self.reservations.get_mut(&order_id) else { return Ok(None) };
        if stored.state != ReservationState::Held || stored.order_version > order_version {
            return Ok(None);
        }
        stored.move_to(ReservationState::Sold, order_version);
        let lines = stored.lines.clone();
        self.sold.push(lines.keys().copied().collect());
        self.move_units(event, Transfer::ReservedToSold, lines);
        Ok(Some(ReservationState::Sold))
    }

    fn release(&mut self, event: &OrderEvent) -> Result<Option<ReservationState>, StoreError> {
        let ReservationRequest { order_id, order_version, .. } = event.request;
        let Some(stored) = self.reservations.get_mut(&order_id) else {
            // The placement is still to come; the row keeps it from reserving.
            self.insert(event, ReservationState::CancelledBefore);
            return Ok(Some(ReservationState::CancelledBefore));
        };
        let transfer = match stored.state {
            _ if stored.order_version > order_version => return Ok(None),
            ReservationState::Held => Transfer::ReservedToStock,
            ReservationState::Sold => Transfer::SoldToStock,
            ReservationState::Released | ReservationState::Refused | ReservationState::CancelledBefore => {
                return Ok(None);
            }
        };
        let (moves, events) = reservation::release(&stored.lines, &self.items)?;
        stored.move_to(ReservationState::Released, order_version);
        self.move_stock(event, transfer, moves, &events)?;
        Ok(Some(ReservationState::Released))
    }

    fn insert(&mut self, event: &OrderEvent, state: ReservationState) {
        let ReservationRequest { order_id, order_version, lines } = &event.request;
        let lines = if state.has_units() { lines.clone() } else { BTreeMap::new() };
        self.reservations.insert(*order_id, Reservation::new(state, *order_version, lines));
    }

    /// Moves units from or to stock, with the events that this leads to.
    fn move_stock(
        &mut self,
        event: &OrderEvent,
        transfer: Transfer,
        moves: Vec<StockMove>,
        events: &[ProductEvent],
    ) -> Result<(), EventError> {
        self.move_units(event, transfer, moves.iter().map(|moved| (moved.item.product_id, moved.quantity)));
        for StockMove { item, is_published, .. } in moves {
            if is_published {
                self.units.entry(item.product_id).or_default().revision = Some(item.revision);
            }
            self.items.insert(item.product_id, item);
        }
        for published in events {
            self.envelopes.push(published.stamp(&event.stamper)?);
        }
        Ok(())
    }

    fn move_units(
        &mut self,
        event: &OrderEvent,
        transfer: Transfer,
        units: impl IntoIterator<Item = (ProductId, i64)>,
    ) {
        let units: Vec<(ProductId, i64)> = units.into_iter().collect();
        self.context.touched.moved(units.iter().map(|(product, _)| *product));
        for (product, quantity) in &units {
            self.units.entry(*product).or_default().add(transfer, *quantity);
        }
        let entry = ledger::Entry {
            kind: transfer.movement(),
            cause: &event.cause.event_id.to_string(),
            order_id: Some(event.request.order_id),
            at: self.context.now,
        };
        self.movements.extend(ledger::movements(&entry, units));
    }
}
