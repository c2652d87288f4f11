//! Placing: lines from the cart if none are given, prices from the shop, the order once per key.

use std::collections::HashSet;

use souk_bus::trace;
use souk_events::OrderCreated;
use souk_peers::{cart::ActiveLine, product::QuoteItem};
use souk_sql::SqlError;
use souk_values::UserId;

use crate::{
    App,
    error::OrderError,
    metrics,
    order::{Draft, Order, WantedLine},
    store::StoredKey,
};

/// The most lines of an order.
pub(super) const MAX_LINES: usize = 100;
/// How often an id that is taken is drawn anew.
const DRAWS: u32 = 5;

/// The order that `user` placed with this key before. Errors: it came with another body.
pub(super) async fn earlier(app: &App, user: UserId, key: &StoredKey) -> Result<Option<Order>, OrderError> {
    match app.store.placed_with(user, key).await? {
        Some((order, true)) => Ok(Some(order)),
        Some((_, false)) => Err(OrderError::KeyReused),
        None => Ok(None),
    }
}

/// Places what `draft` wants, or what its user's cart holds.
pub(super) async fn place(app: &App, mut draft: Draft, key: &StoredKey) -> Result<Order, OrderError> {
    let is_from_cart = draft.lines.is_empty();
    if is_from_cart {
        draft.lines = cart_lines(app, draft.user_id).await?;
    }
    let quote = app.products.quote(quote_items(&draft.lines)).await?.items;
    let item_ids = app.ids.next_many(draft.lines.len());
    for _ in 0..DRAWS {
        let now = app.clock.now();
        let order = Order::place(app.ids.next(), &draft, (&quote, &item_ids), app.currency, now)?;
        let created = app.stamper.stamp(&OrderCreated { order: order.facts() });
        let created = created.map_err(|error| OrderError::Defect(error.to_string()))?;
        match app.store.place(&order, key, app.request(), created).await {
            Ok(()) => {
                metrics::placed();
                if is_from_cart {
                    tell_cart(app, &order);
                }
                return Ok(order);
            }
            // The key, by a request at the same time; or the id, by chance.
            Err(SqlError::Unique(_)) => {
                if let Some(order) = earlier(app, draft.user_id, key).await? {
                    return Ok(order);
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(OrderError::Defect(format!("{DRAWS} ids in a row were taken")))
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

/// Each product once, as a quote takes them.
fn quote_items(lines: &[WantedLine]) -> Vec<QuoteItem> {
    let mut seen = HashSet::new();
    let first = lines.iter().filter(|line| seen.insert(line.product_id));
    first.map(|line| QuoteItem { product_id: line.product_id, quantity: line.quantity }).collect()
}

/// Best effort, so that the cart shows it at once; the event is what guarantees it.
fn tell_cart(app: &App, order: &Order) {
    let lines = order.lines.iter().filter_map(|line| {
        let cart_item_id = line.cart_item_id.clone()?;
        Some(ActiveLine { cart_item_id, product_id: line.product_id, quantity: line.quantity })
    });
    let (cart, user, order, lines) = (app.cart.clone(), order.user_id, order.order_id, lines.collect());
    let telling = async move {
        if let Err(error) = cart.ordered(user, order, lines).await {
            tracing::info!(order.id = %order, error = %error, "the cart hears of an order by its event only");
        }
    };
    tokio::spawn(trace::within(trace::current(), telling));
}
