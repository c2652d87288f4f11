//! The stores that an audit reads, each through the code of its service, in bounded pieces.

use std::{fmt::Display, time::Duration};

use souk_bus::{BusError, rabbit::QueueDepth};
use souk_events::{Envelope, dead_letter_names};
use souk_kit::Service;
use souk_order::audit::{AuditedOrder, OrderAudit};
use souk_payment::{
    PaymentConfig,
    audit::{AuditedPayment, PaymentAudit, ProviderList},
    provider::stripe::StripeAccount,
};
use souk_product::audit::{ProductAudit, ReservationFact};
use souk_sql::{Access, SqlError};
use souk_values::{Clock, SystemClock};
use uuid::Uuid;

use crate::{bus::OpenBus, command_error::CommandError, services::with_store, settings::Settings};

/// Orders, reservations or payments in a range. It bounds the memory of an audit.
const RANGE: u64 = 4_096;
/// Oldest messages that are read of the local bus. Those behind them are found once these are consumed.
const OLDEST: u64 = 10_000;

/// The stores of a shop, opened read-only. A range is read from each at a moment of its own.
#[derive(Debug)]
pub struct AuditStores {
    pub product: ProductAudit,
    pub payment: PaymentAudit,
    order: OrderAudit,
    pub books: Books,
}

/// The books of the providers. Each payment is compared with those of the provider that took it: the sandbox's ledger,
/// which is read whole, or Stripe's list of its captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Books {
    /// True if Stripe's list was read, for the last days.
    pub has_list: bool,
    /// Reason for which the books of a configured provider were not read.
    pub unread: Option<String>,
}

/// All facts about the orders with ids in a range.
#[derive(Debug)]
pub struct OrderRange {
    pub orders: Vec<AuditedOrder>,
    pub reservations: Vec<ReservationFact>,
    pub payments: Vec<AuditedPayment>,
    /// Steps of the orders' timelines beyond the first with the same cause.
    pub repeated_effects: u64,
}

impl AuditStores {
    /// Opens the stores, and reads the provider's own list of the last `listed`, if that is given.
    ///
    /// Errors: a store cannot be opened; the message names it.
    pub async fn open(settings: &Settings, listed: Option<Duration>) -> Result<Self, CommandError> {
        let url = |name: &str| settings.store_url(name).map_err(CommandError::failed);
        let ledger = settings.sandbox_ledger_url().map_err(CommandError::failed)?;
        let payment = Box::pin(PaymentAudit::open(&url("payment")?, ledger.as_deref())).await;
        let mut payment = payment.map_err(unreadable("payment"))?;
        let mut books = Books { has_list: false, unread: None };
        if let (Some(account), Some(listed)) = (stripe_account(settings)?, listed) {
            let now = SystemClock.now();
            match Box::pin(ProviderList::read(account, now.minus(listed), now)).await {
                Ok(list) => {
                    payment = payment.with_list(list);
                    books.has_list = true;
                }
                Err(error) => books.unread = Some(error.to_string()),
            }
        }
        Ok(Self {
            payment,
            order: OrderAudit::open(&url("order")?).await.map_err(unreadable("order"))?,
            product: ProductAudit::open(&url("product")?).await.map_err(unreadable("product"))?,
            books,
        })
    }

    /// Returns the end of a range of order ids that begins above `after`: no store has many more than `RANGE` rows in
    /// it, whichever orders it knows.
    pub async fn boundary(&self, after: i64) -> Result<i64, CommandError> {
        let order = self.order.boundary(after, RANGE).await.map_err(unreadable("order"))?;
        let payment = self.payment.boundary(after, RANGE).await.map_err(unreadable("payment"))?;
        let product = self.product.boundary(after, RANGE).await.map_err(unreadable("product"))?;
        Ok([order, payment, product].into_iter().flatten().min().unwrap_or(i64::MAX))
    }

    /// Reads the facts about the orders with ids above `after` and up to `until`.
    pub async fn range(&self, after: i64, until: i64) -> Result<OrderRange, CommandError> {
        let orders = async { self.order.orders(after, until).await.map_err(unreadable("order")) };
        let effects = async { self.order.repeated_effects(after, until).await.map_err(unreadable("order")) };
        let payments = async { self.payment.payments(after, until).await.map_err(unreadable("payment")) };
        let reservations = async { self.product.reservations(after, until).await.map_err(unreadable("product")) };
        let (orders, repeated_effects, payments, reservations) =
            Box::pin(async { futures::try_join!(orders, effects, payments, reservations) }).await?;
        Ok(OrderRange { orders, reservations, payments, repeated_effects })
    }
}

