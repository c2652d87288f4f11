//! What an audit looks at: one read-only snapshot of each service's store.

use std::sync::Arc;

use souk_bus::LocalTransport;
use souk_sql::Access;
use souk_values::SystemClock;

use crate::{CommandError, folder::Folder};

/// Every service's facts, each read in one snapshot of its own.
#[derive(Debug)]
pub struct Facts {
    pub product: souk_product::audit::Facts,
    pub order: souk_order::audit::Facts,
    pub payment: souk_payment::audit::Facts,
    pub cart: souk_cart::audit::Facts,
    pub auth: souk_auth::audit::Facts,
    pub notification: souk_notification::audit::Facts,
    /// Messages that wait in the bus's queues.
    pub queued: u64,
}

impl Facts {
    /// Reads every store of `folder`. A store that cannot be opened is a failure.
    pub async fn read(folder: &Folder) -> Result<Self, CommandError> {
        let url = |name: &str| folder.store_url(name);
        let unreadable = |store: &'static str| {
            move |error: souk_sql::SqlError| {
                CommandError::failed(format!("the store of {store} cannot be read: {error}"))
            }
        };
        let bus = LocalTransport::open(&url("bus"), Access::ReadOnly, Arc::new(SystemClock))
            .await
            .map_err(CommandError::failed)?;
        Ok(Self {
            payment: souk_payment::audit::read(&url("payment"), Some(&url("sandbox")))
                .await
                .map_err(unreadable("payment"))?,
            order: souk_order::audit::read(&url("order")).await.map_err(unreadable("order"))?,
            product: souk_product::audit::read(&url("product")).await.map_err(unreadable("product"))?,
            cart: souk_cart::audit::read(&url("cart")).await.map_err(unreadable("cart"))?,
            auth: souk_auth::audit::read(&url("auth")).await.map_err(unreadable("auth"))?,
            notification: souk_notification::audit::read(&url("notification"))
                .await
                .map_err(unreadable("notification"))?,
            queued: bus.queued().await.map_err(CommandError::failed)?,
        })
    }

    /// Events not yet published, by service.
    pub fn unpublished(&self) -> [(&'static str, u64); 6] {
        [
            ("auth", self.auth.outbox_pending),
            ("product", self.product.outbox_pending),
            ("order", self.order.outbox_pending),
            ("cart", self.cart.outbox_pending),
            ("payment", self.payment.outbox_pending),
            ("notification", self.notification.outbox_pending),
        ]
    }

    /// Events under way: not yet published, or not yet consumed.
    pub fn in_flight(&self) -> u64 {
        self.unpublished().iter().map(|(_, pending)| pending).sum::<u64>() + self.queued
    }

    /// How many things an invariant was checked on.
    pub fn checked(&self, invariant: u8) -> u64 {
        let count = match invariant {
            1 => self.product.products.len(),
            2 => self.payment.ledger.len() + self.payment.payments.len(),
            3 => self.order.orders.iter().filter(|order| order.is_paid).count(),
            4 => self.payment.payments.iter().filter(|payment| payment.captured).count(),
            5 => self.product.reservations.len(),
            6 => self.unpublished().len(),
            _ => self.order.orders.len(),
        };
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}
