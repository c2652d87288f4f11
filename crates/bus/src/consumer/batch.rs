//! Handles one batch of messages and decides on the verdict for each.

use std::collections::HashMap;

use futures::future::join_all;

use crate::{
    Delivery, Failure, Outcome, Verdict,
    handler::Handlers,
    metrics,
    redelivery::{MAX_ATTEMPTS, delay},
};

/// The result of a batch.
#[derive(Default)]
pub(super) struct Handled {
    /// Messages that were handled, successfully or not.
    pub verdicts: Vec<(Delivery, Verdict)>,
    /// Messages that wait for an unavailable engine, in their original order.
    pub held: Vec<Delivery>,
    /// Error of the unavailable engine; `None` if no message waits.
    pub unavailable: Option<String>,
}

/// Handles messages of the same subject in order and those of different subjects concurrently.
pub(super) async fn handle(handlers: &Handlers, batch: Vec<Delivery>) -> Handled {
    let mut subjects: Vec<Vec<Delivery>> = Vec::new();
    let mut index_of: HashMap<String, usize> = HashMap::new();
    for delivery in batch {
        let index = *index_of.entry(delivery.envelope.subject.clone()).or_insert(subjects.len());
        match subjects.get_mut(index) {
            Some(deliveries) => deliveries.push(delivery),
            None => subjects.push(vec![delivery]),
        }
    }
    let results = join_all(subjects.into_iter().map(|deliveries| handle_in_order(handlers, deliveries))).await;
    results.into_iter().fold(Handled::default(), |mut all, one| {
        all.verdicts.extend(one.verdicts);
        all.held.extend(one.held);
        all.unavailable = one.unavailable.or(all.unavailable);
        all
    })
}

async fn handle_in_order(handlers: &Handlers, deliveries: Vec<Delivery>) -> Handled {
    let mut handled = Handled::default();
    for delivery in deliveries {
        // Messages behind a held one are held too, so that a subject's events keep their order.
        if handled.unavailable.is_some() {
            handled.held.push(delivery);
            continue;
        }
        let outcome = handlers.handle(delivery.envelope.clone()).await;
        match verdict(handlers, &delivery, outcome) {
            Ok(verdict) => handled.verdicts.push((delivery, verdict)),
            Err(error) => {
                handled.unavailable = Some(error);
                handled.held.push(delivery);
            }
        }
    }
    handled
}

/// Decides on the verdict for a message, and counts it. Errors: the consumer's engine is unavailable.
fn verdict(handlers: &Handlers, delivery: &Delivery, outcome: Result<Outcome, Failure>) -> Result<Verdict, String> {
    let queue = handlers.queue;
    let envelope = &delivery.envelope;
    let (label, verdict) = match outcome {
        Ok(Outcome::Applied) => ("applied", Ok(Verdict::Ack)),
        Ok(Outcome::Ignored) => ("ignored", Ok(Verdict::Ack)),
        Err(Failure::Unavailable(error)) => ("postponed", Err(error)),
        Err(Failure::Handling(error)) if delivery.attempts + 1 < MAX_ATTEMPTS => {
            tracing::warn!(queue = queue.name, event.id = %envelope.id, event.kind = %envelope.event_type,
                attempt = delivery.attempts + 1, error = %error, "an event failed and will be redelivered");
            ("retried", Ok(Verdict::Retry { after: delay(delivery.attempts) }))
        }
        Err(Failure::Handling(error)) => {
            tracing::error!(queue = queue.name, event.id = %envelope.id, event.kind = %envelope.event_type,
                error = %error, "an event failed too often and became a dead letter");
            ("dead", Ok(Verdict::Dead { error }))
        }
    };
    metrics::count_event(queue.service(), envelope.event_type.clone(), label);
    verdict
}
