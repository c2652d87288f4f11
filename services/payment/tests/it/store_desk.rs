//! A place on one engine for one test, and a desk with an account at stores that are open there.

use std::{sync::Arc, time::Duration};

use souk_bus::{Outbox, Stamper};
use souk_events::{Envelope, PaymentTerms};
use souk_payment::{
    account::{Account, Decision, Fresh, OrderNews, OrderState},
    payment::{AskedBy, RequestKey},
    store::{self, Cause, Change, Opened, PaymentStore, Saved, StoreError},
};
use souk_testkit::engine::{self, Stores};
use souk_values::{Clock, Currency, IdGen, Money, OrderId, PaymentId, RefundId, ShiftedClock, Timestamp, UserId};
use tempfile::TempDir;

use crate::{rig::PRICE, store_mssql::Database};

/// An empty database of one engine, gone after the test.
pub struct Place {
    pub url: String,
    pub clock: Arc<ShiftedClock>,
    pub ids: IdGen,
    /// Whether two relays are kept from publishing the same events. On SQLite there is one process.
    pub separates_relays: bool,
    _kept: Kept,
}

#[expect(dead_code, reason = "held until the test ends")]
enum Kept {
    Folder(TempDir),
    Database(Stores),
    Mssql(Database),
}

impl Place {
    fn new(url: String, separates_relays: bool, kept: Kept) -> Self {
        let clock = ShiftedClock::new(Duration::ZERO);
        let ids = IdGen::new(clock.clone());
        Self { url, clock, ids, separates_relays, _kept: kept }
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the other engines, which may not be there")]
    pub fn sqlite() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/payment.db", folder.path().display());
        Some(Self::new(url, false, Kept::Folder(folder)))
    }

    pub fn postgres() -> Option<Self> {
        Self::on_engine("payment")
    }

    pub fn mysql() -> Option<Self> {
        // The name of the service whose store is on MySQL.
        Self::on_engine("product")
    }

    fn on_engine(name: &str) -> Option<Self> {
        if !engine::on_engines() {
            eprintln!("not run: needs the engines, SOUK_TEST_MODE=engines");
            return None;
        }
        let stores = Stores::new();
        let url = stores.url(name);
        Some(Self::new(url, true, Kept::Database(stores)))
    }

    pub fn mssql() -> Option<Self> {
        let Some(database) = Database::make() else {
            eprintln!("not run: needs SOUK_TEST_MSSQL, the address of a SQL Server");
            return None;
        };
        Some(Self::new(database.url.clone(), true, Kept::Mssql(database)))
    }

    /// The store, as one more process opens it.
    pub async fn open(&self) -> Opened {
        store::open(&self.url, self.clock.clone(), self.ids.clone()).await.unwrap()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// A store with an order in it.
pub struct Desk {
    pub place: Place,
    pub store: Arc<dyn PaymentStore>,
    pub outbox: Arc<dyn Outbox>,
    pub order: OrderNews,
    pub stamper: Stamper,
}

impl Desk {
    /// A store that knows one confirmed order.
    pub async fn at(place: Place) -> Self {
        let Opened { store, outbox } = place.open().await;
        let order = an_order(&place);
        let stamper = Stamper::new(place.ids.clone(), place.clock.clone());
        let desk = Self { place, store, outbox, order, stamper };
        let known = Account::learn(None, &desk.order, desk.fresh()).unwrap();
        desk.save(None, known).await.unwrap();
        desk
    }

    /// The same, with a payment of the order that is claimed.
    pub async fn with_a_claim(place: Place) -> (Self, PaymentId) {
        let desk = Self::at(place).await;
        let payment = desk.claim("k").await;
        (desk, payment)
    }

    /// Claims the order with `key`, a second after whatever was before: ids of one second have no order.
    pub async fn claim(&self, key: &str) -> PaymentId {
        self.place.clock.advance(Duration::from_secs(1));
        let read = self.account().await;
        let payment = self.place.ids.next();
        let claimed = read.clone().claim(payment, self.order.user_id, request(key), self.place.now()).unwrap();
        self.save(Some(read), claimed).await.unwrap();
        payment
    }

    pub fn fresh(&self) -> Fresh {
        Fresh { refund_id: self.place.ids.next(), now: self.place.now() }
    }

    pub async fn account(&self) -> Account {
        self.store.account(self.order.order_id).await.unwrap().unwrap()
    }

    pub async fn save(&self, before: Option<Account>, after: Account) -> Result<Saved, StoreError> {
        self.store.save(self.change(before, after)).await
    }

    pub fn change(&self, before: Option<Account>, after: Account) -> Change {
        Change { before, after, events: Vec::new(), cause: None, now: self.place.now() }
    }

    /// Saves what `decide` makes of the account as it is.
    pub async fn step(&self, decide: impl FnOnce(Account) -> Account) -> Account {
        let read = self.account().await;
        self.save(Some(read.clone()), decide(read)).await.unwrap();
        self.account().await
    }

    pub fn closed(&self, known: &Account) -> Account {
        self.place.clock.advance(Duration::from_secs(1));
        let version = known.order.version + 1;
        let news = OrderNews { version, state: OrderState::Cancelled, ..known.order.clone() };
        Account::learn(Some(known.clone()), &news, self.fresh()).unwrap()
    }

    pub fn captured(&self, known: &Account, payment: PaymentId) -> Account {
        self.capture(known, payment).account
    }

    pub fn capture(&self, known: &Account, payment: PaymentId) -> Decision {
        known.clone().captured(payment, self.place.now(), self.fresh()).unwrap()
    }

    /// The account with a refund of `minor` that an admin asked for with `key`.
    pub fn asked_back(&self, known: &Account, payment: PaymentId, key: &str, minor: i64) -> (Account, RefundId) {
        self.place.clock.advance(Duration::from_secs(1));
        let fresh = self.fresh();
        let asked = AskedBy { admin: admin(), key: request(key) };
        let after = known.clone().ask_refund(payment, Some(euro(minor)), asked, fresh).unwrap();
        (after, fresh.refund_id)
    }

    /// Some event, the account's own.
    pub fn event(&self, known: &Account) -> Envelope {
        let (succeeded, _) = known.capture().unwrap();
        self.stamper.stamp(&succeeded).unwrap()
    }
}

/// An event that nobody acted on yet.
pub fn some_cause() -> Cause {
    Cause { queue: "payment.orders", event_id: uuid::Uuid::now_v7() }
}

/// A confirmed order that nobody knows yet.
pub fn an_order(place: &Place) -> OrderNews {
    let order_id: OrderId = place.ids.next();
    OrderNews {
        order_id,
        user_id: place.ids.next(),
        amount: euro(PRICE),
        terms: PaymentTerms::Prepaid,
        state: OrderState::Confirmed,
        pay_by: Some(place.now().plus(Duration::from_mins(30))),
        version: 2,
    }
}

pub fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

pub fn request(text: &str) -> RequestKey {
    RequestKey { key_hash: text.to_owned(), body_hash: "body".to_owned() }
}

pub fn admin() -> UserId {
    souk_values::Id::new(1).unwrap()
}
