//! A product can be bought again: told to who wished for it.

use souk_bus::{Failure, Outcome, Received};
use souk_events::StockBack;

use crate::{
    app::App,
    product::{Notice, ProductNews},
};

pub async fn handle(app: App, received: Received<StockBack>) -> Result<Outcome, Failure> {
    let StockBack { product_id, name, price, stock, revision } = received.event;
    let news = ProductNews { product_id, name, price, stock, hidden: false, revision, is_back: true };
    super::hear(app, news, Notice::Back).await
}
