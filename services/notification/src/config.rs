//! Configuration of the notification service.

use serde::{Deserialize, Serialize};
use souk_values::Secret;

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotificationConfig {
    /// `notification.store-url`: URL of the store. Default: `sqlite:notification.db`.
    pub store_url: String,
    /// `notification.smtp-url`: URL of the mail server, such as `smtp://user:password@mail.example.org:587?tls=required`
    /// or `smtps://…`. Secret, because it may contain a password. Default: empty, mails are files in `mailbox-dir`.
    pub smtp_url: Secret,
    /// `notification.mailbox-dir`: folder of `.eml` files, used without a mail server. Default: `mailbox`.
    pub mailbox_dir: String,
    /// `notification.templates-dir`: folder whose files replace the built-in English templates of the same name, and those in
    /// its folder `de` the German ones. Default: empty, no template is replaced.
    pub templates_dir: String,
    /// `notification.from`: sender of all mails, as `Name <address>`. Default: empty, the shop's name and
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
