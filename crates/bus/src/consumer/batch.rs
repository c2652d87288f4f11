//! Handles the messages that were taken together, and judges how each went.

use std::collections::HashMap;

use futures::future::join_all;

use crate::{
    Consumer, Delivery, Failure, Outcome, Verdict,
    retrying::{ATTEMPTS, back_off},
};

/// How a batch went.
#[derive(Default)]
pub(super) struct Handled {
    /// What became of the messages that were handled, well or not.
    pub verdicts: Vec<(Delivery, Verdict)>,
    /// Those that wait for an engine, in the order they came.
    pub held: Vec<Delivery>,
    /// Why they wait.
    pub away: Option<String>,
}

impl Consumer {
    /// Handles the messages of one subject in turn and those of different subjects side by side.
    pub(super) async fn handle_batch(&self, batch: Vec<Delivery>) -> Handled {
        let mut subjects: Vec<Vec<Delivery>> = Vec::new();
        let mut lane_of: HashMap<String, usize> = HashMap::new();
        for delivery in batch {
            let lane = *lane_of.entry(delivery.envelope.subject.clone()).or_insert(subjects.len());
            match subjects.get_mut(lane) {
                Some(deliveries) => deliveries.push(delivery),
                None => subjects.push(vec![delivery]),
            }
        }
        let lanes = join_all(subjects.into_iter().map(|deliveries| self.handle_in_turn(deliveries))).await;
        lanes.into_iter().fold(Handled::default(), |mut all, lane| {
            all.verdicts.extend(lane.verdicts);
            all.held.extend(lane.held);
            all.away = lane.away.or(all.away);
            all
        })
    }

    /// Those behind one that must wait, wait with it, so that they stay in their order.
    async fn handle_in_turn(&self, deliveries: Vec<Delivery>) -> Handled {
        let mut handled = Handled::default();
        for delivery in deliveries {
            if handled.away.is_some() {
                handled.held.push(delivery);
                continue;
            }
            let outcome = self.handle(delivery.envelope.clone()).await;
            match self.judge(&delivery, outcome) {
                Ok(verdict) => handled.verdicts.push((delivery, verdict)),
                Err(away) => {
                    handled.away = Some(away);
                    handled.held.push(delivery);
                }
            }
        }
        handled
    }

    fn judge(&self, delivery: &Delivery, outcome: Result<Outcome, Failure>) -> Result<Verdict, String> {
        let (queue, envelope) = (self.queue, &delivery.envelope);
        let (label, verdict) = match outcome {
            Ok(Outcome::Applied) => ("applied", Ok(Verdict::Ack)),
            Ok(Outcome::Ignored) => ("ignored", Ok(Verdict::Ack)),
            Err(Failure::Unavailable(error)) => ("postponed", Err(error)),
            Err(Failure::Message(error)) if delivery.attempts + 1 < ATTEMPTS => {
                tracing::warn!(queue = queue.name, event.id = %envelope.id, event.kind = %envelope.event_type,
                    attempt = delivery.attempts + 1, error = %error, "an event failed and is tried again");
                ("retried", Ok(Verdict::Retry { after: back_off(delivery.attempts) }))
            }
            Err(Failure::Message(error)) => {
                tracing::error!(queue = queue.name, event.id = %envelope.id, event.kind = %envelope.event_type,
                    error = %error, "an event failed too often and is a dead letter now");
                ("dead", Ok(Verdict::Dead { error }))
            }
        };
        metrics::counter!("bus_events_total", "service" => queue.service(),
            "type" => envelope.event_type.clone(), "outcome" => label)
        .increment(1);
        verdict
    }
}
