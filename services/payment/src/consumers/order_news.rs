//! Any event of an order: the copy is brought to its version, and a cancelled order gives back what is captured.

use souk_bus::{Failure, Outcome, Received};
use souk_events::{
    Event, OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderFacts, OrderPaid, OrderShipped,
};

use crate::{
    account::{Account, Decision, OrderNews, OrderState},
    app::{App, Step, Tried},
    store::Cause,
};

/// An event that carries the whole order.
pub(super) trait TellsOrder: Event {
    /// How far the order is after it.
    const STATE: OrderState;
    /// The order.
    fn facts(&self) -> &OrderFacts;
}

macro_rules! tells_order {
    ($($event:ident: $state:ident;)*) => {$(
        impl TellsOrder for $event {
            const STATE: OrderState = OrderState::$state;
            fn facts(&self) -> &OrderFacts {
                &self.order
            }
        }
    )*};
}

tells_order! {
    OrderCreated: Created;
    OrderConfirmed: Confirmed;
    OrderCancelled: Cancelled;
    OrderPaid: Confirmed;
    OrderShipped: Confirmed;
    OrderDelivered: Confirmed;
}

pub(super) async fn handle<E: TellsOrder>(app: App, received: Received<E>) -> Result<Outcome, Failure> {
    let news = OrderNews::new(received.event.facts(), E::STATE);
    let cause = Cause { queue: received.queue, event_id: received.event_id };
    let decide = |known| match Account::learn(known, &news, app.fresh()) {
        Some(account) => Step::Save(Decision { account, facts: Vec::new() }, true),
        None => Step::Leave(false),
    };
    match app.change(news.order_id, Some(cause), decide).await? {
        Tried::Done(is_newer) => Ok(is_newer.into()),
        Tried::Conflict | Tried::Duplicate => Ok(Outcome::Ignored),
    }
}
