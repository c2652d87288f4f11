//! Who takes mails: a mail server, or a folder.

mod folder;
mod smtp;

use std::{fmt, time::Duration};

use lettre::Message;
use souk_values::NotificationId;

pub use folder::{MailFolder, MailboxEntry, MailboxMail};
pub use smtp::SmtpMailer;

/// Takes mails. A mail may be handed over again, with the same Message-ID, when it is not known whether
/// it was taken.
#[async_trait::async_trait]
pub trait Mailer: Send + Sync + fmt::Debug {
    /// Takes one mail. `Ok`: whoever should get it will.
    async fn send(&self, mail_id: NotificationId, message: &Message) -> Result<(), Unsent>;
}

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsent {
    /// It never will be: there is no such address.
    Refused(String),
    /// It may be, later.
    Failed(String),
    /// Nothing was tried; asking is worth it after so long.
    NotNow(Duration),
}
