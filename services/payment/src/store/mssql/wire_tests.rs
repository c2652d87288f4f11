//! What the store sends and what it makes of answers, against a pretended server. These tests show the
//! order of requests, transactions and connections; whether SQL Server understands the SQL they cannot show.

use std::{sync::Arc, time::Duration};

use souk_bus::Outbox;
use souk_events::PaymentTerms;
use souk_sql::{Access, SqlError};
use souk_values::{Clock, Currency, IdGen, Money, OrderId, PaymentId, ShiftedClock};
use tokio::net::TcpListener;

use super::{
    MssqlStore,
    link::Link,
    migrating,
    pretended_server::{Answer, Cell, PretendedServer},
    statements as sql,
};
use crate::{
    account::{Account, OrderNews, OrderState},
    payment::{Outcome, RefundStatus, RequestKey},
    store::{Cause, Change, PaymentStore, Saved, StoreError},
};

const CONFLICTS: usize = 3;

fn database(snapshot_state: i64, delayed_durability: i64) -> Answer {
    let cells = vec![Cell::Big(Some(snapshot_state)), Cell::Big(Some(delayed_durability))];
    Answer::Rows(&["snapshot_state", "delayed_durability"], vec![cells])
}

fn one_row(column: &'static [&'static str], cell: Cell) -> Answer {
    Answer::Rows(column, vec![vec![cell]])
}

/// A store that is open for reading at a server that has heard nothing yet.
async fn store() -> (PretendedServer, MssqlStore) {
    let server = PretendedServer::start().await;
    server.answer(sql::DATABASE, database(1, 0));
    let store = MssqlStore::open_at(server.address(), Access::ReadOnly).await.unwrap();
    server.forget();
    (server, store)
}

struct Case {
    clock: Arc<ShiftedClock>,
    ids: IdGen,
    known: Account,
}

impl Case {
    fn new() -> Self {
        let clock = ShiftedClock::new(Duration::ZERO);
        let ids = IdGen::new(clock.clone());
        let order_id: OrderId = ids.next();
        let order = OrderNews {
            order_id,
            user_id: ids.next(),
            amount: Money::new(1_999, Currency::EUR),
            terms: PaymentTerms::OnDelivery,
            state: OrderState::Confirmed,
            pay_by: None,
            version: 2,
        };
        Self { known: Account { order, payments: Vec::new(), row_version: 7 }, clock, ids }
    }

    /// A claim, caused by an event.
    fn claim(&self) -> Change {
        let key = RequestKey { key_hash: "k".to_owned(), body_hash: "b".to_owned() };
        let payer = self.known.order.user_id;
        let after = self.known.clone().claim(self.ids.next(), payer, key, self.clock.now()).unwrap();
        Change {
            before: Some(self.known.clone()),
            after,
            events: Vec::new(),
            cause: Some(Cause { queue: "payment.orders", event_id: uuid::Uuid::nil() }),
            now: self.clock.now(),
        }
    }
}

fn taken() -> Answer {
    one_row(&["row_version"], Cell::Big(Some(8)))
}

const CLAIM: [&str; 5] = [sql::BEGIN, sql::NOTE_EVENT, sql::UPDATE_ORDER, sql::INSERT_PAYMENT, sql::COMMIT];

#[tokio::test]
async fn a_change_is_one_transaction_on_one_connection_that_is_used_again() {
    let (server, store) = store().await;
    let case = Case::new();
    for _ in 0..2 {
        server.answer(sql::UPDATE_ORDER, taken());
        assert_eq!(store.save(case.claim()).await.unwrap(), Saved::Done);
    }
    let asked = server.asked();
    assert_eq!(server.texts(), [CLAIM, CLAIM].concat());
    for one in &asked {
        assert_eq!(one.is_in_transaction, one.sql != sql::BEGIN, "{one:?}");
        assert_eq!(one.connection, asked[0].connection);
    }
}

