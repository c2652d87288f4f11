//! Sends queued mails: claims a batch, hands it to the mailer, and records the outcomes.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{FutureExt, StreamExt, stream};
use lettre::message::Mailbox;
use serde_json::{Map, Value};
use souk_sql::SqlError;
use souk_values::{Clock, IdGen, NotificationId, clock};
use tokio_util::sync::CancellationToken;

use crate::{
    mailer::{Mailer, SendError},
    metrics::{self, MailOutcome},
    mime,
    store::{Claim, Delivery, NotificationStore, OutgoingMail},
    templates::{MailText, Templates},
};

/// Mails in one claim.
const BATCH: u64 = 32;
/// Time for which queued mails are collected, so that they share a claim. In real time, unlike the terms of the business.
const COLLECTED_FOR: Duration = Duration::from_millis(100);
/// Mails of one batch that are sent concurrently.
const CONCURRENCY: usize = 8;
/// Lifetime of a claim. Longer than the slowest batch: 32 mails, 8 at a time, 30 s each.
const LEASE: Duration = Duration::from_secs(180);
/// Pause before the queue is checked again without a wake-up: for retries, and for mails that other replicas queue.
const POLL: Duration = Duration::from_secs(1);
/// Pause after the first failure; doubled by each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);
/// With the pauses above, about three days.
const MAX_ATTEMPTS: u32 = 80;

/// Any number of senders, in any number of replicas, may work on one store.
#[derive(Debug)]
pub(crate) struct Sender {
    pub store: NotificationStore,
    pub mailer: Arc<dyn Mailer>,
    pub templates: Templates,
    pub from: Mailbox,
    pub clock: Arc<dyn Clock>,
    /// Source of claim tokens and jitter.
    pub ids: IdGen,
}

/// State of the queue after a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Queue {
    /// More mails may be due.
    MayHaveMore,
    Drained,
    /// The mailer accepts nothing for this long.
    Blocked(Duration),
}

impl Sender {
    /// Sends until `stop`, and finishes the current batch then.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        let mut reported: Option<Instant> = None;
        while !stop.is_cancelled() {
            let queue = self.send_batch().await.unwrap_or_else(|error| {
                tracing::warn!(error = %error, "the mail queue could not be read or updated and will be retried");
                Queue::Blocked(POLL)
            });
            // Not after every batch: it counts all mails that wait.
            if reported.is_none_or(|at| at.elapsed() >= POLL) {
                self.report().await;
                reported = Some(Instant::now());
            }
            match queue {
                Queue::MayHaveMore => {}
                Queue::Drained => tokio::select! {
                    () = self.more_mails() => {}
                    () = clock::sleep(&*self.clock, POLL) => {}
                    () = stop.cancelled() => {}
                },
                Queue::Blocked(pause) => tokio::select! {
                    () = clock::sleep(&*self.clock, pause) => {}
                    () = stop.cancelled() => {}
                },
            }
        }
    }

    /// Waits until a mail is queued, and a moment for others that follow it.
    async fn more_mails(&self) {
        self.store.mail_queued().await;
        tokio::time::sleep(COLLECTED_FOR).await;
    }

    async fn send_batch(&self) -> Result<Queue, SqlError> {
        let now = self.clock.now();
        let token = self.ids.uuid().to_string();
        let claim = Claim { token: token.clone(), now, until: now.plus(LEASE), limit: BATCH };
        let claimed = self.store.claim_mails(claim).await?;
        let is_short = claimed.len() < usize::try_from(BATCH).unwrap_or(0);
        let mut queue = if is_short { Queue::Drained } else { Queue::MayHaveMore };
        if !claimed.is_empty() {
            let sending = stream::iter(claimed).map(|mail| async move { (mail.mail_id, self.send(&mail).await) });
            let deliveries: Vec<(NotificationId, Delivery)> = sending.buffer_unordered(CONCURRENCY).collect().await;
            let now = self.clock.now();
            for (_, delivery) in &deliveries {
                if let Delivery::Postponed { due_at } = delivery {
                    queue = Queue::Blocked(due_at.since(now));
                }
            }
            self.store.settle_mails(token, now, deliveries).await?;
        }
        Ok(queue)
    }

    async fn report(&self) {
        match self.store.mails_queued().await {
            Ok(queued) => metrics::mails_queued(queued),
            Err(error) => tracing::warn!(error = %error, "the mails that wait could not be counted"),
        }
    }

    async fn send(&self, mail: &OutgoingMail) -> Delivery {
        let now = self.clock.now();
        if mail.good_until < now {
            metrics::mail_attempted(mail.kind, MailOutcome::Lapsed);
            return Delivery::Failed { error: "it expired before it could be sent".to_owned() };
        }
        let sending = async {
            let text = self.render(mail)?;
            let subject = (text.subject != mail.subject).then(|| text.subject.clone());
            let message = mime::compose(mail, text, &self.from, now).map_err(SendError::Rejected)?;
            self.mailer.send(mail.mail_id, &message).await?;
            Ok::<_, SendError>(subject)
        };
        // A panic is a defect; that of one mail must not stop all others.
        let caught = AssertUnwindSafe(sending).catch_unwind().await;
        let result = caught.unwrap_or_else(|_| Err(SendError::Failed("composing or sending it panicked".to_owned())));
        self.delivery(mail, result)
    }

    /// Renders the mail in the language that its recipient has now, which may be another than when it was queued.
    fn render(&self, mail: &OutgoingMail) -> Result<MailText, SendError> {
        let facts: Result<Map<String, Value>, _> = serde_json::from_str(&mail.facts);
        let mut facts =
            facts.map_err(|_| SendError::Rejected("its template variables are not valid JSON".to_owned()))?;
        facts.insert("name".to_owned(), Value::String(mail.to.name.clone()));
        // Retried rather than given up: the template may be corrected meanwhile.
        self.templates.mail(mail.language, mail.kind, &facts).map_err(|error| SendError::Failed(error.to_string()))
    }

    /// `result` is the subject that the mail was sent with, if another than it was queued with.
    fn delivery(&self, mail: &OutgoingMail, result: Result<Option<String>, SendError>) -> Delivery {
        let (outcome, delivery) = match result {
            Ok(subject) => {
                tracing::debug!(mail.id = %mail.mail_id, mail.kind = mail.kind.name(), "a mail was sent");
                (MailOutcome::Sent, Delivery::Sent { subject })
            }
            Err(SendError::Unavailable { retry_after }) => {
                return Delivery::Postponed { due_at: self.clock.now().plus(retry_after) };
            }
            Err(SendError::Failed(error)) if mail.attempts + 1 < MAX_ATTEMPTS => {
                let after = pause(mail.attempts);
                tracing::warn!(mail.id = %mail.mail_id, mail.kind = mail.kind.name(), attempt = mail.attempts + 1,
                    error, "a mail was not sent and will be retried");
                let due_at = self.clock.now().plus(after).plus(self.ids.jitter(after / 4));
                (MailOutcome::Retried, Delivery::Retry { due_at, error })
            }
            Err(SendError::Failed(error) | SendError::Rejected(error)) => {
                tracing::error!(mail.id = %mail.mail_id, mail.kind = mail.kind.name(), error, "a mail was given up");
                (MailOutcome::Failed, Delivery::Failed { error })
            }
        };
        metrics::mail_attempted(mail.kind, outcome);
        delivery
    }
}

/// Returns the pause after a failure that `failures` others preceded.
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
        let all: Duration = (0..MAX_ATTEMPTS).map(pause).sum();
        assert!((2..=4).contains(&(all.as_secs() / 86_400)), "{all:?}");
    }
}
