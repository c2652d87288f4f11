//! Reservations of orders: reserve, sell, release. Each writes its ledger entries and events, once for an event.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Set};
use souk_bus::{Cause, inbox, outbox};
use souk_events::{RefusedLine, StockRejected, StockReserved};
use souk_sql::{SqlError, Tx};
use souk_values::{Id, OrderId, ProductId};

use super::{
    ProductStore, StoreError, TxContext,
    entities::reservation::{ActiveModel, Column, Entity},
    ledger::{self, MovementKind},
    related,
    rows::damaged,
    stock::{self, Transfer},
};
use crate::{
    event::ProductEvent,
    reservation::{self, Decision, ReservationRequest, ReservationState, StockMove},
};

/// An event of an order, and what its transaction needs.
#[derive(Debug)]
struct OrderEvent {
    cause: Cause,
    request: ReservationRequest,
    context: TxContext,
}

#[derive(Debug)]
struct StoredReservation {
    state: ReservationState,
    /// Version of the order that led to `state`.
    order_version: i64,
    lines: BTreeMap<ProductId, i64>,
}

impl ProductStore {
    /// Reserves all units of an order or none. Returns the state reached; `None` when the order has a reservation
    /// already, or the event was recorded before.
    pub(crate) async fn reserve(
        &self,
        cause: Cause,
        request: ReservationRequest,
    ) -> Result<Option<ReservationState>, StoreError> {
        let event = OrderEvent { cause, request, context: self.tx_context() };
        self.db
            .write(event, |tx, event| {
                Box::pin(async move {
                    if !event.is_new(tx).await? || find(tx, event.request.order_id).await?.is_some() {
                        return Ok(None);
                    }
                    decide(tx, event).await.map(Some)
                })
            })
            .await
    }

    /// Turns an order's reserved units into sold ones. Returns the state reached; `None` when nothing changed.
    ///
    /// An order without a reservation is reserved first: its payment or shipment arrived before its placement.
    pub(crate) async fn sell(
        &self,
        cause: Cause,
        request: ReservationRequest,
    ) -> Result<Option<ReservationState>, StoreError> {
        let event = OrderEvent { cause, request, context: self.tx_context() };
        self.db.write(event, |tx, event| Box::pin(sell(tx, event))).await
    }

    /// Gives an order's units back to stock, reserved or sold. Returns the state reached; `None` when nothing changed.
    pub(crate) async fn release(
        &self,
        cause: Cause,
        request: ReservationRequest,
    ) -> Result<Option<ReservationState>, StoreError> {
        let event = OrderEvent { cause, request, context: self.tx_context() };
        self.db.write(event, |tx, event| Box::pin(release(tx, event))).await
    }
}

impl OrderEvent {
    async fn is_new(&self, tx: &Tx) -> Result<bool, SqlError> {
        inbox::record(tx, self.cause.queue, self.cause.event_id, self.context.now).await
    }

    async fn write_movements(
        &self,
        tx: &Tx,
        kind: MovementKind,
        units: impl IntoIterator<Item = (ProductId, i64)>,
    ) -> Result<(), SqlError> {
        let units: Vec<_> = units.into_iter().collect();
        self.context.touched.moved(units.iter().map(|(product, _)| *product));
        let cause = self.cause.event_id.to_string();
        let entry = ledger::Entry { kind, cause: &cause, order_id: Some(self.request.order_id), at: self.context.now };
        ledger::write(tx, &entry, units).await
    }
}

async fn find(tx: &Tx, order_id: OrderId) -> Result<Option<StoredReservation>, SqlError> {
    let row = Entity::find_by_id(order_id.get()).lock_exclusive().one(tx).await?;
    row.map(|row| {
        Ok(StoredReservation {
            state: ReservationState::named(&row.state).ok_or_else(|| damaged("reservation", &row.state))?,
            order_version: row.order_version,
            lines: serde_json::from_str(&row.order_lines).map_err(|error| damaged("reservation", error))?,
        })
    })
    .transpose()
}

async fn insert(tx: &Tx, event: &OrderEvent, state: ReservationState) -> Result<(), SqlError> {
    let none = BTreeMap::new();
    let lines = if state.has_units() { &event.request.lines } else { &none };
    let row = ActiveModel {
        order_id: Set(event.request.order_id.get()),
        state: Set(state.name().to_owned()),
        order_version: Set(event.request.order_version),
        order_lines: Set(serde_json::to_string(lines).map_err(|error| damaged("reservation", error))?),
        created_at: Set(event.context.now.millis()),
        updated_at: Set(event.context.now.millis()),
    };
    match Entity::insert(row).exec_without_returning(tx).await.map_err(SqlError::from) {
        // Another replica inserted the order's row since `find`: as `Busy`, the transaction runs again and finds it.
        Err(SqlError::Unique(message)) => Err(SqlError::Busy(message)),
        outcome => outcome.map(|_| ()),
    }
}

