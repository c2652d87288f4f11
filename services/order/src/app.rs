//! State shared by handlers, consumers and tasks, and the one way in which they change an order.

use std::sync::Arc;

use souk_bus::{Stamper, Transport};
use souk_kit::Deps;
use souk_peers::{AuthPeer, CartPeer, PaymentPeer, ProductPeer};
use souk_sql::{Db, SqlError};
use souk_values::{Clock, Currency, DayCalendar, IdGen, Timestamp};

use crate::{
    OrderConfig, SERVICE,
    latest_audit::LatestAudit,
    metrics,
    order::{Deadlines, StepCause},
    store::{ActOutcome, OrderAct, OrderStore},
    waiters::Waiters,
};

#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) store: OrderStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: IdGen,
    pub(crate) stamper: Stamper,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) currency: Currency,
    pub(crate) calendar: DayCalendar,
    pub(crate) config: Arc<OrderConfig>,
    pub(crate) waiters: Waiters,
    pub(crate) latest_audit: LatestAudit,
    pub(crate) cart: CartPeer,
    pub(crate) products: ProductPeer,
    pub(crate) payments: PaymentPeer,
    pub(crate) users: AuthPeer,
    /// Time at which the service started.
    pub(crate) started_at: Timestamp,
}

impl App {
    pub(crate) fn new(config: OrderConfig, db: Db, deps: &Deps) -> Self {
        let deadlines = Deadlines { decide_within: config.decide_within(), lapse_after: config.lapse_after() };
        Self {
            store: OrderStore::new(db, deadlines),
            clock: Arc::clone(&deps.clock),
            ids: deps.ids.clone(),
            stamper: deps.stamper(),
            transport: Arc::clone(&deps.transport),
            currency: deps.shop.currency,
            calendar: deps.shop.time_zone.clone(),
            config: Arc::new(config),
            waiters: Waiters::default(),
            latest_audit: LatestAudit::default(),
            cart: CartPeer::new(&deps.peers, SERVICE),
            products: ProductPeer::new(&deps.peers, SERVICE),
            payments: PaymentPeer::new(&deps.peers, SERVICE),
            users: AuthPeer::new(&deps.peers, SERVICE),
            started_at: deps.clock.now(),
        }
    }

    /// Applies `act`. A change is counted, and wakes the requests and streams that wait for the order.
    pub(crate) async fn apply(&self, act: OrderAct) -> Result<ActOutcome, SqlError> {
        let order_id = act.order_id;
        let outcome = self.store.apply(act, self.clock.now(), self.stamper.with_current_trace()).await?;
        if let ActOutcome::Applied(change) = &outcome {
            metrics::order_changed(change);
            self.waiters.wake(order_id);
        }
        Ok(outcome)
    }

    /// Returns the cause of a new request, different from every other.
    pub(crate) fn request_cause(&self) -> StepCause {
        StepCause::Request(self.ids.uuid())
    }
}
