//! Delivery to a mail server over SMTP, behind a circuit breaker.

use std::{sync::Arc, time::Duration};

use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, transport::smtp};
use souk_resilience::{Breaker, BreakerConfig};
use souk_values::{Clock, NotificationId, Secret, error_chain};

use super::{Mailer, SendError};

/// Timeout of one SMTP command.
const COMMAND_LIMIT: Duration = Duration::from_secs(10);
/// Timeout of one mail, connecting included.
const MAIL_LIMIT: Duration = Duration::from_secs(30);

/// Sends over pooled connections.
#[derive(Debug)]
pub(crate) struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    breaker: Arc<Breaker>,
}

impl SmtpMailer {
    /// Errors: a sentence without the URL, which may contain a password; `url` is not an SMTP URL.
    pub(crate) fn new(url: &Secret, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose())
            .map_err(|_| "notification.smtp-url must be a URL that begins with smtp:// or smtps://".to_owned())?;
        let transport = builder.timeout(Some(COMMAND_LIMIT)).build();
        Ok(Self { transport, breaker: Breaker::new("notification", "smtp", breaker_config(), clock) })
    }
}

/// Opens when half of the last ten mails failed, and lets two mails probe the server after 30 s.
fn breaker_config() -> BreakerConfig {
    BreakerConfig {
        sliding_window_size: 10,
        minimum_number_of_calls: 5,
        wait_duration_in_open_state: Duration::from_secs(30),
        permitted_number_of_calls_in_half_open_state: 2,
        max_wait_duration_in_half_open_state: Duration::from_secs(60),
        slow_call_duration_threshold: COMMAND_LIMIT,
        ..BreakerConfig::default()
    }
}

#[async_trait::async_trait]
impl Mailer for SmtpMailer {
    fn breaker(&self) -> Option<Arc<Breaker>> {
        Some(Arc::clone(&self.breaker))
    }

    async fn send(&self, _: NotificationId, message: &Message) -> Result<(), SendError> {
        let permit =
            self.breaker.acquire().map_err(|denied| SendError::Unavailable { retry_after: denied.retry_after })?;
        let raw = message.formatted();
        // Real time: a network timeout is not business logic.
        let sent = tokio::time::timeout(MAIL_LIMIT, self.transport.send_raw(message.envelope(), &raw)).await;
        match sent {
            Ok(Ok(_)) => {
                permit.success();
                Ok(())
            }
            Ok(Err(error)) if is_address_rejected(&error) => {
                permit.success();
                Err(SendError::Rejected(error_chain(&error)))
            }
            Ok(Err(error)) => {
                let cause = error_chain(&error);
                permit.failure(&cause);
                Err(SendError::Failed(cause))
            }
            Err(_) => {
                let cause = format!("the mail server did not answer within {} s", MAIL_LIMIT.as_secs());
                permit.failure(&cause);
                Err(SendError::Failed(cause))
            }
        }
    }
}

/// True when the server itself works and rejects this address. Every other refusal (authentication, quota, policy) may
/// be resolved by an operator, after which a retry delivers the mail.
fn is_address_rejected(error: &smtp::Error) -> bool {
    let code = error.status().map(|code| code.to_string());
    matches!(code.as_deref(), Some("501" | "550" | "551" | "553" | "556"))
}
