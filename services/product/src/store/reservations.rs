//! Rows of reservations: read under a lock, inserted, and moved to another state.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use souk_sql::{SqlError, Tx};
use souk_values::{Id, OrderId, ProductId, Timestamp};

use super::{
    entities::reservation::{ActiveModel, Column, Entity, Model},
    rows::{damaged, id},
};
use crate::reservation::ReservationState;

/// A reservation within a transaction.
#[derive(Debug)]
pub(super) struct Reservation {
    pub state: ReservationState,
    /// Version of the order that led to `state`.
    pub order_version: i64,
    pub lines: BTreeMap<ProductId, i64>,
    row: RowState,
}

/// State of a reservation's row compared with the reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowState {
    Current,
    Outdated,
    Absent,
}

impl Reservation {
    /// Returns a reservation that has no row yet.
    pub(super) fn new(state: ReservationState, order_version: i64, lines: BTreeMap<ProductId, i64>) -> Self {
        Self { state, order_version, lines, row: RowState::Absent }
    }

    /// Sets the state that version `order_version` of the order leads to.
    pub(super) fn move_to(&mut self, state: ReservationState, order_version: i64) {
        self.state = state;
        self.order_version = order_version;
        if self.row == RowState::Current {
            self.row = RowState::Outdated;
        }
    }

    fn read(row: &Model) -> Result<Self, SqlError> {
        Ok(Self {
            state: ReservationState::named(&row.state).ok_or_else(|| damaged("reservation", &row.state))?,
            order_version: row.order_version,
            lines: serde_json::from_str(&row.order_lines).map_err(|error| damaged("reservation", error))?,
            row: RowState::Current,
        })
    }
}

/// Locks the reservations of `orders` in the order of their ids, and returns those that exist.
pub(super) async fn lock(
    tx: &Tx,
    orders: impl IntoIterator<Item = OrderId>,
) -> Result<BTreeMap<OrderId, Reservation>, SqlError> {
    let rows = Entity::find()
        .filter(Column::OrderId.is_in(orders.into_iter().map(Id::get)))
        .order_by_asc(Column::OrderId)
        .lock_exclusive()
        .all(tx)
        .await?;
    rows.iter().map(|row| Ok((id(row.order_id)?, Reservation::read(row)?))).collect()
}

/// Writes the reservations whose rows are absent or outdated: one statement for all inserted rows, and one for those that
/// have the same state and order version.
pub(super) async fn write(
    tx: &Tx,
    reservations: &BTreeMap<OrderId, Reservation>,
    now: Timestamp,
) -> Result<(), SqlError> {
    let of = |row: RowState| reservations.iter().filter(move |(_, reservation)| reservation.row == row);
    let absent: Vec<ActiveModel> =
        of(RowState::Absent).map(|(order, reservation)| new_row(*order, reservation, now)).collect::<Result<_, _>>()?;
    if !absent.is_empty() {
        match Entity::insert_many(absent).exec_without_returning(tx).await.map_err(SqlError::from) {
            // Another replica inserted an order's row since `lock`: as `Busy`, the transaction runs again and finds it.
            Err(SqlError::Unique(message)) => return Err(SqlError::Busy(message)),
            outcome => outcome.map(|_| ())?,
        }
    }
    let mut outdated = BTreeMap::<(&str, i64), Vec<i64>>::new();
    for (order, reservation) in of(RowState::Outdated) {
        outdated.entry((reservation.state.name(), reservation.order_version)).or_default().push(order.get());
    }
    for ((state, order_version), orders) in outdated {
        let change = ActiveModel {
            state: Set(state.to_owned()),
            order_version: Set(order_version),
            updated_at: Set(now.millis()),
            ..Default::default()
        };
        Entity::update_many().set(change).filter(Column::OrderId.is_in(orders)).exec(tx).await?;
    }
    Ok(())
}

fn new_row(order_id: OrderId, reservation: &Reservation, now: Timestamp) -> Result<ActiveModel, SqlError> {
    Ok(ActiveModel {
        order_id: Set(order_id.get()),
        state: Set(reservation.state.name().to_owned()),
        order_version: Set(reservation.order_version),
        order_lines: Set(serde_json::to_string(&reservation.lines).map_err(|error| damaged("reservation", error))?),
        created_at: Set(now.millis()),
        updated_at: Set(now.millis()),
    })
}
