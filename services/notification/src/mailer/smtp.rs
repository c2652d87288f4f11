//! A mail server, by SMTP, behind a circuit breaker.

use std::{sync::Arc, time::Duration};

use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, transport::smtp};
use souk_resilience::{Breaker, BreakerConfig};
use souk_values::{Clock, NotificationId, Secret};

use super::{Mailer, Unsent};

/// How long the server may take for one command.
const COMMAND_LIMIT: Duration = Duration::from_secs(10);
/// How long it may take for a whole mail.
const MAIL_LIMIT: Duration = Duration::from_secs(30);

/// Hands mails to a mail server over pooled connections.
#[derive(Debug)]
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    breaker: Arc<Breaker>,
}

impl SmtpMailer {
    /// The server at `url`. Errors: it is no smtp(s) address, for people; never holds the password.
    pub fn new(url: &Secret, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose())
            .map_err(|_| "notification.smtp-url is none of smtp://… and smtps://…".to_owned())?;
        let transport = builder.timeout(Some(COMMAND_LIMIT)).build();
        Ok(Self { transport, breaker: Breaker::new("notification", "smtp", breaker_config(), clock) })
    }
}

/// Opens when half of the last ten mails failed, and tries again after half a minute.
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
    async fn send(&self, _: NotificationId, message: &Message) -> Result<(), Unsent> {
        let permit = self.breaker.acquire().map_err(|denied| Unsent::NotNow(denied.retry_after))?;
        let raw = message.formatted();
        // A network wait, not business time: it runs by tokio's timer and not by the injected clock.
        let sent = tokio::time::timeout(MAIL_LIMIT, self.transport.send_raw(message.envelope(), &raw)).await;
        match sent {
            Ok(Ok(_)) => {
                permit.success();
                Ok(())
            }
            Ok(Err(error)) if is_about_the_address(&error) => {
                permit.success();
                Err(Unsent::Refused(chain(&error)))
            }
            Ok(Err(error)) => {
                permit.failure();
                Err(Unsent::Failed(chain(&error)))
            }
            Err(_) => {
                permit.failure();
                Err(Unsent::Failed(format!("the mail server took longer than {} s", MAIL_LIMIT.as_secs())))
            }
        }
    }
}

/// The server works and says that this address does not; any other refusal (a password, a limit, a
/// policy) may be mended, and the mail with it.
fn is_about_the_address(error: &smtp::Error) -> bool {
    let code = error.status().map(|code| code.to_string());
    matches!(code.as_deref(), Some("501" | "550" | "551" | "553" | "556"))
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        // lettre's own words already end in the first cause.
        if text.ends_with(&cause) { text } else { format!("{text}: {cause}") }
    })
}
