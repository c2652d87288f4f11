//! The two ways to deliver mail: a mail server, or a folder of files.

mod folder;
mod redaction;
mod smtp;

use std::{fmt, sync::Arc, time::Duration};

use lettre::Message;
use souk_resilience::Breaker;
use souk_values::NotificationId;

pub(crate) use folder::{MailFolder, MailboxEntry, MailboxMail};
pub(crate) use smtp::SmtpMailer;

/// Delivers mails. One mail may be sent again, under the same Message-ID, when the outcome of an attempt is unknown.
#[async_trait::async_trait]
pub(crate) trait Mailer: Send + Sync + fmt::Debug {
    async fn send(&self, mail_id: NotificationId, message: &Message) -> Result<(), SendError>;

    /// Returns the circuit breaker in front of the mail server; `None` without one.
    fn breaker(&self) -> Option<Arc<Breaker>> {
        None
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SendError {
    /// Permanent: the mail can never be delivered to this address.
    Rejected(String),
    /// Temporary or unknown: a retry can succeed.
    Failed(String),
    /// Nothing was attempted: the circuit breaker is open.
    Unavailable { retry_after: Duration },
}
