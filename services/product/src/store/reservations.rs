//! Orders' reservations: taken, sold, given back; each with its ledger entries and events, once per event.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Set};
use souk_bus::{inbox, outbox};
use souk_events::{RefusedLine, StockRejected, StockReserved};
use souk_sql::{SqlError, Tx};
use souk_values::{Id, OrderId, ProductId};
use uuid::Uuid;

use super::{
    ProductStore, StoreError, Telling,
    entities::reservation::{ActiveModel, Column, Entity},
    ledger::{self, Kind},
    rows::damaged,
    shelves::{self, Route},
};
use crate::{
    news::News,
    reservation::{self, Decision, Moved, State, Wanted},
};

/// The event that asks.
#[derive(Debug, Clone, Copy)]
pub struct Cause {
    /// Where it came from.
    pub queue: &'static str,
    /// Its id.
    pub event_id: Uuid,
}

/// One event's work.
#[derive(Debug)]
struct Act {
    cause: Cause,
    wanted: Wanted,
    telling: Telling,
}

/// A reservation as stored.
#[derive(Debug)]
struct Stored {
    state: State,
    order_version: i64,
    lines: BTreeMap<ProductId, i64>,
}

impl ProductStore {
    /// Sets aside what an order wants, all of it or nothing. Answers the state it came to, or nothing
    /// when the order was dealt with before.
    pub(crate) async fn reserve(&self, cause: Cause, wanted: Wanted) -> Result<Option<State>, StoreError> {
        let act = Act { cause, wanted, telling: self.telling() };
        self.db
            .write(act, |tx, act| {
                Box::pin(async move {
                    if !act.is_new(tx).await? || find(tx, act.wanted.order_id).await?.is_some() {
                        return Ok(None);
                    }
                    take(tx, act).await.map(Some)
                })
            })
            .await
    }

    /// Turns an order's units into sold ones. Answers the state it came to, or nothing when it was so.
    ///
    /// An order that was never heard of is taken at once: that it is paid or shipped says that it was placed.
    pub(crate) async fn sell(&self, cause: Cause, wanted: Wanted) -> Result<Option<State>, StoreError> {
        let act = Act { cause, wanted, telling: self.telling() };
        self.db.write(act, |tx, act| Box::pin(sell(tx, act))).await
    }

    /// Gives an order's units back, set aside or sold. Answers the state it came to, or nothing when it
    /// has none.
    pub(crate) async fn give_back(&self, cause: Cause, wanted: Wanted) -> Result<Option<State>, StoreError> {
        let act = Act { cause, wanted, telling: self.telling() };
        self.db.write(act, |tx, act| Box::pin(give_back(tx, act))).await
    }
}

impl Act {
    async fn is_new(&self, tx: &Tx) -> Result<bool, SqlError> {
        inbox::first_time(tx, self.cause.queue, self.cause.event_id, self.telling.now).await
    }

    async fn enter(
        &self,
        tx: &Tx,
        kind: Kind,
        units: impl IntoIterator<Item = (ProductId, i64)>,
    ) -> Result<(), SqlError> {
        let cause = self.cause.event_id.to_string();
        let entry = ledger::Entry { kind, cause: &cause, order_id: Some(self.wanted.order_id), at: self.telling.now };
        ledger::write(tx, &entry, units).await
    }
}

async fn find(tx: &Tx, order_id: OrderId) -> Result<Option<Stored>, SqlError> {
    let row = Entity::find_by_id(order_id.get()).lock_exclusive().one(tx).await?;
    row.map(|row| {
        Ok(Stored {
            state: State::from_text(&row.state).ok_or_else(|| damaged("reservation", &row.state))?,
            order_version: row.order_version,
            lines: serde_json::from_str(&row.order_lines).map_err(|error| damaged("reservation", error))?,
        })
    })
    .transpose()
}

/// Another replica may insert the same order's row meanwhile; then this transaction runs again and finds it.
async fn insert(tx: &Tx, act: &Act, state: State) -> Result<(), SqlError> {
    let none = BTreeMap::new();
    let lines = if state.has_units() { &act.wanted.lines } else { &none };
    let row = ActiveModel {
        order_id: Set(act.wanted.order_id.get()),
        state: Set(state.text().to_owned()),
        order_version: Set(act.wanted.order_version),
        order_lines: Set(serde_json::to_string(lines).map_err(|error| damaged("reservation", error))?),
        created_at: Set(act.telling.now.millis()),
        updated_at: Set(act.telling.now.millis()),
    };
    match Entity::insert(row).exec_without_returning(tx).await.map_err(SqlError::from) {
        Err(SqlError::Unique(message)) => Err(SqlError::Busy(message)),
        outcome => outcome.map(|_| ()),
    }
}

