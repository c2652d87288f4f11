//! The order's stock is reserved: it is confirmed.

use souk_bus::{Failure, Outcome, Received};
use souk_events::StockReserved;

use super::give;
use crate::{
    App,
    order::{Cause, transition::Input},
};

pub(super) async fn handle(app: App, received: Received<StockReserved>) -> Result<Outcome, Failure> {
    let input = Input::StockReserved { pay_within: app.config.pay_within() };
    give(&app, &received, received.event.order_id, (input, Cause::Event(received.event_id))).await
}
