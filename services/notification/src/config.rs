//! The section `notification`.

use serde::{Deserialize, Serialize};
use souk_values::Secret;

/// How notification runs.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotificationConfig {
    /// `notification.store-url`: where notices and mails are kept. `sqlite:notification.db`.
    pub store_url: String,
    /// `notification.smtp-url`: the mail server, such as `smtp://user:password@mail.example.org:587?tls=required`
    /// or `smtps://…`. Secret, for the password in it. Empty, the default: mails become files in `mailbox-dir`.
    pub smtp_url: Secret,
    /// `notification.mailbox-dir`: the folder of `.eml` files when there is no mail server. `mailbox`.
    pub mailbox_dir: String,
    /// `notification.templates-dir`: a folder whose files replace the built-in templates of the same name.
    /// Empty, the default: the built-in ones.
    pub templates_dir: String,
    /// `notification.from`: who mails are from, `Name <address>`. Empty, the default: the shop's name and
    /// `shop@localhost`.
    pub from: String,
}

impl Default for NotificationConfig {
    fn default() -> Self {
        Self {
            store_url: "sqlite:notification.db".to_owned(),
            smtp_url: Secret::default(),
            mailbox_dir: "mailbox".to_owned(),
            templates_dir: String::new(),
            from: String::new(),
        }
    }
}
