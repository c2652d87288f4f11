//! The facts that an audit checks: one read-only snapshot of each service's store, and the waiting events.

use std::{collections::BTreeSet, fmt::Display};

use souk_bus::{BusError, rabbit::QueueDepth};
use souk_events::Envelope;
use souk_notification::audit::NotificationAuditFacts;
use souk_order::audit::OrderAuditFacts;
use souk_payment::{
    audit::PaymentAuditFacts,
    payment::{RefundStatus, Status},
};
use souk_product::audit::ProductAuditFacts;
use souk_sql::{Access, SqlError};
use souk_values::Id;

use crate::{bus::OpenBus, command_error::CommandError, services::with_store, settings::Settings};

/// Facts of every service. Each store is read in a snapshot of its own, so they may be moments apart.
#[derive(Debug)]
pub struct ShopFacts {
    pub product: ProductAuditFacts,
    pub order: OrderAuditFacts,
    pub payment: PaymentAuditFacts,
    /// True when the provider's own books were read; only the sandbox's can be.
    pub has_ledger: bool,
    pub notification: NotificationAuditFacts,
    /// Events in the queues of the local bus.
    pub queued: Vec<Envelope>,
    /// Number of messages in each queue of a broker, or the reason why it could not be read.
    pub depths: Result<Vec<QueueDepth>, String>,
    /// Events in the outbox of each service.
    pub unpublished: Vec<(&'static str, Vec<Envelope>)>,
}

impl ShopFacts {
    /// Reads every store of the shop.
    ///
    /// Errors: a store cannot be opened; the message names it.
    pub async fn read(settings: &Settings) -> Result<Self, CommandError> {
        let url = |name: &str| settings.store_url(name).map_err(CommandError::failed);
        let sentence = |store: &str, error: &dyn Display| {
            CommandError::failed(format!("the store of {store} cannot be read: {error}"))
        };
        let unreadable = |store: &'static str| move |error: SqlError| sentence(store, &error);
        // Boxed: the compiler computes the layout of nested futures by recursion, to a limited depth.
        let (queued, depths) = Box::pin(read_bus(settings)).await?;
        let mut unpublished = Vec::new();
        for service in with_store() {
            let waiting = (service.unpublished)(&url(service.name)?).await;
            let waiting = waiting.map_err(|error| sentence(service.name, &error))?;
            unpublished.push((service.name, waiting));
        }
        let ledger = settings.sandbox_ledger_url().map_err(CommandError::failed)?;
        Ok(Self {
            payment: Box::pin(souk_payment::audit::read(&url("payment")?, ledger.as_deref()))
                .await
                .map_err(unreadable("payment"))?,
            order: Box::pin(souk_order::audit::read(&url("order")?)).await.map_err(unreadable("order"))?,
            product: Box::pin(souk_product::audit::read(&url("product")?)).await.map_err(unreadable("product"))?,
            notification: Box::pin(souk_notification::audit::read(&url("notification")?))
                .await
                .map_err(unreadable("notification"))?,
            has_ledger: ledger.is_some(),
            queued,
            depths,
            unpublished,
        })
    }

    /// Returns the orders and payments that a stopped shop will go on with when it is started: those with an event that
    /// is not consumed yet, and those whose outcome the provider still has to confirm.
    pub fn in_progress(&self) -> BTreeSet<i64> {
        let waiting = self.unpublished.iter().flat_map(|(_, envelopes)| envelopes).chain(&self.queued);
        let of_events = waiting.flat_map(|envelope| {
            let fields = ["/orderId", "/order/orderId", "/paymentId"];
            let in_data = fields.into_iter().filter_map(|field| envelope.data.pointer(field)?.as_i64());
            in_data.chain(envelope.subject.parse().ok()).collect::<Vec<_>>()
        });
        let open = self.payment.payments.iter().filter(|payment| {
            payment.status == Status::Processing
                || payment.refunds.iter().any(|refund| refund.status == RefundStatus::Processing)
        });
        of_events.chain(open.flat_map(|payment| [payment.payment_id.get(), payment.order_id.get()])).collect()
    }

    /// Returns the number of products, payments, orders or queues that `invariant` was checked on.
    pub fn checked(&self, invariant: u8) -> u64 {
        let count = match invariant {
            1 => self.product.products.len(),
            2 => self.payment.ledger.len() + self.payment.payments.len(),
            3 => self.order.orders.iter().filter(|order| order.is_paid).count(),
            4 => self.payment.payments.iter().filter(|payment| payment.captured).count(),
            5 => self.product.reservations.len(),
            6 => self.unpublished.len() + 1,
            _ => self.order.orders.len(),
        };
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

/// Reads the events of the local bus, or the queue depths of a broker. A broker that is down is no failure: the
/// invariants of the stores can be checked without it.
async fn read_bus(settings: &Settings) -> Result<(Vec<Envelope>, Result<Vec<QueueDepth>, String>), CommandError> {
    let (queued, depths) = match OpenBus::open(settings, Access::ReadOnly).await {
        Ok(OpenBus::Local(bus)) => (bus.queued().await, Ok(Vec::new())),
        Ok(OpenBus::Rabbit(bus)) => (Ok(Vec::new()), bus.queue_depths().await),
        Err(error @ (BusError::Unavailable(_) | BusError::Drift(_))) => (Ok(Vec::new()), Err(error)),
        Err(error) => return Err(CommandError::failed(error)),
    };
    Ok((queued.map_err(CommandError::failed)?, depths.map_err(|error| error.to_string())))
}
