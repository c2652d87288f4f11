//! Conversions of SQL Server's cells and rows. Times are `datetime2` in UTC, in whole milliseconds.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use souk_sql::SqlError;
use souk_values::{BusinessDay, Timestamp, UtcDay};
use tiberius::{FromSql, Row};

use crate::store::entities::{known_order, payment, payment_refund};

/// Reads the cell `name`; `None` for NULL.
pub(super) fn optional<'r, T: FromSql<'r>>(row: &'r Row, name: &'static str) -> Result<Option<T>, SqlError> {
    row.try_get(name).map_err(|error| SqlError::Failed(format!("the column {name} cannot be read: {error}")))
}

/// Reads the cell `name`, which the table declares NOT NULL.
pub(super) fn required<'r, T: FromSql<'r>>(row: &'r Row, name: &'static str) -> Result<T, SqlError> {
    optional(row, name)?.ok_or_else(|| SqlError::Failed(format!("the column {name} is NULL")))
}

pub(super) fn text(row: &Row, name: &'static str) -> Result<String, SqlError> {
    required::<&str>(row, name).map(str::to_owned)
}

pub(super) fn optional_text(row: &Row, name: &'static str) -> Result<Option<String>, SqlError> {
    Ok(optional::<&str>(row, name)?.map(str::to_owned))
}

pub(super) fn count(row: &Row, name: &'static str) -> Result<u64, SqlError> {
    let count: i64 = required(row, name)?;
    u64::try_from(count).map_err(|_| SqlError::Failed(format!("{name} has the negative count {count}")))
}

/// Reads a time as milliseconds since 1970.
pub(super) fn millis(row: &Row, name: &'static str) -> Result<i64, SqlError> {
    required::<NaiveDateTime>(row, name).map(|time| time.and_utc().timestamp_millis())
}

pub(super) fn optional_millis(row: &Row, name: &'static str) -> Result<Option<i64>, SqlError> {
    Ok(optional::<NaiveDateTime>(row, name)?.map(|time| time.and_utc().timestamp_millis()))
}

pub(super) fn day(row: &Row, name: &'static str) -> Result<BusinessDay, SqlError> {
    let date: NaiveDate = required(row, name)?;
    Ok(BusinessDay::from_number(i64::from(date.to_epoch_days())))
}

/// Converts milliseconds since 1970 to a parameter.
pub(super) fn time(millis: i64) -> Result<NaiveDateTime, SqlError> {
    let time = DateTime::from_timestamp_millis(Timestamp::from_millis(millis).millis());
    time.map(|time| time.naive_utc())
        .ok_or_else(|| SqlError::Failed(format!("{millis} ms since 1970 cannot be stored as a time")))
}

pub(super) fn optional_time(millis: Option<i64>) -> Result<Option<NaiveDateTime>, SqlError> {
    millis.map(time).transpose()
}

pub(super) fn order(row: &Row) -> Result<known_order::Model, SqlError> {
    Ok(known_order::Model {
        order_id: required(row, "order_id")?,
        user_id: required(row, "user_id")?,
        amount_minor: required(row, "amount_minor")?,
        currency: text(row, "currency")?,
        terms: text(row, "terms")?,
        state: text(row, "state")?,
        pay_by: optional_millis(row, "pay_by")?,
        version: required(row, "version")?,
        row_version: required(row, "row_version")?,
    })
}

pub(super) fn payment(row: &Row) -> Result<payment::Model, SqlError> {
    let order_id = required(row, "order_id")?;
    let claimed_at = millis(row, "claimed_at")?;
    let failure_code = optional_text(row, "failure_code")?;
    Ok(payment::Model {
        payment_id: required(row, "payment_id")?,
        order_id,
        // Not a column on SQL Server: there the filter of the unique index excludes failed payments.
        active_order_id: failure_code.is_none().then_some(order_id),
        user_id: required(row, "user_id")?,
        amount_minor: required(row, "amount_minor")?,
        currency: text(row, "currency")?,
        status: text(row, "status")?,
        failure_code,
        claimed_at,
        claimed_day: UtcDay::of(Timestamp::from_millis(claimed_at)).number(),
        captured_at: optional_millis(row, "captured_at")?,
        version: required(row, "version")?,
        key_hash: text(row, "key_hash")?,
        body_hash: text(row, "body_hash")?,
        provider: optional_text(row, "provider")?,
        provider_account: optional_text(row, "provider_account")?,
    })
}

pub(super) fn payments(rows: &[Row]) -> Result<Vec<payment::Model>, SqlError> {
    rows.iter().map(payment).collect()
}

pub(super) fn refunds(rows: &[Row]) -> Result<Vec<payment_refund::Model>, SqlError> {
    rows.iter().map(refund).collect()
}

pub(super) fn refund(row: &Row) -> Result<payment_refund::Model, SqlError> {
    let settled_at = optional_millis(row, "settled_at")?;
    Ok(payment_refund::Model {
        refund_id: required(row, "refund_id")?,
        payment_id: required(row, "payment_id")?,
        order_id: required(row, "order_id")?,
        amount_minor: required(row, "amount_minor")?,
        currency: text(row, "currency")?,
        status: text(row, "status")?,
        due_at: millis(row, "due_at")?,
        settled_at,
        settled_day: settled_at.map(|at| UtcDay::of(Timestamp::from_millis(at)).number()),
        asked_by: optional(row, "asked_by")?,
        key_hash: optional_text(row, "key_hash")?,
        body_hash: optional_text(row, "body_hash")?,
        attempt: required(row, "attempt")?,
        answered_at: optional_millis(row, "answered_at")?,
    })
}

