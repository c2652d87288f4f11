//! A database on one engine for one test, and an open store in it with a confirmed order.

use std::{any::Any, sync::Arc, time::Duration};

use souk_bus::{Cause, Outbox, Stamper};
use souk_events::{Envelope, PaymentTerms};
use souk_payment::{
    PaymentError,
    order_payments::{Decision, KnownOrder, NextRefund, OrderPayments, OrderState},
    payment::{RefundRequest, RequestKey},
    provider_account::ProviderAccount,
    store::{self, Change, OpenStore, PaymentStore, Saved, StoreError},
};
use souk_testkit::engine::{self, Stores};
use souk_values::{Clock, Currency, IdGen, Money, OrderId, PaymentId, RefundId, ShiftedClock, Timestamp, UserId};

use crate::{rig::PRICE, store_mssql::Database};

/// An empty database on one engine, deleted after the test.
pub struct TestDatabase {
    pub url: String,
    pub clock: Arc<ShiftedClock>,
    pub ids: IdGen,
    /// True on engines that keep two relays from publishing the same events. SQLite has one process.
    pub separates_relays: bool,
    /// The database itself, deleted when this is dropped.
    _guard: Box<dyn Any + Send + Sync>,
}

impl TestDatabase {
    fn new(url: String, separates_relays: bool, guard: impl Any + Send + Sync) -> Self {
        let clock = ShiftedClock::new(Duration::ZERO);
        let ids = IdGen::new(clock.clone());
        Self { url, clock, ids, separates_relays, _guard: Box::new(guard) }
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the other engines, which may not be there")]
    pub fn sqlite() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/payment.db", folder.path().display());
        Some(Self::new(url, false, folder))
    }

    pub fn postgres() -> Option<Self> {
        Self::on_engine("payment")
    }

    pub fn mysql() -> Option<Self> {
        // The testkit puts the store of this service on MySQL.
        Self::on_engine("product")
    }

    fn on_engine(name: &str) -> Option<Self> {
        if !engine::on_engines() {
            eprintln!("not run: needs the engines, SOUK_TEST_MODE=engines");
            return None;
        }
        let stores = Stores::new();
        let url = stores.url(name);
        Some(Self::new(url, true, stores))
    }

    pub fn mssql() -> Option<Self> {
        let Some(database) = Database::create() else {
            eprintln!("not run: needs SOUK_TEST_MSSQL, the address of a SQL Server");
            return None;
        };
        Some(Self::new(database.url.clone(), true, database))
    }

