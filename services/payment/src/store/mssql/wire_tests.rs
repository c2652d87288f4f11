//! Requests of the store and its use of responses, against a fake server that understands no SQL. The tests check the
//! order of requests, transactions and connections; they cannot show that SQL Server accepts the statements.

mod opening;
mod reading;

use std::{sync::Arc, time::Duration};

use souk_bus::Cause;
use souk_events::PaymentTerms;
use souk_sql::{Access, SqlError};
use souk_values::{Clock, Currency, IdGen, Money, OrderId, PaymentId, ShiftedClock};
use tokio::net::TcpListener;

use super::{
    MssqlStore,
    connection::Connection,
    fake_server::{Cell, FakeServer, Response},
    statements as sql,
};
use crate::{
    order_payments::{KnownOrder, OrderPayments, OrderState},
    payment::RequestKey,
    provider_account::ProviderAccount,
    store::{Change, Maintenance, Payments, Saved, StoreError},
};

const CONFLICTS: usize = 3;

fn database(snapshot_state: i64, delayed_durability: i64) -> Response {
    let cells = vec![Cell::Big(Some(snapshot_state)), Cell::Big(Some(delayed_durability))];
    Response::Rows(&["snapshot_state", "delayed_durability"], vec![cells])
}

fn one_row(column: &'static [&'static str], cell: Cell) -> Response {
    Response::Rows(column, vec![vec![cell]])
}

/// Opens a store for reading, at a server whose record of requests is empty.
async fn store() -> (FakeServer, MssqlStore) {
    let server = FakeServer::start().await;
    server.respond(sql::DATABASE, database(1, 0));
    let store = MssqlStore::open_at(server.address(), Access::ReadOnly).await.unwrap();
    server.clear();
    (server, store)
}

struct Case {
    clock: Arc<ShiftedClock>,
    ids: IdGen,
    known: OrderPayments,
}

impl Case {
    fn new() -> Self {
        let clock = ShiftedClock::new(Duration::ZERO);
        let ids = IdGen::new(clock.clone());
        let order_id: OrderId = ids.next();
        let order = KnownOrder {
            order_id,
            user_id: ids.next(),
            amount: Money::new(1_999, Currency::EUR),
            terms: PaymentTerms::OnDelivery,
            state: OrderState::Confirmed,
            pay_by: None,
            version: 2,
        };
        Self { known: OrderPayments { order, payments: Vec::new(), row_version: 7 }, clock, ids }
    }

    /// Returns a claim that an event caused.
    fn claim(&self) -> Change {
        let key = RequestKey { key_hash: "k".to_owned(), body_hash: "b".to_owned() };
        let payer = self.known.order.user_id;
        let after = self
            .known
            .clone()
            .claim(self.ids.next(), payer, key, ProviderAccount::sandbox(), self.clock.now())
            .unwrap();
        Change {
            before: Some(self.known.clone()),
            after,
            events: Vec::new(),
            cause: Some(Cause { queue: "payment.orders", event_id: uuid::Uuid::nil() }),
            now: self.clock.now(),
        }
    }
}

fn updated() -> Response {
    one_row(&["row_version"], Cell::Big(Some(8)))
}

const CLAIM: [&str; 5] = [sql::BEGIN, sql::RECORD_EVENT, sql::UPDATE_ORDER, sql::INSERT_PAYMENT, sql::COMMIT];

#[tokio::test]
async fn a_change_is_one_transaction_on_a_connection_that_is_reused() {
    let (server, store) = store().await;
    let case = Case::new();
    for _ in 0..2 {
        server.respond(sql::UPDATE_ORDER, updated());
        assert_eq!(store.save(case.claim()).await.unwrap(), Saved::Done);
    }
    let requests = server.requests();
    assert_eq!(server.statements(), [CLAIM, CLAIM].concat());
    for request in &requests {
        assert_eq!(request.is_in_transaction, request.sql != sql::BEGIN, "{request:?}");
        assert_eq!(request.connection, requests[0].connection);
    }
}