async fn move_to(tx: &Tx, event: &OrderEvent, state: ReservationState) -> Result<(), SqlError> {
    let change = ActiveModel {
        state: Set(state.name().to_owned()),
        order_version: Set(event.request.order_version),
        updated_at: Set(event.context.now.millis()),
        ..Default::default()
    };
    Entity::update_many().set(change).filter(Column::OrderId.eq(event.request.order_id.get())).exec(tx).await?;
    Ok(())
}

/// Decides under the locks of the products, and writes the decision.
async fn decide(tx: &Tx, event: &OrderEvent) -> Result<ReservationState, StoreError> {
    let items = stock::lock(tx, &event.request.lines, event.context.currency).await?;
    match reservation::decide(&event.request, &items) {
        Decision::Reserve(moves, events) => reserve(tx, event, &moves, &events).await,
        Decision::Refuse(lines) => refuse(tx, event, lines).await,
    }
}

async fn reserve(
    tx: &Tx,
    event: &OrderEvent,
    moves: &[StockMove],
    events: &[ProductEvent],
) -> Result<ReservationState, StoreError> {
    insert(tx, event, ReservationState::Held).await?;
    stock::apply(tx, moves, Transfer::StockToReserved).await?;
    event.write_movements(tx, MovementKind::Reserve, units(moves)).await?;
    let ReservationRequest { order_id, order_version, .. } = event.request;
    let mut envelopes = vec![event.context.stamper.stamp(&StockReserved { order_id, order_version })?];
    envelopes.extend(event.context.stamp(events)?);
    outbox::add(tx, &envelopes).await?;
    Ok(ReservationState::Held)
}

async fn refuse(tx: &Tx, event: &OrderEvent, refused_lines: Vec<RefusedLine>) -> Result<ReservationState, StoreError> {
    insert(tx, event, ReservationState::Refused).await?;
    let ReservationRequest { order_id, order_version, .. } = event.request;
    let rejected = event.context.stamper.stamp(&StockRejected { order_id, order_version, refused_lines })?;
    outbox::add(tx, &[rejected]).await?;
    Ok(ReservationState::Refused)
}

async fn sell(tx: &Tx, event: &OrderEvent) -> Result<Option<ReservationState>, StoreError> {
    if !event.is_new(tx).await? {
        return Ok(None);
    }
    let lines = match find(tx, event.request.order_id).await? {
        Some(stored)
            if stored.state == ReservationState::Held && stored.order_version <= event.request.order_version =>
        {
            stored.lines
        }
        Some(_) => return Ok(None),
        None => match decide(tx, event).await? {
            ReservationState::Held => event.request.lines.clone(),
            state => {
                tracing::error!(order.id = %event.request.order_id,
                    "an order was sold without a reservation, and its stock is insufficient now");
                return Ok(Some(state));
            }
        },
    };
    move_to(tx, event, ReservationState::Sold).await?;
    stock::sell(tx, &lines).await?;
    related::count(tx, lines.keys().copied(), event.context.now).await?;
    event.write_movements(tx, MovementKind::Sell, lines).await?;
    Ok(Some(ReservationState::Sold))
}

async fn release(tx: &Tx, event: &OrderEvent) -> Result<Option<ReservationState>, StoreError> {
    if !event.is_new(tx).await? {
        return Ok(None);
    }
    let Some(stored) = find(tx, event.request.order_id).await? else {
        // The placement is still to come; the row keeps it from reserving.
        insert(tx, event, ReservationState::CancelledBefore).await?;
        return Ok(Some(ReservationState::CancelledBefore));
    };
    let (kind, transfer) = match stored.state {
        _ if stored.order_version > event.request.order_version => return Ok(None),
        ReservationState::Held => (MovementKind::Release, Transfer::ReservedToStock),
        ReservationState::Sold => (MovementKind::Return, Transfer::SoldToStock),
        ReservationState::Released | ReservationState::Refused | ReservationState::CancelledBefore => return Ok(None),
    };
    let items = stock::lock(tx, &stored.lines, event.context.currency).await?;
    let (moves, events) = reservation::release(&stored.lines, &items)?;
    move_to(tx, event, ReservationState::Released).await?;
    stock::apply(tx, &moves, transfer).await?;
    event.write_movements(tx, kind, units(&moves)).await?;
    outbox::add(tx, &event.context.stamp(&events)?).await?;
    Ok(Some(ReservationState::Released))
}

fn units(moves: &[StockMove]) -> impl Iterator<Item = (ProductId, i64)> {
    moves.iter().map(|moved| (moved.item.product_id, moved.quantity))
}
