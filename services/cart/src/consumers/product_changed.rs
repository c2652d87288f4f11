//! A product changed: its copy follows, and a lower price is told to who wished for it.

use souk_bus::{Failure, Outcome, Received};
use souk_events::ProductChanged;

use crate::{
    app::App,
    product::{Notice, ProductNews},
};

pub async fn handle(app: App, received: Received<ProductChanged>) -> Result<Outcome, Failure> {
    let ProductChanged { product_id, sku: _, name, price, stock, hidden, revision } = received.event;
    let news = ProductNews { product_id, name, price, stock, hidden, revision, is_back: false };
    super::hear(app, news, Notice::PriceDrop).await
}
