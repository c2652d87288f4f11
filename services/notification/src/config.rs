//! Configuration of the notification service.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use souk_values::{DAY, Secret};

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
    /// `notification.notices-kept-days`: age in days from which notices are deleted, and the latest versions of their subjects.
    /// At least 31. Default: 365.
    pub notices_kept_days: u32,
    /// `notification.mails-kept-days`: age in days from which mails that were sent or given up are deleted, and their files in
    /// `mailbox-dir`. At least 31. Default: 90.
    pub mails_kept_days: u32,
}

/// Shortest time for which notices and mails are kept: longer than a transport redelivers their events, and than a mail waits
/// to be sent.
const LEAST_DAYS: u32 = 31;

/// Returns the time that `days` are, of the key `notification.{key}`. Errors: too short.
pub(crate) fn kept_for(key: &str, days: u32) -> Result<Duration, String> {
    if days < LEAST_DAYS {
        return Err(format!("notification.{key} must be at least {LEAST_DAYS}"));
    }
    Ok(DAY.saturating_mul(days))
}

impl Default for NotificationConfig {
    fn default() -> Self {
        Self {
            store_url: "sqlite:notification.db".to_owned(),
            smtp_url: Secret::default(),
            mailbox_dir: "mailbox".to_owned(),
            templates_dir: String::new(),
            from: String::new(),
            notices_kept_days: 365,
            mails_kept_days: 90,
        }
    }
}
