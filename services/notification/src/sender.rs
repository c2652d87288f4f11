//! Sends what is queued: claims mails, hands them to the mailer, writes down what became of them.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, stream};
use lettre::message::Mailbox;
use serde_json::{Map, Value};
use souk_sql::SqlError;
use souk_values::{Clock, IdGen, NotificationId, Timestamp, clock};
use tokio_util::sync::CancellationToken;

use crate::{
    letter,
    mailer::{Mailer, Unsent},
    metrics::{self, MailOutcome},
    store::{Claim, NotificationStore, Outgoing, Settled},
    templates::Templates,
};

/// Mails claimed at once.
const BATCH: u64 = 32;
/// Mails on their way at the same time.
const AT_ONCE: usize = 8;
/// How long claimed mails are nobody else's: longer than a whole batch can take.
const LEASE: Duration = Duration::from_secs(180);
/// How often the queue is looked at though nobody said that something was queued.
const POLL: Duration = Duration::from_secs(1);
/// The pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);
/// With the pauses above, about three days.
const ATTEMPTS: u32 = 80;

/// The sender. Any number of them may work on one store.
#[derive(Debug)]
pub struct Sender {
    /// Where mails are queued.
    pub store: NotificationStore,
    /// Who takes them.
    pub mailer: Arc<dyn Mailer>,
    /// Their words.
    pub templates: Templates,
    /// Who they are from.
    pub from: Mailbox,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// For tokens and jitter.
    pub ids: IdGen,
}

/// What one look at the queue found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// There may be more.
    Full,
    /// Nothing more is due.
    Drained,
    /// The mailer wants to be left alone for so long.
    NotNow(Duration),
}

impl Sender {
    /// Sends until `stop`: at once when something is queued, and every second anyway.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let pass = self.pass().await.unwrap_or_else(|error| {
                tracing::warn!(error = %error, "mails wait; sending is tried again");
                Pass::NotNow(POLL)
            });
            match pass {
                Pass::Full => {}
                Pass::Drained => tokio::select! {
                    () = self.store.queued() => {}
                    () = clock::sleep(&*self.clock, POLL) => {}
                    () = stop.cancelled() => {}
                },
                Pass::NotNow(pause) => tokio::select! {
                    () = clock::sleep(&*self.clock, pause) => {}
                    () = stop.cancelled() => {}
                },
            }
        }
    }

    /// Sends one batch of what is due.
    pub async fn pass(&self) -> Result<Pass, SqlError> {
        let now = self.clock.now();
        let token = self.ids.uuid().to_string();
        let claim = Claim { token: token.clone(), now, until: now.plus(LEASE), limit: BATCH };
        let claimed = self.store.claim_mails(claim).await?;
        let mut pass = if claimed.len() < usize::try_from(BATCH).unwrap_or(0) { Pass::Drained } else { Pass::Full };
        if !claimed.is_empty() {
            let sending = stream::iter(claimed).map(|mail| async move { (mail.mail_id, self.send(&mail).await) });
            let outcomes: Vec<(NotificationId, Settled)> = sending.buffer_unordered(AT_ONCE).collect().await;
            let now = self.clock.now();
            for (_, outcome) in &outcomes {
                if let Settled::Untried { due_at } = outcome {
                    pass = Pass::NotNow(due_at.since(now));
                }
            }
            self.store.settle_mails(token, now, outcomes).await?;
        }
        metrics::queued(self.store.mails_queued().await?);
        Ok(pass)
    }

    async fn send(&self, mail: &Outgoing) -> Settled {
        let now = self.clock.now();
        if mail.good_until.is_some_and(|until| until < now) {
            metrics::attempted(mail.kind, MailOutcome::Lapsed);
            return Settled::Failed { error: "its time had passed".to_owned() };
        }
        let sending = async {
            let message = self.seal(mail, now)?;
            self.mailer.send(mail.mail_id, &message).await
        };
        // A panic is a defect; one mail's must not stop all the others.
        let caught = AssertUnwindSafe(sending).catch_unwind().await;
        self.judge(mail, caught.unwrap_or_else(|_| Err(Unsent::Failed("writing or sending it panicked".to_owned()))))
    }

    fn seal(&self, mail: &Outgoing, now: Timestamp) -> Result<lettre::Message, Unsent> {
        let facts: Result<Map<String, Value>, _> = serde_json::from_str(&mail.facts);
        let mut facts = facts.map_err(|_| Unsent::Refused("its facts cannot be read".to_owned()))?;
        facts.insert("name".to_owned(), Value::String(mail.to.name.clone()));
        // A template may be mended: this mail waits for it.
        let bodies = self.templates.bodies(mail.kind, &facts).map_err(|error| Unsent::Failed(error.to_string()))?;
        letter::seal(mail, bodies, &self.from, now).map_err(Unsent::Refused)
    }

    fn judge(&self, mail: &Outgoing, outcome: Result<(), Unsent>) -> Settled {
        let (label, settled) = match outcome {
            Ok(()) => {
                tracing::debug!(mail.id = %mail.mail_id, mail.kind = mail.kind.name(), "a mail was sent");
                (MailOutcome::Sent, Settled::Sent)
            }
            Err(Unsent::NotNow(after)) => return Settled::Untried { due_at: self.clock.now().plus(after) },
            Err(Unsent::Failed(error)) if mail.attempts + 1 < ATTEMPTS => {
                let after = pause(mail.attempts);
                tracing::warn!(mail.id = %mail.mail_id, mail.kind = mail.kind.name(), attempt = mail.attempts + 1,
                    error, "a mail was not sent and is tried again");
                let due_at = self.clock.now().plus(after).plus(self.ids.jitter(after / 4));
                (MailOutcome::Retried, Settled::Again { due_at, error })
            }
            Err(Unsent::Failed(error) | Unsent::Refused(error)) => {
                tracing::error!(mail.id = %mail.mail_id, mail.kind = mail.kind.name(), error, "a mail is given up");
                (MailOutcome::Failed, Settled::Failed { error })
            }
        };
        metrics::attempted(mail.kind, label);
        settled
    }
}

/// The pause after a failure, by how many there were before it.
fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour_and_span_days() {
        assert_eq!(
            [0, 1, 2, 10, 31, 32, 79].map(|failures| pause(failures).as_secs()),
            [5, 10, 20, 3_600, 3_600, 3_600, 3_600]
        );
        let all: Duration = (0..ATTEMPTS).map(pause).sum();
        assert!((2..=4).contains(&(all.as_secs() / 86_400)), "{all:?}");
    }
}
