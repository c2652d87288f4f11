//! Writes of the store on SQL Server, within a transaction that the pool began.

use souk_bus::Cause;
use souk_events::Envelope;
use souk_sql::SqlError;
use souk_values::Timestamp;
use tiberius::Query;

use super::{
    cells::{optional_time, time},
    connection::Connection,
    query, statements,
};
use crate::store::{
    Change, Saved, StoreError,
    changed_rows::{ChangedRow, changed_rows},
    entities::{payment, payment_refund},
    rows,
};

/// Primary key of the inbox, which refuses an event that was applied before.
pub(super) const INBOX_KEY: &str = "pk_inbox_event";

pub(super) async fn save(connection: &mut Connection, change: &Change) -> Result<Saved, StoreError> {
    if let Some(cause) = change.cause {
        // Recorded first, so that a duplicate is recognised before anything else can conflict; and with the error as it
        // is, because the key that it names identifies a duplicate.
        connection.execute(record_event(cause, change.now)?).await.map_err(StoreError::Sql)?;
    }
    save_order(connection, change).await?;
    for row in changed_rows(change) {
        save_row(connection, row).await?;
    }
    for event in &change.events {
        connection.execute(insert_event(event)?).await?;
    }
    Ok(Saved::Done)
}

fn record_event(cause: Cause, now: Timestamp) -> Result<Query<'static>, SqlError> {
    let mut query = query(statements::RECORD_EVENT, cause.queue);
    query.bind(cause.event_id.to_string());
    query.bind(time(now.millis())?);
    Ok(query)
}

/// Advances the row version of the order. Of two changes with the same version, the second finds no row.
async fn save_order(connection: &mut Connection, Change { before, after, .. }: &Change) -> Result<(), StoreError> {
    let known = before.as_ref().map(|before| before.row_version);
    let row = rows::known_order(&after.order, known.map_or(1, |version| version.saturating_add(1)));
    let sql = if known.is_some() { statements::UPDATE_ORDER } else { statements::INSERT_ORDER };
    let mut query = Query::new(sql);
    query.bind(row.order_id);
    query.bind(row.user_id);
    query.bind(row.amount_minor);
    query.bind(row.currency);
    query.bind(row.terms);
    query.bind(row.state);
    query.bind(optional_time(row.pay_by)?);
    query.bind(row.version);
    query.bind(row.row_version);
    match known {
        None => {
            connection.execute(query).await?;
            Ok(())
        }
        Some(version) => {
            query.bind(version);
            found(connection.row(query).await?.is_some())
        }
    }
}

async fn save_row(connection: &mut Connection, row: ChangedRow) -> Result<(), StoreError> {
    let (query, is_new) = match row {
        ChangedRow::NewPayment(row) => (insert_payment(row)?, true),
        ChangedRow::NewRefund(row) => (insert_refund(row)?, true),
        ChangedRow::Payment(row) => (update_payment(row)?, false),
        ChangedRow::Refund(row, None) => (update_refund(row)?, false),
        ChangedRow::Refund(row, Some(next_query)) => {
            let mut query = Query::new(statements::UPDATE_REFUND_AND_TURN);
            bind_refund(&mut query, row)?;
            query.bind(time(next_query.millis())?);
            (query, false)
        }
    };
    if is_new {
        connection.execute(query).await?;
        return Ok(());
    }
    // The service deletes no row, so one that vanished since it was read means another or a damaged store.
    found(connection.row(query).await?.is_some())
}

fn found(is_there: bool) -> Result<(), StoreError> {
    if is_there { Ok(()) } else { Err(StoreError::Conflict) }
}

fn insert_payment(row: payment::Model) -> Result<Query<'static>, SqlError> {
    let mut query = query(statements::INSERT_PAYMENT, row.payment_id);
    query.bind(row.order_id);
    query.bind(row.user_id);
    query.bind(row.amount_minor);
    query.bind(row.currency);
    query.bind(row.status);
    query.bind(row.failure_code);
    query.bind(time(row.claimed_at)?);
    query.bind(optional_time(row.captured_at)?);
    query.bind(row.version);
    query.bind(row.key_hash);
    query.bind(row.body_hash);
    query.bind(row.provider);
    query.bind(row.provider_account);
    Ok(query)
}