pub fn unreadable<E: Display>(store: &str) -> impl FnOnce(E) -> CommandError {
    move |error| CommandError::failed(format!("the store of {store} cannot be read: {error}"))
}

/// Returns the account at Stripe, if one is configured.
fn stripe_account(settings: &Settings) -> Result<Option<StripeAccount>, CommandError> {
    let Some(service) = with_store().find(|service| service.name == souk_payment::Payment::NAME) else {
        return Ok(None);
    };
    let section = settings.section(service).map_err(CommandError::failed)?;
    Ok(section.config::<PaymentConfig>().and_then(|config| {
        Some(StripeAccount {
            account: config.stripe()?,
            base_url: config.stripe_base_url.clone(),
            api_key: config.stripe_api_key.clone(),
            webhook_secret: config.stripe_webhook_secret.clone(),
        })
    }))
}

/// Returns the number of notices that their event led to more than once.
pub async fn repeated_notices(settings: &Settings) -> Result<u64, CommandError> {
    let url = settings.store_url("notification").map_err(CommandError::failed)?;
    let facts = Box::pin(souk_notification::audit::read(&url)).await;
    Ok(facts.map_err(unreadable::<SqlError>("notification"))?.repeated_effects)
}

/// An event that waits in an outbox or in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingEvent {
    /// Service whose outbox has it; `None` in the queues of the local bus.
    pub outbox: Option<&'static str>,
    pub event_id: Uuid,
    /// Ids of the orders and payments that it is about.
    pub about: Vec<i64>,
}

impl WaitingEvent {
    fn new(outbox: Option<&'static str>, envelope: &Envelope) -> Self {
        let fields = ["/orderId", "/order/orderId", "/paymentId"];
        let data: serde_json::Value = envelope.data.read().unwrap_or_default();
        let in_data = fields.into_iter().filter_map(|field| data.pointer(field)?.as_i64());
        let about = in_data.chain(envelope.subject.parse().ok()).collect();
        Self { outbox, event_id: envelope.id, about }
    }
}

/// The events in progress, and the messages that were given up.
#[derive(Debug)]
pub struct EventFacts {
    pub waiting: Vec<WaitingEvent>,
    /// Number of messages in each queue of a broker; empty for the local bus.
    pub depths: Vec<QueueDepth>,
    /// Queues and outboxes with dead letters, and their number.
    pub dead_letters: Vec<(&'static str, u64)>,
    /// The reason why a broker could not be read.
    pub broker_error: Option<String>,
}

/// Reads the outboxes and the bus. A broker that is down is no failure: the stores can be checked without it.
pub async fn read_events(settings: &Settings) -> Result<EventFacts, CommandError> {
    let mut facts =
        EventFacts { waiting: Vec::new(), depths: Vec::new(), dead_letters: Vec::new(), broker_error: None };
    // The bus first: an event that is consumed in between is in neither; one that is published in between is in both.
    match OpenBus::open(settings, Access::ReadOnly).await {
        Ok(bus) => {
            if let Err(error) = read_bus(&bus, &mut facts).await {
                match bus {
                    OpenBus::Local(_) => return Err(CommandError::failed(error)),
                    OpenBus::Rabbit(_) => facts.broker_error = Some(error.to_string()),
                }
            }
        }
        Err(error @ (BusError::Unavailable(_) | BusError::Drift(_))) => facts.broker_error = Some(error.to_string()),
        Err(error) => return Err(CommandError::failed(error)),
    }
    for service in with_store() {
        let url = settings.store_url(service.name).map_err(CommandError::failed)?;
        let waiting = (service.unpublished)(&url).await.map_err(unreadable(service.name))?;
        facts.waiting.extend(waiting.iter().map(|envelope| WaitingEvent::new(Some(service.name), envelope)));
    }
    Ok(facts)
}

async fn read_bus(bus: &OpenBus, facts: &mut EventFacts) -> Result<(), BusError> {
    match bus {
        OpenBus::Local(bus) => {
            let queued = bus.queued(OLDEST).await?;
            facts.waiting.extend(queued.iter().map(|envelope| WaitingEvent::new(None, envelope)));
        }
        OpenBus::Rabbit(bus) => facts.depths = bus.queue_depths().await?,
    }
    let queues: Vec<&'static str> = dead_letter_names().collect();
    let counts = bus.transport().dead_letter_counts(&queues).await?;
    facts.dead_letters = queues.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect();
    Ok(())
}