    /// Opens the store as another process does.
    pub async fn open(&self) -> OpenStore {
        store::open(&self.url, self.clock.clone(), self.ids.clone()).await.unwrap()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// An open store that knows one confirmed order.
pub struct StoreFixture {
    pub database: TestDatabase,
    pub store: Arc<dyn PaymentStore>,
    pub outbox: Arc<dyn Outbox>,
    pub order: KnownOrder,
    pub stamper: Stamper,
}

impl StoreFixture {
    pub async fn at(database: TestDatabase) -> Self {
        let OpenStore { store, outbox } = database.open().await;
        let order = new_order(&database);
        let stamper = Stamper::new(database.ids.clone(), database.clock.clone());
        let mut fixture = Self { database, store, outbox, order, stamper };
        fixture.add_order().await;
        fixture
    }

    /// Inserts a confirmed order, which becomes the fixture's order.
    pub async fn add_order(&mut self) {
        self.order = new_order(&self.database);
        let known = OrderPayments::apply_order(None, &self.order, self.next_refund()).unwrap();
        self.save(None, known).await.unwrap();
    }

    /// Creates the fixture with a claimed payment of the order.
    pub async fn with_a_claim(database: TestDatabase) -> (Self, PaymentId) {
        let fixture = Self::at(database).await;
        let payment = fixture.claim("k").await;
        (fixture, payment)
    }

    /// Claims the order with `key`, one second after earlier rows: ids of one second have no defined order.
    pub async fn claim(&self, key: &str) -> PaymentId {
        self.database.clock.advance(Duration::from_secs(1));
        let read = self.order_payments().await;
        let payment = self.database.ids.next();
        let claimed = claim_of(read.clone(), payment, key, self.database.now()).unwrap();
        self.save(Some(read), claimed).await.unwrap();
        payment
    }

    pub fn next_refund(&self) -> NextRefund {
        NextRefund { refund_id: self.database.ids.next(), now: self.database.now() }
    }

    pub async fn order_payments(&self) -> OrderPayments {
        self.store.order_payments(self.order.order_id).await.unwrap().unwrap()
    }

    pub async fn save(&self, before: Option<OrderPayments>, after: OrderPayments) -> Result<Saved, StoreError> {
        self.store.save(self.change(before, after)).await
    }

    pub fn change(&self, before: Option<OrderPayments>, after: OrderPayments) -> Change {
        Change { before, after, events: Vec::new(), cause: None, now: self.database.now() }
    }

    /// Reads, applies `decide`, saves, and reads again.
    pub async fn step(&self, decide: impl FnOnce(OrderPayments) -> OrderPayments) -> OrderPayments {
        let read = self.order_payments().await;
        self.save(Some(read.clone()), decide(read)).await.unwrap();
        self.order_payments().await
    }

    pub fn cancelled(&self, known: &OrderPayments) -> OrderPayments {
        self.database.clock.advance(Duration::from_secs(1));
        let version = known.order.version + 1;
        let order = KnownOrder { version, state: OrderState::Cancelled, ..known.order.clone() };
        OrderPayments::apply_order(Some(known.clone()), &order, self.next_refund()).unwrap()
    }

    pub fn captured(&self, known: &OrderPayments, payment: PaymentId) -> OrderPayments {
        self.capture(known, payment).after
    }

    pub fn capture(&self, known: &OrderPayments, payment: PaymentId) -> Decision {
        known.clone().record_capture(payment, self.database.now(), self.next_refund()).unwrap()
    }

    /// Returns `known` with a refund of `minor` that an admin requested with `key`.
    pub fn refund_requested(
        &self,
        known: &OrderPayments,
        payment: PaymentId,
        key: &str,
        minor: i64,
    ) -> (OrderPayments, RefundId) {
        self.database.clock.advance(Duration::from_secs(1));
        let next_refund = self.next_refund();
        let request = RefundRequest { admin: admin(), key: request_key(key) };
        let after = known.clone().request_refund(payment, Some(euro(minor)), request, next_refund).unwrap();
        (after, next_refund.refund_id)
    }

    /// Returns the event of the order's capture.
    pub fn event(&self, known: &OrderPayments) -> Envelope {
        let (succeeded, _) = known.capture().unwrap();
        self.stamper.stamp(&succeeded).unwrap()
    }
}

/// Returns the cause of an event that was not applied yet.
pub fn new_cause() -> Cause {
    Cause { queue: "payment.orders", event_id: uuid::Uuid::now_v7() }
}

/// Returns a confirmed order that is not in the store yet.
pub fn new_order(database: &TestDatabase) -> KnownOrder {
    let order_id: OrderId = database.ids.next();
    KnownOrder {
        order_id,
        user_id: database.ids.next(),
        amount: euro(PRICE),
        terms: PaymentTerms::Prepaid,
        state: OrderState::Confirmed,
        pay_by: Some(database.now().plus(Duration::from_mins(30))),
        version: 2,
    }
}

pub fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

/// Claims an order for its customer at the sandbox.
pub fn claim_of(
    known: OrderPayments,
    payment: PaymentId,
    key: &str,
    now: Timestamp,
) -> Result<OrderPayments, PaymentError> {
    let payer = known.order.user_id;
    known.claim(payment, payer, request_key(key), ProviderAccount::sandbox(), now)
}

pub fn request_key(text: &str) -> RequestKey {
    RequestKey { key_hash: text.to_owned(), body_hash: "body".to_owned() }
}

pub fn admin() -> UserId {
    souk_values::Id::new(1).unwrap()
}