#[tokio::test]
async fn a_stale_version_is_a_conflict_and_rolled_back_on_a_connection_that_stays_usable() {
    let (server, store) = store().await;
    let case = Case::new();
    for _ in 0..CONFLICTS {
        server.respond(sql::UPDATE_ORDER, Response::Rows(&["row_version"], Vec::new()));
        assert!(matches!(store.save(case.claim()).await, Err(StoreError::Conflict)));
    }
    let one = [sql::BEGIN, sql::RECORD_EVENT, sql::UPDATE_ORDER, sql::ROLLBACK];
    assert_eq!(server.statements(), one.repeat(CONFLICTS));
    // One for opening, one for all of these.
    assert_eq!(server.connections(), 2);
}

/// Statements of a claim of which the last fails, with the roll back after it.
fn failed(statements: &[&'static str]) -> Vec<&'static str> {
    [statements, &[sql::ROLLBACK]].concat()
}

const DUPLICATE: &str = "Cannot insert duplicate key row in object 'dbo.payment' with unique index \
                         'uq_payment_active_order'. The duplicate key value is (4711).";

#[tokio::test]
async fn a_unique_violation_is_a_conflict_and_keeps_the_connection() {
    let (server, store) = store().await;
    let case = Case::new();
    for _ in 0..CONFLICTS {
        server.respond(sql::UPDATE_ORDER, updated());
        server.respond(sql::INSERT_PAYMENT, Response::Error(2601, 14, DUPLICATE));
        assert!(matches!(store.save(case.claim()).await, Err(StoreError::Conflict)));
    }
    assert_eq!(server.statements(), failed(&CLAIM[..4]).repeat(CONFLICTS));
    server.respond(sql::UPDATE_ORDER, updated());
    assert_eq!(store.save(case.claim()).await.unwrap(), Saved::Done);
    let last = &server.requests()[CONFLICTS * 5..];
    assert!(last.iter().all(|request| request.is_in_transaction == (request.sql != sql::BEGIN)), "{last:?}");
    // One for opening, one for all of these.
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_connection_is_used_again_only_after_a_complete_error() {
    // A refusal of the statement; one that ends the session; one without the end of its response.
    for (response, is_sound) in [
        (Response::Error(2601, 14, DUPLICATE), true),
        (Response::Error(208, 16, "Invalid object name."), true),
        (Response::Error(823, 24, "The operating system returned an error."), false),
        (Response::CutError(2601, 14), false),
        (Response::Disconnect, false),
    ] {
        let server = FakeServer::start().await;
        let mut connection = Connection::open(&server.address(), Duration::from_secs(5)).await.unwrap();
        server.respond(sql::PING, response.clone());
        let error = connection.batch(sql::PING).await.unwrap_err();
        assert_eq!(connection.is_sound(), is_sound, "{response:?}: {error}");
        assert!(!error.to_string().contains("4711"), "the key is not shown: {error}");
        let next = connection.batch(sql::PING).await;
        assert_eq!(next.is_ok(), is_sound, "{response:?}");
    }
}

#[tokio::test]
async fn an_event_in_the_inbox_is_a_duplicate() {
    let (server, store) = store().await;
    let text = "Violation of PRIMARY KEY constraint 'pk_inbox_event'. Cannot insert duplicate key.";
    server.respond(sql::RECORD_EVENT, Response::Error(2627, 14, text));
    assert_eq!(store.save(Case::new().claim()).await.unwrap(), Saved::Duplicate);
    assert_eq!(server.statements(), failed(&CLAIM[..2]));
}

#[tokio::test]
async fn a_deadlock_is_retried_from_the_beginning_up_to_eight_times() {
    let (server, store) = store().await;
    let deadlock = Response::Error(1205, 13, "was deadlocked");
    server.respond(sql::UPDATE_ORDER, deadlock.clone());
    server.respond(sql::UPDATE_ORDER, Response::Error(1222, 16, "Lock request time out period exceeded."));
    server.respond(sql::UPDATE_ORDER, updated());
    let case = Case::new();
    assert_eq!(store.save(case.claim()).await.unwrap(), Saved::Done);
    assert_eq!(server.statements(), [failed(&CLAIM[..3]), failed(&CLAIM[..3]), CLAIM.to_vec()].concat());

    server.clear();
    for _ in 0..20 {
        server.respond(sql::RECORD_EVENT, deadlock.clone());
    }
    let error = store.save(case.claim()).await.unwrap_err();
    assert!(matches!(error, StoreError::Sql(SqlError::Busy(_))), "{error:?}");
    assert_eq!(server.statements(), failed(&CLAIM[..2]).repeat(8));
    assert_eq!(server.connections(), 2, "a deadlock costs no new login either");
}

#[tokio::test]
async fn a_dropped_caller_does_not_stop_a_transaction() {
    let (server, store) = store().await;
    server.respond(sql::UPDATE_ORDER, updated());
    server.respond(sql::INSERT_PAYMENT, Response::Delayed);
    let saving = tokio::spawn({
        let store = store.clone();
        async move { store.save(Case::new().claim()).await }
    });
    wait_for(&server, sql::INSERT_PAYMENT).await;
    saving.abort();
    assert!(saving.await.unwrap_err().is_cancelled());
    server.resume();
    wait_for(&server, sql::COMMIT).await;
    assert_eq!(server.statements(), CLAIM);
}

#[tokio::test]
async fn a_connection_whose_request_was_dropped_is_not_reused() {
    let (server, store) = store().await;
    let payment: PaymentId = Case::new().ids.next();
    server.respond(sql::ORDER_OF_PAYMENT, Response::Delayed);
    let reading = tokio::spawn({
        let store = store.clone();
        async move { store.order_of(payment).await }
    });
    wait_for(&server, sql::ORDER_OF_PAYMENT).await;
    reading.abort();
    assert!(reading.await.unwrap_err().is_cancelled());
    server.resume();
    assert_eq!(store.order_of(payment).await.unwrap(), None);
    let connections: Vec<_> = server.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [2, 3]);
}

async fn wait_for(server: &FakeServer, text: &str) {
    for _ in 0..1_000 {
        if server.statements().iter().any(|statement| statement == text) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{text} was never sent");
}

#[tokio::test]
async fn a_lost_connection_is_no_conflict_and_is_replaced() {
    let (server, store) = store().await;
    server.respond(sql::UPDATE_ORDER, updated());
    server.respond(sql::COMMIT, Response::Disconnect);
    let error = store.save(Case::new().claim()).await.unwrap_err();
    assert!(matches!(error, StoreError::Sql(SqlError::Unavailable(_))), "{error:?}");
    assert_eq!(server.statements(), CLAIM, "what may have been committed is not run again");
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_silent_server_is_unavailable_within_the_limit() {
    let server = FakeServer::start().await;
    let mut connection = Connection::open(&server.address(), Duration::from_millis(200)).await.unwrap();
    assert!(connection.is_sound());
    server.respond(sql::PING, Response::Silence);
    let error = connection.batch(sql::PING).await.unwrap_err();
    assert!(matches!(error, SqlError::Unavailable(_)), "{error:?}");
    assert!(!connection.is_sound());
}

#[tokio::test]
async fn a_login_without_a_response_fails_after_five_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("mssql://sa:hunter2@127.0.0.1:{port}/souk");
    let error = tokio::time::timeout(Duration::from_secs(15), MssqlStore::open(&url, Access::ReadWrite)).await;
    let error = error.unwrap().unwrap_err();
    assert!(matches!(error, SqlError::Unavailable(_)), "{error:?}");
    assert!(!error.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_missing_server_is_unavailable_immediately() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let url = format!("mssql://sa:hunter2@127.0.0.1:{port}/souk");
    let error = MssqlStore::open(&url, Access::ReadWrite).await.unwrap_err();
    assert!(matches!(error, SqlError::Unavailable(_)), "{error:?}");
    assert!(!error.to_string().contains("hunter2"));
}
