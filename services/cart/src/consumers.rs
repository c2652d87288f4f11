//! What is consumed, and by which handler.

mod order_cancelled;
mod order_created;
mod order_paid;
mod product_changed;
mod stock_back;

use futures::{StreamExt, TryStreamExt, stream};
use souk_bus::{Consumer, Failure, Outcome};
use souk_events::{OrderCancelled, OrderCreated, OrderFacts, OrderPaid, ProductChanged, StockBack, queue};

use crate::{
    app::App,
    cart::{Act, OrderStep, OrderedLine, Stage},
    product::{KnownProduct, Notice, ProductNews},
    store::{Cause, StoreError, Telling},
};

/// Users told side by side, so that their transactions share a commit.
const TOLD_AT_ONCE: usize = 16;
/// Users read at once.
const UNTOLD_BATCH: u64 = 500;

/// The consumers of this service.
pub fn all(app: &App) -> Vec<Consumer> {
    vec![
        Consumer::new(&queue::CART_ORDERS)
            .on::<OrderCreated, _, _, _>(app, order_created::handle)
            .on::<OrderPaid, _, _, _>(app, order_paid::handle)
            .on::<OrderCancelled, _, _, _>(app, order_cancelled::handle),
        Consumer::new(&queue::CART_PRODUCTS)
            .on::<ProductChanged, _, _, _>(app, product_changed::handle)
            .on::<StockBack, _, _, _>(app, stock_back::handle),
    ]
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Engine(error) => error.into(),
            StoreError::Refused(_) | StoreError::Event(_) => Self::Message(error.to_string()),
        }
    }
}

/// Lets the owner's cart follow an order. An order without lines from the cart does not concern it.
async fn follow(app: App, cause: Cause, order: OrderFacts, stage: Stage) -> Result<Outcome, Failure> {
    let line = |line: souk_events::OrderLine| {
        Some(OrderedLine {
            cart_item_id: line.cart_item_id?,
            product_id: line.product_id,
            quantity: line.quantity,
            spare_id: app.new_item_id(),
        })
    };
    let lines: Vec<OrderedLine> = order.items.into_iter().filter_map(line).collect();
    if lines.is_empty() {
        return Ok(Outcome::Ignored);
    }
    let step = OrderStep { order_id: order.order_id, version: order.version, stage, lines };
    let done = app.act_because(order.user_id, Act::Follow(step), Some(cause)).await?;
    Ok(done.is_applied.into())
}

/// Takes `news` into the copy, then tells `notice` to everybody to whom it is still due.
///
/// The revisions in the copy and in each wish are the inbox here: a repeated event changes nothing,
/// and one that was broken off half told goes on where it stopped.
async fn hear(app: App, news: ProductNews, notice: Notice) -> Result<Outcome, Failure> {
    if news.price.currency != app.currency {
        return Err(Failure::Message(format!("a price in {} instead of {}", news.price.currency, app.currency)));
    }
    let (known, is_new) = app.store.learn(news).await?;
    let told = tell(&app, &known, notice).await?;
    Ok((is_new || told > 0).into())
}

async fn tell(app: &App, known: &KnownProduct, notice: Notice) -> Result<usize, Failure> {
    let Some(revision) = known.owes(notice) else { return Ok(0) };
    let product_id = known.product_id;
    let (mut told, mut after) = (0, None);
    loop {
        let users = app.store.untold(product_id, (notice, revision), after, UNTOLD_BATCH).await?;
        let Some(last) = users.last() else { return Ok(told) };
        after = Some(*last);
        let tellings = users.into_iter().map(|user_id| {
            let stamped = match notice {
                Notice::Back => app.stamper.stamp(&known.back_in_stock(user_id)),
                Notice::PriceDrop => app.stamper.stamp(&known.price_dropped(user_id)),
            };
            async move {
                let envelope = stamped.map_err(StoreError::from)?;
                app.store.tell(Telling { user_id, product_id, notice, revision, envelope }).await
            }
        });
        let done: Vec<bool> = stream::iter(tellings).buffer_unordered(TOLD_AT_ONCE).try_collect().await?;
        told += done.into_iter().filter(|is_told| *is_told).count();
    }
}