#[tokio::test]
async fn a_stale_version_is_a_conflict_and_undone_on_a_connection_that_stays_good() {
    let (server, store) = store().await;
    let case = Case::new();
    for _ in 0..CONFLICTS {
        server.answer(sql::UPDATE_ORDER, Answer::Rows(&["row_version"], Vec::new()));
        assert!(matches!(store.save(case.claim()).await, Err(StoreError::Conflict)));
    }
    let one = [sql::BEGIN, sql::NOTE_EVENT, sql::UPDATE_ORDER, sql::ROLLBACK];
    assert_eq!(server.texts(), one.repeat(CONFLICTS));
    // One for opening, one for all of these.
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_unique_index_that_refuses_is_a_conflict_and_costs_the_connection() {
    let (server, store) = store().await;
    let text = "Cannot insert duplicate key row in object 'dbo.payment' with unique index 'uq_payment_active_order'.";
    server.answer(sql::UPDATE_ORDER, taken());
    server.answer(sql::INSERT_PAYMENT, Answer::Refused(2601, 14, text));
    assert!(matches!(store.save(Case::new().claim()).await, Err(StoreError::Conflict)));
    assert_eq!(server.texts(), CLAIM[..4], "nothing is committed, and nothing more is asked there");
    store.ping().await.unwrap();
    assert_eq!(server.asked().last().unwrap().connection, 3);
}

#[tokio::test]
async fn an_event_that_the_inbox_knows_is_a_duplicate() {
    let (server, store) = store().await;
    let text = "Violation of PRIMARY KEY constraint 'pk_inbox_event'. Cannot insert duplicate key.";
    server.answer(sql::NOTE_EVENT, Answer::Refused(2627, 14, text));
    assert_eq!(store.save(Case::new().claim()).await.unwrap(), Saved::Duplicate);
    assert_eq!(server.texts(), CLAIM[..2]);
}

#[tokio::test]
async fn a_deadlock_is_run_again_from_the_beginning_eight_times_at_most() {
    let (server, store) = store().await;
    let deadlock = Answer::Refused(1205, 13, "was deadlocked");
    server.answer(sql::UPDATE_ORDER, deadlock.clone());
    server.answer(sql::UPDATE_ORDER, Answer::Refused(1222, 16, "Lock request time out period exceeded."));
    server.answer(sql::UPDATE_ORDER, taken());
    let case = Case::new();
    assert_eq!(store.save(case.claim()).await.unwrap(), Saved::Done);
    assert_eq!(server.texts(), [&CLAIM[..3], &CLAIM[..3], &CLAIM[..]].concat());

    server.forget();
    for _ in 0..20 {
        server.answer(sql::NOTE_EVENT, deadlock.clone());
    }
    let error = store.save(case.claim()).await.unwrap_err();
    assert!(matches!(error, StoreError::Sql(SqlError::Busy(_))), "{error:?}");
    assert_eq!(server.texts(), CLAIM[..2].repeat(8));
}

#[tokio::test]
async fn a_caller_who_goes_away_does_not_stop_a_transaction() {
    let (server, store) = store().await;
    server.answer(sql::UPDATE_ORDER, taken());
    server.answer(sql::INSERT_PAYMENT, Answer::Later);
    let saving = tokio::spawn({
        let store = store.clone();
        async move { store.save(Case::new().claim()).await }
    });
    wait_for(&server, sql::INSERT_PAYMENT).await;
    saving.abort();
    assert!(saving.await.unwrap_err().is_cancelled());
    server.go_on();
    wait_for(&server, sql::COMMIT).await;
    assert_eq!(server.texts(), CLAIM);
}

#[tokio::test]
async fn a_connection_whose_request_was_dropped_is_not_used_again() {
    let (server, store) = store().await;
    let payment: PaymentId = Case::new().ids.next();
    server.answer(sql::ORDER_OF_PAYMENT, Answer::Later);
    let reading = tokio::spawn({
        let store = store.clone();
        async move { store.order_of(payment).await }
    });
    wait_for(&server, sql::ORDER_OF_PAYMENT).await;
    reading.abort();
    assert!(reading.await.unwrap_err().is_cancelled());
    server.go_on();
    assert_eq!(store.order_of(payment).await.unwrap(), None);
    let connections: Vec<_> = server.asked().iter().map(|asked| asked.connection).collect();
    assert_eq!(connections, [2, 3]);
}

async fn wait_for(server: &PretendedServer, text: &str) {
    for _ in 0..1_000 {
        if server.texts().iter().any(|asked| asked == text) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{text} was never asked");
}

#[tokio::test]
async fn a_connection_that_is_cut_is_no_conflict_and_another_is_opened() {
    let (server, store) = store().await;
    server.answer(sql::UPDATE_ORDER, taken());
    server.answer(sql::COMMIT, Answer::HangUp);
    let error = store.save(Case::new().claim()).await.unwrap_err();
    assert!(matches!(error, StoreError::Sql(SqlError::Unavailable(_))), "{error:?}");
    assert_eq!(server.texts(), CLAIM, "what may have been committed is not run again");
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_server_that_falls_silent_is_unavailable_in_time() {
    let server = PretendedServer::start().await;
    let mut link = Link::open(&server.address(), Duration::from_millis(200)).await.unwrap();
    assert!(link.is_sound());
    server.answer(sql::PING, Answer::Silence);
    let error = link.batch(sql::PING).await.unwrap_err();
    assert!(matches!(error, SqlError::Unavailable(_)), "{error:?}");
    assert!(!link.is_sound());
}

#[tokio::test]
async fn a_server_that_never_answers_the_login_is_given_up_in_five_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("mssql://sa:hunter2@127.0.0.1:{port}/souk");
    let error = tokio::time::timeout(Duration::from_secs(15), MssqlStore::open(&url, Access::ReadWrite)).await;
    let error = error.unwrap().unwrap_err();
    assert!(matches!(error, SqlError::Unavailable(_)), "{error:?}");
    assert!(!error.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_at_once() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let url = format!("mssql://sa:hunter2@127.0.0.1:{port}/souk");
    let error = MssqlStore::open(&url, Access::ReadWrite).await.unwrap_err();
    assert!(matches!(error, SqlError::Unavailable(_)), "{error:?}");
    assert!(!error.to_string().contains("hunter2"));
}

#[tokio::test]
async fn opening_migrates_under_the_lock_in_one_transaction() {
    let server = PretendedServer::start().await;
    server.answer(sql::DATABASE, database(0, 1));
    server.answer(sql::MIGRATION_LOCK, one_row(&["granted"], Cell::Big(Some(1))));
    server.answer(sql::MIGRATION_TABLE_ID, one_row(&["table_id"], Cell::Big(None)));
    MssqlStore::open_at(server.address(), Access::ReadWrite).await.unwrap();
    let (_, init) = sql::MIGRATIONS[0];
    let before = [
        sql::DATABASE,
        sql::BEGIN,
        sql::MIGRATION_LOCK,
        sql::MIGRATION_TABLE_ID,
        sql::CREATE_MIGRATION_TABLE,
        sql::APPLIED_MIGRATIONS,
    ];
    assert_eq!(server.texts(), [&before[..], init, &[sql::NOTE_MIGRATION, sql::COMMIT]].concat());

    server.forget();
    let name = sql::MIGRATIONS[0].0;
    for ask in 0..2 {
        server.answer(sql::MIGRATION_LOCK, one_row(&["granted"], Cell::Big(Some(0))));
        server.answer(sql::MIGRATION_TABLE_ID, one_row(&["table_id"], Cell::Big(Some(99))));
        server.answer(sql::APPLIED_MIGRATIONS, one_row(&["migration_name"], Cell::Text(Some(name))));
        let names = if ask == 0 {
            migrating::migrate(&server.address()).await
        } else {
            migrating::pending(&server.address()).await
        };
        assert!(names.unwrap().is_empty());
    }
    let asked = [sql::MIGRATION_TABLE_ID, sql::APPLIED_MIGRATIONS];
    let migrated = [&[sql::BEGIN, sql::MIGRATION_LOCK], &asked[..], &[sql::COMMIT]].concat();
    assert_eq!(server.texts(), [migrated, asked.to_vec()].concat());
}

#[tokio::test]
async fn who_does_not_get_the_lock_does_not_migrate() {
    for code in [-1, -2, -3, -999] {
        let server = PretendedServer::start().await;
        server.answer(sql::MIGRATION_LOCK, one_row(&["granted"], Cell::Big(Some(code))));
        let error = migrating::migrate(&server.address()).await.unwrap_err();
        assert!(matches!(error, SqlError::Busy(_)), "{error:?}");
        assert_eq!(server.texts(), [sql::BEGIN, sql::MIGRATION_LOCK]);
    }
}

#[tokio::test]
async fn a_database_that_may_forget_is_refused() {
    let server = PretendedServer::start().await;
    server.answer(sql::DATABASE, database(1, 2));
    let error = MssqlStore::open_at(server.address(), Access::ReadWrite).await.unwrap_err();
    assert!(error.to_string().contains("DELAYED_DURABILITY"), "{error}");
    assert_eq!(server.texts(), [sql::DATABASE]);
}

#[tokio::test]
async fn everything_is_read_in_one_state() {
    for (state, begin) in [(1, sql::BEGIN_SNAPSHOT), (0, sql::BEGIN_SERIALIZABLE), (3, sql::BEGIN_SERIALIZABLE)] {
        let server = PretendedServer::start().await;
        server.answer(sql::DATABASE, database(state, 0));
        let store = MssqlStore::open_at(server.address(), Access::ReadOnly).await.unwrap();
        server.forget();
        let backlog = vec![Cell::Big(Some(3)), Cell::Time(Some(1_769_860_800_123))];
        server.answer(sql::BACKLOG, Answer::Rows(&["pending", "oldest"], vec![backlog]));
        assert_eq!(store.everything().await.unwrap(), (Vec::new(), 3));
        assert_eq!(server.texts(), [begin, sql::EVERY_PAYMENT, sql::EVERY_REFUND, sql::BACKLOG, sql::COMMIT]);
        assert!(server.asked()[1..].iter().all(|asked| asked.is_in_transaction));
    }
}

#[tokio::test]
async fn an_account_is_read_as_the_server_sends_it() {
    const AT: i64 = 1_769_860_800_123;
    let (server, store) = store().await;
    let (big, text) = (|number| Cell::Big(Some(number)), |text| Cell::Text(Some(text)));
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
    server.answer(sql::ORDER, Answer::Rows(columns, vec![order]));
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
        ]
    };
    let rows = vec![payment(6, "failed", Some("card_declined"), None), payment(7, "succeeded", None, Some(AT + 1))];
    server.answer(sql::PAYMENTS_OF_ORDER, Answer::Rows(columns, rows));
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
    ];
    server.answer(sql::REFUNDS_OF_ORDER, Answer::Rows(columns, vec![refund]));
    let account = store.account(souk_values::Id::new(8).unwrap()).await.unwrap().unwrap();
    assert_eq!((account.row_version, account.order.version), (5, 2));
    assert_eq!(account.order.pay_by.unwrap().millis(), AT);
    let payments = &account.payments;
    assert!(matches!(payments[0].outcome, Outcome::Refused { .. }));
    assert!(matches!(payments[1].outcome, Outcome::Captured { at } if at.millis() == AT + 1));
    assert_eq!(payments[1].refunds[0].status, RefundStatus::Processing);
    assert_eq!(server.texts(), [sql::ORDER, sql::PAYMENTS_OF_ORDER, sql::REFUNDS_OF_ORDER]);
}