#[cfg(test)]
mod tests {
    use tiberius::{
        ColumnData, ColumnType,
        time::{Date, DateTime2, Time},
    };

    use super::*;

    /// Returns 2026-01-31T12:00:00.123Z as a server sends a `datetime2(3)`: days since 0001-01-01, milliseconds of the day.
    fn at() -> ColumnData<'static> {
        let days = NaiveDate::from_ymd_opt(2026, 1, 31).unwrap().to_epoch_days() + 719_162;
        let time = Time::new(43_200_123, 3);
        ColumnData::DateTime2(Some(DateTime2::new(Date::new(u32::try_from(days).unwrap()), time)))
    }

    const AT: i64 = 1_769_860_800_123;

    fn big(number: i64) -> ColumnData<'static> {
        ColumnData::I64(Some(number))
    }

    fn words(words: &'static str) -> ColumnData<'static> {
        ColumnData::String(Some(words.into()))
    }

    fn row(cells: &[(&str, ColumnData<'static>)]) -> Row {
        let cells = cells.iter().cloned();
        cells.fold(Row::builder(), |row, (name, cell)| row.column(name, ColumnType::NVarchar, cell)).build()
    }

    fn payment_cells() -> Vec<(&'static str, ColumnData<'static>)> {
        vec![
            ("payment_id", big(7)),
            ("order_id", big(8)),
            ("user_id", big(9)),
            ("amount_minor", big(1_999)),
            ("currency", words("EUR")),
            ("status", words("succeeded")),
            ("failure_code", ColumnData::String(None)),
            ("claimed_at", at()),
            ("captured_at", at()),
            ("version", big(2)),
            ("key_hash", words("k")),
            ("body_hash", words("b")),
            ("provider", words("stripe")),
            ("provider_account", words("acct_1")),
        ]
    }

    #[test]
    fn a_payment_is_read_by_column_name() {
        let read = payment(&row(&payment_cells())).unwrap();
        let expected = payment::Model {
            payment_id: 7,
            order_id: 8,
            active_order_id: Some(8),
            user_id: 9,
            amount_minor: 1_999,
            currency: "EUR".to_owned(),
            status: "succeeded".to_owned(),
            failure_code: None,
            claimed_at: AT,
            claimed_day: 20_484,
            captured_at: Some(AT),
            version: 2,
            key_hash: "k".to_owned(),
            body_hash: "b".to_owned(),
            provider: Some("stripe".to_owned()),
            provider_account: Some("acct_1".to_owned()),
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn an_error_names_the_column_that_is_missing_null_or_of_another_type() {
        for (name, cell) in [("amount_minor", words("many")), ("version", ColumnData::I64(None))] {
            let mut cells = payment_cells();
            cells.iter_mut().find(|(column, _)| *column == name).unwrap().1 = cell;
            assert!(payment(&row(&cells)).unwrap_err().to_string().contains(name));
        }
        let cells: Vec<_> = payment_cells().into_iter().filter(|(name, _)| *name != "status").collect();
        assert!(payment(&row(&cells)).unwrap_err().to_string().contains("status"));
    }

    #[test]
    fn an_order_and_a_refund_are_read_with_their_nulls() {
        let cells = [
            ("order_id", big(8)),
            ("user_id", big(9)),
            ("amount_minor", big(5)),
            ("currency", words("EUR")),
            ("terms", words("prepaid")),
            ("state", words("created")),
            ("pay_by", ColumnData::DateTime2(None)),
            ("version", big(1)),
            ("row_version", big(3)),
        ];
        let read = order(&row(&cells)).unwrap();
        assert_eq!((read.pay_by, read.row_version), (None, 3));
        let cells = [
            ("refund_id", big(1)),
            ("payment_id", big(7)),
            ("order_id", big(8)),
            ("amount_minor", big(5)),
            ("currency", words("EUR")),
            ("status", words("succeeded")),
            ("due_at", at()),
            ("settled_at", at()),
            ("asked_by", ColumnData::I64(None)),
            ("key_hash", ColumnData::String(None)),
            ("body_hash", ColumnData::String(None)),
            ("attempt", big(2)),
            ("answered_at", at()),
        ];
        let read = refund(&row(&cells)).unwrap();
        assert_eq!((read.due_at, read.settled_at, read.settled_day), (AT, Some(AT), Some(20_484)));
        assert_eq!((read.asked_by, read.key_hash), (None, None));
        assert_eq!((read.attempt, read.answered_at), (2, Some(AT)));
    }

    #[test]
    fn times_survive_a_round_trip() {
        for at in [0, AT, Timestamp::from_millis(i64::MAX).millis()] {
            assert_eq!(time(at).unwrap().and_utc().timestamp_millis(), at);
        }
        let date = Date::new(u32::try_from(719_162 + 20_484).unwrap());
        assert_eq!(day(&row(&[("d", ColumnData::Date(Some(date)))]), "d").unwrap(), BusinessDay::from_number(20_484));
    }
}