async fn move_to(tx: &Tx, act: &Act, state: State) -> Result<(), SqlError> {
    let change = ActiveModel {
        state: Set(state.text().to_owned()),
        order_version: Set(act.wanted.order_version),
        updated_at: Set(act.telling.now.millis()),
        ..Default::default()
    };
    Entity::update_many().set(change).filter(Column::OrderId.eq(act.wanted.order_id.get())).exec(tx).await?;
    Ok(())
}

/// Decides under the products' locks, and writes what was decided.
async fn take(tx: &Tx, act: &Act) -> Result<State, StoreError> {
    let shelves = shelves::lock(tx, &act.wanted.lines, act.telling.currency).await?;
    match reservation::decide(&act.wanted, &shelves) {
        Decision::Reserve(moved, news) => reserved(tx, act, &moved, &news).await,
        Decision::Refuse(lines) => refused(tx, act, lines).await,
    }
}

async fn reserved(tx: &Tx, act: &Act, moved: &[Moved], news: &[News]) -> Result<State, StoreError> {
    insert(tx, act, State::Held).await?;
    shelves::apply(tx, moved, Route::Take).await?;
    act.enter(tx, Kind::Reserve, moved.iter().map(|moved| (moved.shelf.product_id, moved.quantity))).await?;
    let Wanted { order_id, order_version, .. } = act.wanted;
    let mut envelopes = vec![act.telling.stamper.stamp(&StockReserved { order_id, order_version })?];
    envelopes.extend(act.telling.stamp(news)?);
    outbox::add(tx, &envelopes).await?;
    Ok(State::Held)
}

async fn refused(tx: &Tx, act: &Act, refused_lines: Vec<RefusedLine>) -> Result<State, StoreError> {
    insert(tx, act, State::Refused).await?;
    let Wanted { order_id, order_version, .. } = act.wanted;
    let told = act.telling.stamper.stamp(&StockRejected { order_id, order_version, refused_lines })?;
    outbox::add(tx, &[told]).await?;
    Ok(State::Refused)
}

async fn sell(tx: &Tx, act: &Act) -> Result<Option<State>, StoreError> {
    if !act.is_new(tx).await? {
        return Ok(None);
    }
    let lines = match find(tx, act.wanted.order_id).await? {
        Some(stored) if stored.state == State::Held && stored.order_version <= act.wanted.order_version => stored.lines,
        Some(_) => return Ok(None),
        None => match take(tx, act).await? {
            State::Held => act.wanted.lines.clone(),
            state => {
                tracing::error!(order.id = %act.wanted.order_id, "a sold order was never reserved, and cannot be now");
                return Ok(Some(state));
            }
        },
    };
    move_to(tx, act, State::Sold).await?;
    shelves::sell(tx, &lines).await?;
    act.enter(tx, Kind::Sell, lines).await?;
    Ok(Some(State::Sold))
}

async fn give_back(tx: &Tx, act: &Act) -> Result<Option<State>, StoreError> {
    if !act.is_new(tx).await? {
        return Ok(None);
    }
    let Some(stored) = find(tx, act.wanted.order_id).await? else {
        insert(tx, act, State::CancelledBefore).await?;
        return Ok(Some(State::CancelledBefore));
    };
    let (kind, route) = match stored.state {
        _ if stored.order_version > act.wanted.order_version => return Ok(None),
        State::Held => (Kind::Release, Route::PutBackHeld),
        State::Sold => (Kind::Return, Route::PutBackSold),
        State::Released | State::Refused | State::CancelledBefore => return Ok(None),
    };
    let shelves = shelves::lock(tx, &stored.lines, act.telling.currency).await?;
    let (moved, news) = reservation::give_back(&stored.lines, &shelves);
    move_to(tx, act, State::Released).await?;
    shelves::apply(tx, &moved, route).await?;
    act.enter(tx, kind, moved.iter().map(|moved| (moved.shelf.product_id, moved.quantity))).await?;
    outbox::add(tx, &act.telling.stamp(&news)?).await?;
    Ok(Some(State::Released))
}
