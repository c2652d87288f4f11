//! Rows and events as the server sends them.

use souk_bus::Outbox;
use souk_sql::Access;

use super::{Case, Cell, FakeServer, MssqlStore, Response, database, sql, store, wait_for};
use crate::{
    payment::{Outcome, RefundStatus},
    provider_account::ProviderAccount,
    store::{Maintenance, Payments, Reports},
};

#[tokio::test]
async fn the_audit_reads_one_snapshot() {
    for (state, begin) in [(1, sql::BEGIN_SNAPSHOT), (0, sql::BEGIN_SERIALIZABLE), (3, sql::BEGIN_SERIALIZABLE)] {
        let server = FakeServer::start().await;
        server.respond(sql::DATABASE, database(state, 0));
        let store = MssqlStore::open_at(server.address(), Access::ReadOnly).await.unwrap();
        server.clear();
        let backlog = vec![Cell::Big(Some(3)), Cell::Time(Some(1_769_860_800_123))];
        server.respond(sql::BACKLOG, Response::Rows(&["pending", "oldest"], vec![backlog]));
        assert_eq!(store.audit_snapshot().await.unwrap(), (Vec::new(), 3));
        assert_eq!(server.statements(), [begin, sql::EVERY_PAYMENT, sql::EVERY_REFUND, sql::BACKLOG, sql::COMMIT]);
        assert!(server.requests()[1..].iter().all(|request| request.is_in_transaction));
    }
}

#[tokio::test]
async fn order_payments_are_read_as_the_server_sends_them() {
    const AT: i64 = 1_769_860_800_123;
    let (server, store) = store().await;
    let big = |number| Cell::Big(Some(number));
    let text = |text| Cell::Text(Some(text));
    let order = vec![
        big(8),
        big(9),
        big(1_999),
        text("EUR"),
        text("prepaid"),
        text("confirmed"),
        Cell::Time(Some(AT)),
        big(2),
        big(5),
    ];
    let columns =
        &["order_id", "user_id", "amount_minor", "currency", "terms", "state", "pay_by", "version", "row_version"];
    server.respond(sql::ORDER, Response::Rows(columns, vec![order]));
    let columns = &[
        "payment_id",
        "order_id",
        "user_id",
        "amount_minor",
        "currency",
        "status",
        "failure_code",
        "claimed_at",
        "captured_at",
        "version",
        "key_hash",
        "body_hash",
        "provider",
        "provider_account",
    ];
    let payment = |id, status, code, captured| {
        vec![
            big(id),
            big(8),
            big(9),
            big(1_999),
            text("EUR"),
            text(status),
            Cell::Text(code),
            Cell::Time(Some(AT)),
            Cell::Time(captured),
            big(2),
            text("k"),
            text("b"),
            text("stripe"),
            text("acct_1"),
        ]
    };
    let rows = vec![payment(6, "failed", Some("card_declined"), None), payment(7, "succeeded", None, Some(AT + 1))];
    server.respond(sql::PAYMENTS_OF_ORDER, Response::Rows(columns, rows));
    let columns = &[
        "refund_id",
        "payment_id",
        "order_id",
        "amount_minor",
        "currency",
        "status",
        "due_at",
        "settled_at",
        "asked_by",
        "key_hash",
        "body_hash",
        "attempt",
        "answered_at",
    ];
    let refund = vec![
        big(3),
        big(7),
        big(8),
        big(500),
        text("EUR"),
        text("processing"),
        Cell::Time(Some(AT)),
        Cell::Time(None),
        Cell::Big(None),
        Cell::Text(None),
        Cell::Text(None),
        big(2),
        Cell::Time(Some(AT)),
    ];
    server.respond(sql::REFUNDS_OF_ORDER, Response::Rows(columns, vec![refund]));
    let read = store.order_payments(souk_values::Id::new(8).unwrap()).await.unwrap().unwrap();
    assert_eq!((read.row_version, read.order.version), (5, 2));
    assert_eq!(read.order.pay_by.unwrap().millis(), AT);
    let payments = &read.payments;
    assert_eq!(payments[1].account, Some(ProviderAccount::stripe("acct_1", true)));
    assert_eq!((payments[1].refunds[0].attempt, payments[1].refunds[0].answered_at.unwrap().millis()), (2, AT));
    assert!(matches!(payments[0].outcome, Outcome::Failed { .. }));
    assert!(matches!(payments[1].outcome, Outcome::Captured { at } if at.millis() == AT + 1));
    assert_eq!(payments[1].refunds[0].status, RefundStatus::Processing);
    assert_eq!(server.statements(), [sql::ORDER, sql::PAYMENTS_OF_ORDER, sql::REFUNDS_OF_ORDER]);
}

const EVENT: &str = r#"{"specversion":"1.0","id":"019c13f6-0c80-7000-8000-000000000001","type":"payment.succeeded.v1",
    "source":"/souk/payment","subject":"1","time":"2026-01-31T12:00:00.000Z","datacontenttype":"application/json","aggregateversion":2,"data":{}}"#;

fn leased(id: &'static str) -> Vec<Cell> {
    vec![Cell::Text(Some(id)), Cell::Text(Some(EVENT))]
}

#[tokio::test]
async fn events_are_leased_then_deleted_or_released() {
    let (server, store) = store().await;
    let case = Case::new();
    let outbox = store.outbox(case.clock.clone(), case.ids.clone());
    let id = "019c13f6-0c80-7000-8000-000000000001";
    server.respond(sql::LEASE_EVENTS, Response::Rows(&["event_id", "envelope"], vec![leased(id)]));
    server.respond("DELETE o", Response::Changed(1));
    let claim = outbox.claim(10).await.unwrap();
    assert_eq!(claim.envelopes().len(), 1);
    let ids = [claim.envelopes()[0].id];
    claim.confirm(&ids).await.unwrap();
    let delete = sql::delete_events(1);
    assert_eq!(server.statements(), [sql::LEASE_EVENTS, &delete]);
    assert!(server.requests().iter().all(|request| !request.is_in_transaction), "each outside a transaction");

    server.clear();
    let damaged = vec![Cell::Text(Some("damaged")), Cell::Text(Some("{"))];
    server.respond(sql::LEASE_EVENTS, Response::Rows(&["event_id", "envelope"], vec![damaged, leased(id)]));
    server.respond("DELETE o", Response::Changed(1));
    let mut claim = outbox.claim(10).await.unwrap();
    assert_eq!(claim.envelopes().len(), 1, "an unreadable event does not hide the others");
    assert_eq!((claim.unreadable()[0].key.as_str(), claim.unreadable()[0].body.as_str()), ("damaged", "{"));
    claim.remove_unreadable().await.unwrap();
    assert!(claim.unreadable().is_empty());
    claim.confirm(&ids).await.unwrap();
    assert_eq!(server.statements(), [sql::LEASE_EVENTS, &delete, &delete]);

    server.clear();
    server.respond(sql::LEASE_EVENTS, Response::Rows(&["event_id", "envelope"], vec![leased(id)]));
    drop(outbox.claim(10).await.unwrap());
    wait_for(&server, sql::RELEASE_EVENTS).await;
    // Without leased events there is nothing to release.
    server.clear();
    drop(outbox.claim(10).await.unwrap());
    store.ping().await.unwrap();
    assert_eq!(server.statements(), [sql::LEASE_EVENTS, sql::PING]);
}
