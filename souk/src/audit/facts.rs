//! What an audit looks at: one read-only snapshot of each service's store.

use std::{collections::BTreeSet, fmt::Display};

use souk_bus::{BusError, Outbox, SqlOutbox, rabbit::QueueDepth};
use souk_events::Envelope;
use souk_payment::payment::{RefundStatus, Status};
use souk_sql::{Access, Db, SqlError};
use souk_values::Id;

use crate::{CommandError, bus::Looked, services::with_store, settings::Settings};

/// More unpublished events of one service than this are not told apart.
const UNPUBLISHED: u64 = 100_000;

/// Every service's facts, each read in one snapshot of its own.
#[derive(Debug)]
pub struct Facts {
    pub product: souk_product::audit::Facts,
    pub order: souk_order::audit::Facts,
    pub payment: souk_payment::audit::Facts,
    /// Whether the provider's own books were read; only the sandbox's can be.
    pub has_ledger: bool,
    pub notification: souk_notification::audit::Facts,
    /// Events that wait in the bus's queues.
    pub queued: Vec<Envelope>,
    /// How much is in the queues of a broker, or why it cannot be told.
    pub depths: Result<Vec<QueueDepth>, String>,
    /// Events that wait in outboxes.
    pub unpublished: Vec<(&'static str, Vec<Envelope>)>,
}

impl Facts {
    /// Reads every store of the shop. A store that cannot be opened is a failure.
    pub async fn read(settings: &Settings) -> Result<Self, CommandError> {
        let url = |name: &str| settings.store_url(name).map_err(CommandError::failed);
        let sentence = |store: &str, error: &dyn Display| {
            CommandError::failed(format!("the store of {store} cannot be read: {error}"))
        };
        let unreadable = |store: &'static str| move |error: SqlError| sentence(store, &error);
        let (queued, depths) = look_at_bus(settings).await?;
        let mut unpublished = Vec::new();
        for service in with_store() {
            let waiting = unpublished_of(service, &url(service)?).await;
            let waiting = waiting.map_err(|error| sentence(service, &error))?;
            unpublished.push((service, waiting));
        }
        let ledger = settings.uses_sandbox().then(|| settings.sandbox_ledger_url()).transpose();
        let ledger = ledger.map_err(CommandError::failed)?;
        Ok(Self {
            payment: Box::pin(souk_payment::audit::read(&url("payment")?, ledger.as_deref()))
                .await
                .map_err(unreadable("payment"))?,
            order: souk_order::audit::read(&url("order")?).await.map_err(unreadable("order"))?,
            product: souk_product::audit::read(&url("product")?).await.map_err(unreadable("product"))?,
            notification: souk_notification::audit::read(&url("notification")?)
                .await
                .map_err(unreadable("notification"))?,
            has_ledger: ledger.is_some(),
            queued,
            depths,
            unpublished,
        })
    }

    /// The orders and payments that a shop which stands still will go on with when it is started: those
    /// of which an event is under way, and those whose provider has yet to be asked.
    pub fn under_way(&self) -> BTreeSet<i64> {
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

    /// How many things an invariant was checked on.
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

/// Events that wait in the outbox of `service`, whose store is at `url`.
async fn unpublished_of(service: &str, url: &str) -> Result<Vec<Envelope>, BusError> {
    match service {
        "cart" => souk_cart::audit::unpublished(url).await,
        "payment" => Ok(Box::pin(souk_payment::audit::unpublished(url)).await?),
        _ => {
            let outbox = SqlOutbox::new(Db::open(url, Access::ReadOnly).await?);
            outbox.unpublished(UNPUBLISHED).await
        }
    }
}

/// What waits in the bus: events in the local one, and their number in a broker, which only it can read. So a
/// broker that is away takes nothing from the audit.
async fn look_at_bus(settings: &Settings) -> Result<(Vec<Envelope>, Result<Vec<QueueDepth>, String>), CommandError> {
    let looked = match Looked::open(settings, Access::ReadOnly).await {
        Ok(bus) => (bus.queued().await, bus.depths().await),
        Err(error @ (BusError::Unavailable(_) | BusError::Drift(_))) => (Ok(Vec::new()), Err(error)),
        Err(error) => return Err(CommandError::failed(error)),
    };
    let (queued, depths) = looked;
    Ok((queued.map_err(CommandError::failed)?, depths.map_err(|error| error.to_string())))
}
