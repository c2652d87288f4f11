//! The events that this service consumes, with their handlers.

use futures::{StreamExt, TryStreamExt, stream};
use souk_bus::{Cause, Consumer, Failure, Outcome, Received};
use souk_events::{OrderCancelled, OrderCreated, OrderFacts, OrderLine, OrderPaid, ProductChanged, StockBack, queue};

use crate::{
    app::App,
    cart::{CartCommand, OrderStage, OrderUpdate, OrderedLine},
    product::{AlertKind, KnownProduct, ProductLink, ProductUpdate},
    store::{StoreError, WishAlert},
};

/// Alerts published concurrently, so that their transactions share a commit.
const CONCURRENT_ALERTS: usize = 16;
/// Users read per page.
const ALERT_PAGE: u64 = 500;

pub(crate) fn table(app: &App) -> Vec<Consumer> {
    vec![
        Consumer::new(&queue::CART_ORDERS)
            .on::<OrderCreated, _, _, _>(app, |app, received| {
                follow_order(app, received.cause(), received.event.order, OrderStage::Placed)
            })
            .on::<OrderPaid, _, _, _>(app, |app, received| {
                follow_order(app, received.cause(), received.event.order, OrderStage::Paid)
            })
            .on::<OrderCancelled, _, _, _>(app, |app, received| {
                follow_order(app, received.cause(), received.event.order, OrderStage::Cancelled)
            }),
        Consumer::new(&queue::CART_PRODUCTS)
            .on::<ProductChanged, _, _, _>(app, product_changed)
            .on::<StockBack, _, _, _>(app, stock_back),
    ]
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Engine(error) => error.into(),
            StoreError::Refused(_) | StoreError::Event(_) => Self::Handling(error.to_string()),
        }
    }
}

/// Moves the items of an order to `stage`. An order without lines from the cart is ignored.
async fn follow_order(app: App, cause: Cause, order: OrderFacts, stage: OrderStage) -> Result<Outcome, Failure> {
    let ordered_line = |line: OrderLine| {
        Some(OrderedLine {
            cart_item_id: line.cart_item_id?,
            product_id: line.product_id,
            quantity: line.quantity,
            remainder_id: app.new_item_id(),
        })
    };
    // Lines without a cart item were ordered directly.
    let lines: Vec<OrderedLine> = order.items.into_iter().filter_map(ordered_line).collect();
    if lines.is_empty() {
        return Ok(Outcome::Ignored);
    }
    let update = OrderUpdate { order_id: order.order_id, version: order.version, stage, lines };
    let executed = app.execute(order.user_id, CartCommand::FollowOrder(update), Some(cause)).await?;
    Ok(executed.is_applied.into())
}

async fn product_changed(app: App, received: Received<ProductChanged>) -> Result<Outcome, Failure> {
    let ProductChanged { product_id, sku: _, name, price, stock, hidden, slug, image_url, revision } = received.event;
    let link = slug.map(|slug| ProductLink { slug, image_url });
    let update = ProductUpdate { product_id, name, price, stock, hidden, link, revision, is_back: false };
    update_product(&app, update, AlertKind::PriceDrop).await
}

async fn stock_back(app: App, received: Received<StockBack>) -> Result<Outcome, Failure> {
    let StockBack { product_id, name, price, stock, revision } = received.event;
    let update = ProductUpdate { product_id, name, price, stock, hidden: false, link: None, revision, is_back: true };
    update_product(&app, update, AlertKind::BackInStock).await
}

/// Updates the copy of a product, then publishes the alerts of `kind` that are due.
///
/// The revisions in the copy and in each wish take the place of an inbox: a redelivered event changes nothing, and one
/// whose handling was interrupted continues with the alerts that are still due.
async fn update_product(app: &App, update: ProductUpdate, kind: AlertKind) -> Result<Outcome, Failure> {
    if update.price.currency != app.currency {
        return Err(Failure::Handling(format!("a price in {} instead of {}", update.price.currency, app.currency)));
    }
    let (known, is_changed) = app.store.update_product(update).await?;
    // Also when nothing changed: the process may have been killed between the update and the alerts.
    let published = publish_alerts(app, &known, kind).await?;
    Ok((is_changed || published > 0).into())
}

/// Publishes the alerts of `kind` that are due and returns their number.
async fn publish_alerts(app: &App, known: &KnownProduct, kind: AlertKind) -> Result<usize, Failure> {
    let Some(revision) = known.alert_revision(kind) else { return Ok(0) };
    let product_id = known.product_id;
    let mut published = 0;
    let mut after = None;
    loop {
        let users = app.store.users_to_alert(product_id, kind, revision, after, ALERT_PAGE).await?;
        let Some(last) = users.last() else { return Ok(published) };
        after = Some(*last);
        let publishing = users.into_iter().map(|user_id| {
            let stamped = match kind {
                AlertKind::BackInStock => app.stamper.stamp(&known.back_in_stock(user_id)),
                AlertKind::PriceDrop => app.stamper.stamp(&known.price_dropped(user_id)),
            };
            async move {
                let envelope = stamped.map_err(StoreError::from)?;
                app.store.publish_alert(WishAlert { user_id, product_id, kind, revision, envelope }).await
            }
        });
        let page: Vec<bool> = stream::iter(publishing).buffer_unordered(CONCURRENT_ALERTS).try_collect().await?;
        published += page.into_iter().filter(|is_published| *is_published).count();
    }
}
