//! Does to an order what a request, an event or a deadline asks, and lets everyone concerned know.

use souk_sql::SqlError;
use souk_values::{OrderId, UserId};
use uuid::Uuid;

use crate::{
    App, metrics,
    order::{Cause, transition::Input},
    store::{Act, Changed},
};

impl App {
    /// Gives `input` to the order. `owner`: only if it is this user's.
    pub(crate) async fn act(
        &self,
        order_id: OrderId,
        owner: Option<UserId>,
        (input, cause): (Input, Cause),
        inbox: Option<(&'static str, Uuid)>,
    ) -> Result<Changed, SqlError> {
        let (now, stamper) = (self.clock.now(), self.stamper.in_this_trace());
        let changed = self.store.change(Act { order_id, owner, input, cause, inbox, now, stamper }).await?;
        if let Changed::Applied(change) = &changed {
            metrics::changed(change);
            self.waiters.wake(order_id);
        }
        Ok(changed)
    }

    /// The cause of a request: there is never another of the same.
    pub(crate) fn request(&self) -> Cause {
        Cause::Request(self.ids.uuid())
    }
}
