//! Somebody registered: where to write, and a welcome.

use souk_bus::{Failure, Outcome, Received};
use souk_events::UserRegistered;

use crate::{app::App, news};

pub async fn handle(app: App, received: Received<UserRegistered>) -> Result<Outcome, Failure> {
    let (contact, news) = (news::contact_registered(&received.event), news::welcome(&received.event));
    app.take(&received, Some(contact), Some(news)).await
}
