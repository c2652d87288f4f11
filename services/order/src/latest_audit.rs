//! The latest result of the audit, which the process that audits the shop announces to all others.

use std::sync::Arc;

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use serde_json::json;
use souk_bus::Announcement;
use souk_values::{IdGen, Timestamp};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

/// Type of the announcement, among those of Spring Cloud Bus.
const KIND: &str = "SoukAuditRemoteApplicationEvent";

/// A round of the audit. It reads a part of the orders, and all in turn; what disagreed before is read in each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "readAt": "2026-03-01T09:30:00.000Z",
    "invariants": [{"invariant": 8, "statement": "every paid order has a capture of exactly its total", "violations": 1}],
    "violations": [{"invariant": 8, "subject": "order 17", "detail": "captured 44.90 EUR of 45.90 EUR"}]
}))]
pub struct AuditRound {
    /// End of the round.
    pub read_at: Timestamp,
    /// All invariants, by their numbers.
    pub invariants: Vec<AuditedInvariant>,
    /// The violations that last, at most 50 of them.
    pub violations: Vec<AuditViolation>,
}

/// An invariant of docs/invariants.md.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditedInvariant {
    /// Number of the invariant, 1 to 11.
    pub invariant: u8,
    /// The invariant as a sentence, in English.
    pub statement: String,
    /// Number of violations that last.
    pub violations: u64,
}

/// Two facts that do not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditViolation {
    /// Number of the invariant.
    pub invariant: u8,
    /// The thing concerned, such as `order 17`.
    pub subject: String,
    /// The disagreement, in English.
    pub detail: String,
}

#[derive(Deserialize)]
struct Announced {
    #[serde(rename = "type")]
    kind: String,
    round: AuditRound,
}

impl AuditRound {
    /// Returns the round as an announcement to all processes of the shop.
    #[must_use]
    pub fn announcement(&self, ids: &IdGen) -> Announcement {
        Announcement(Arc::new(json!({
            "type": KIND,
            "id": ids.uuid().to_string(),
            "timestamp": self.read_at.millis(),
            "originService": "audit",
            "destinationService": "**",
            "round": self,
        })))
    }

    fn of(announcement: &Announcement) -> Option<Self> {
        let announced = Announced::deserialize(&*announcement.0).ok()?;
        (announced.kind == KIND).then_some(announced.round)
    }
}

/// The latest round that was announced since this process started. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub(crate) struct LatestAudit(Arc<RwLock<Option<AuditRound>>>);

impl LatestAudit {
    pub fn get(&self) -> Option<AuditRound> {
        self.0.read().clone()
    }

    /// Keeps the rounds among `announcements` until `stop`.
    pub async fn follow(self, mut announcements: Receiver<Announcement>, stop: CancellationToken) {
        while let Some(received) = stop.run_until_cancelled(announcements.recv()).await {
            match received {
                Ok(announcement) => {
                    if let Some(round) = AuditRound::of(&announcement) {
                        *self.0.write() = Some(round);
                    }
                }
                // The next round is announced within a minute.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }
}