fn update_payment(row: payment::Model) -> Result<Query<'static>, SqlError> {
    let mut query = query(statements::UPDATE_PAYMENT, row.payment_id);
    query.bind(row.status);
    query.bind(row.failure_code);
    query.bind(optional_time(row.captured_at)?);
    query.bind(row.version);
    Ok(query)
}

fn insert_refund(row: payment_refund::Model) -> Result<Query<'static>, SqlError> {
    let mut query = query(statements::INSERT_REFUND, row.refund_id);
    query.bind(row.payment_id);
    query.bind(row.order_id);
    query.bind(row.amount_minor);
    query.bind(row.currency);
    query.bind(row.status);
    query.bind(time(row.due_at)?);
    query.bind(optional_time(row.settled_at)?);
    query.bind(row.asked_by);
    query.bind(row.key_hash);
    query.bind(row.body_hash);
    query.bind(row.attempt);
    query.bind(optional_time(row.answered_at)?);
    Ok(query)
}

fn update_refund(row: payment_refund::Model) -> Result<Query<'static>, SqlError> {
    let mut query = Query::new(statements::UPDATE_REFUND);
    bind_refund(&mut query, row)?;
    Ok(query)
}

fn bind_refund(query: &mut Query<'static>, row: payment_refund::Model) -> Result<(), SqlError> {
    query.bind(row.refund_id);
    query.bind(row.status);
    query.bind(optional_time(row.settled_at)?);
    query.bind(row.attempt);
    query.bind(optional_time(row.answered_at)?);
    Ok(())
}

fn insert_event(event: &Envelope) -> Result<Query<'static>, SqlError> {
    let envelope = serde_json::to_string(event).map_err(|error| SqlError::Failed(error.to_string()))?;
    let mut query = query(statements::INSERT_EVENT, event.id.to_string());
    query.bind(event.event_type.clone());
    query.bind(time(event.time.millis())?);
    query.bind(envelope);
    // No lease.
    query.bind(time(Timestamp::EPOCH.millis())?);
    Ok(query)
}

/// Deletes at most `batch` of the inbox events received before `before`; returns their number.
pub(super) async fn purge_inbox(connection: &mut Connection, before: Timestamp, batch: i64) -> Result<u64, StoreError> {
    let mut query = query(statements::PURGE_INBOX, batch);
    query.bind(time(before.millis())?);
    Ok(connection.execute(query).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(sql: &str) -> usize {
        let words: Vec<_> = sql.split(['@', ',', ' ', ')', ';']).collect();
        (1..100).take_while(|number| words.contains(&format!("P{number}").as_str())).count()
    }

    #[test]
    fn every_parameter_is_bound() {
        let payment = payment::Model {
            payment_id: 1,
            order_id: 2,
            active_order_id: Some(2),
            user_id: 3,
            amount_minor: 4,
            currency: "EUR".to_owned(),
            status: "processing".to_owned(),
            failure_code: None,
            claimed_at: 0,
            claimed_day: 0,
            captured_at: None,
            version: 1,
            key_hash: "k".to_owned(),
            body_hash: "b".to_owned(),
            provider: Some("sandbox".to_owned()),
            provider_account: Some("sandbox".to_owned()),
        };
        let refund = payment_refund::Model {
            refund_id: 1,
            payment_id: 2,
            order_id: 3,
            amount_minor: 4,
            currency: "EUR".to_owned(),
            status: "processing".to_owned(),
            due_at: 0,
            settled_at: None,
            settled_day: None,
            asked_by: None,
            key_hash: None,
            body_hash: None,
            attempt: 1,
            answered_at: None,
        };
        assert_eq!(parameters(statements::INSERT_PAYMENT), 14);
        assert_eq!(insert_payment(payment.clone()).unwrap().param_count(), parameters(statements::INSERT_PAYMENT));
        assert_eq!(update_payment(payment).unwrap().param_count(), parameters(statements::UPDATE_PAYMENT));
        assert_eq!(insert_refund(refund.clone()).unwrap().param_count(), parameters(statements::INSERT_REFUND));
        assert_eq!(update_refund(refund).unwrap().param_count(), parameters(statements::UPDATE_REFUND));
        let cause = Cause { queue: "q", event_id: uuid::Uuid::nil() };
        let recorded = record_event(cause, Timestamp::EPOCH).unwrap();
        assert_eq!(recorded.param_count(), parameters(statements::RECORD_EVENT));
    }
}
