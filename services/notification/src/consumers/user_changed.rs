//! A name, address or role changed: where to write from now on.

use souk_bus::{Failure, Outcome, Received};
use souk_events::UserChanged;

use crate::{app::App, news};

pub async fn handle(app: App, received: Received<UserChanged>) -> Result<Outcome, Failure> {
    let contact = news::contact_changed(&received.event);
    app.take(&received, Some(contact), None).await
}
