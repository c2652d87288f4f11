//! Somebody forgot a password: a mail shows the way to a new one.

use souk_bus::{Failure, Outcome, Received};
use souk_events::PasswordResetRequested;

use crate::{app::App, news};

pub async fn handle(app: App, received: Received<PasswordResetRequested>) -> Result<Outcome, Failure> {
    let news = news::password_reset(received.event.clone());
    app.tell(&received, news).await
}