const EVENT: &str = r#"{"specversion":"1.0","id":"019c13f6-0c80-7000-8000-000000000001","type":"payment.succeeded.v1",
    "source":"/souk/payment","subject":"1","time":"2026-01-31T12:00:00.000Z","datacontenttype":"application/json","aggregateversion":2,"data":{}}"#;

fn leased(id: &'static str) -> Vec<Cell> {
    vec![Cell::Text(Some(id)), Cell::Text(Some(EVENT))]
}

#[tokio::test]
async fn events_are_leased_then_forgotten_or_given_back() {
    let (server, store) = store().await;
    let case = Case::new();
    let outbox = store.outbox(case.clock.clone(), case.ids.clone());
    let id = "019c13f6-0c80-7000-8000-000000000001";
    server.answer(sql::LEASE_EVENTS, Answer::Rows(&["event_id", "envelope"], vec![leased(id)]));
    server.answer("DELETE o", Answer::Changed(1));
    let claim = outbox.claim(10).await.unwrap();
    assert_eq!(claim.envelopes().len(), 1);
    let ids = [claim.envelopes()[0].id];
    claim.confirm(&ids).await.unwrap();
    let forgotten = sql::delete_events(1);
    assert_eq!(server.texts(), [sql::LEASE_EVENTS, &forgotten]);
    assert!(server.asked().iter().all(|asked| !asked.is_in_transaction), "each a transaction by itself");

    server.forget();
    server.answer(sql::LEASE_EVENTS, Answer::Rows(&["event_id", "envelope"], vec![leased(id)]));
    drop(outbox.claim(10).await.unwrap());
    wait_for(&server, sql::RELEASE_EVENTS).await;
    // Nothing leased, nothing to give back.
    server.forget();
    drop(outbox.claim(10).await.unwrap());
    store.ping().await.unwrap();
    assert_eq!(server.texts(), [sql::LEASE_EVENTS, sql::PING]);
}
