//! Some line could not be had: the order is cancelled.

use souk_bus::{Failure, Outcome, Received};
use souk_events::StockRejected;

use super::give;
use crate::{
    App,
    order::{Cause, transition::Input},
};

pub(super) async fn handle(app: App, received: Received<StockRejected>) -> Result<Outcome, Failure> {
    let input = Input::StockRejected { lines: received.event.refused_lines.clone() };
    give(&app, &received, received.event.order_id, (input, Cause::Event(received.event_id))).await
}
