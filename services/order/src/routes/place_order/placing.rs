//! Placing an order: lines from the cart if the body has none, prices from product, one order per key.

use std::collections::HashSet;

use souk_bus::trace;
use souk_events::OrderCreated;
use souk_peers::{cart::ActiveLine, product::QuoteItem};
use souk_sql::SqlError;
use souk_values::{OrderId, UserId};

use crate::{
    app::App,
    error::OrderError,
    metrics,
    order::{Order, OrderDraft, OrderIds, WantedLine},
    store::StoredKey,
};

pub(super) const MAX_LINES: usize = 100;
/// Attempts to find an unused order id.
const ID_ATTEMPTS: u32 = 5;

/// Returns the order that `user` placed with this key before. Errors: the key came with another body.
pub(super) async fn placed_before(app: &App, user: UserId, key: &StoredKey) -> Result<Option<Order>, OrderError> {
    match app.store.placed_with(user, key).await? {
        Some((order, true)) => Ok(Some(order)),
        Some((_, false)) => Err(OrderError::KeyReused),
        None => Ok(None),
    }
}

/// Places `draft`, or the cart of its user if it has no lines.
pub(super) async fn place(app: &App, mut draft: OrderDraft, key: &StoredKey) -> Result<Order, OrderError> {
    let is_from_cart = draft.lines.is_empty();
    if is_from_cart {
        draft.lines = cart_lines(app, draft.user_id).await?;
    }
    let quote = app.products.quote(quote_items(&draft.lines)).await?.items;
    let item_ids = app.ids.next_many(draft.lines.len());
    for _ in 0..ID_ATTEMPTS {
        let now = app.clock.now();
        let ids = OrderIds { order: app.ids.next(), items: &item_ids };
        let order = Order::place(ids, &draft, &quote, app.currency, now)?;
        let created = app.stamper.stamp(&OrderCreated { order: order.facts() });
        let created = created.map_err(|error| OrderError::Defect(error.to_string()))?;
        match app.store.place(&order, key, app.request_cause(), created).await {
            Ok(()) => {
                metrics::order_placed();
                if is_from_cart {
                    notify_cart(app, &order);
                }
                return Ok(order);
            }
            // A concurrent request inserted the same key, another order holds a line of the cart, or the random id is taken.
            Err(SqlError::Unique(_)) => {
                if let Some(order) = placed_before(app, draft.user_id, key).await? {
                    return Ok(order);
                }
                if let Some(first) = app.store.holder_of_lines(&order).await? {
                    return Err(already_ordered(app, first).await?);
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(OrderError::Defect(format!("{ID_ATTEMPTS} ids in a row were taken")))
}

/// Returns the refusal of a cart that `first` has ordered, and notifies cart again: its first notification may be lost.
async fn already_ordered(app: &App, first: OrderId) -> Result<OrderError, OrderError> {
    if let Some(order) = app.store.order(first).await? {
        notify_cart(app, &order);
    }
    Ok(OrderError::CartAlreadyOrdered(first))
}

async fn cart_lines(app: &App, user: UserId) -> Result<Vec<WantedLine>, OrderError> {
    let lines = app.cart.active_lines(user).await?;
    if lines.is_empty() {
        return Err(OrderError::CartEmpty);
    }
    if lines.len() > MAX_LINES {
        return Err(OrderError::TooManyLines);
    }
    let wanted = |ActiveLine { cart_item_id, product_id, quantity }| WantedLine {
        product_id,
        quantity,
        cart_item_id: Some(cart_item_id),
    };
    Ok(lines.into_iter().map(wanted).collect())
}

/// Lists each product once, as a quote requires; a cart may have two lines of one product.
fn quote_items(lines: &[WantedLine]) -> Vec<QuoteItem> {
    let mut seen = HashSet::new();
    let first = lines.iter().filter(|line| seen.insert(line.product_id));
    first.map(|line| QuoteItem { product_id: line.product_id, quantity: line.quantity }).collect()
}

/// Notifies cart in the background, so that the ordered lines leave the cart immediately. Best effort: the
/// event `order.created.v1` guarantees the same later.
fn notify_cart(app: &App, order: &Order) {
    let lines = order.lines.iter().filter_map(|line| {
        let cart_item_id = line.cart_item_id.clone()?;
        Some(ActiveLine { cart_item_id, product_id: line.product_id, quantity: line.quantity })
    });
    let lines = lines.collect();
    let cart = app.cart.clone();
    let user = order.user_id;
    let order = order.order_id;
    let notifying = async move {
        if let Err(error) = cart.mark_ordered(user, order, lines).await {
            tracing::info!(order.id = %order, error = %error, "cart was not notified of an order and will learn of it from the event");
        }
    };
    tokio::spawn(trace::within(trace::current(), notifying));
}
