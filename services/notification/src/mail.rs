//! A mail as admins see it.

use serde::{Deserialize, Serialize};
use souk_values::{NotificationId, Timestamp, UserId};
use utoipa::ToSchema;

use crate::kind::Kind;

/// Delivery state of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MailStatus {
    /// The recipient's address is not known yet.
    Waiting,
    /// Due to be sent, or to be retried.
    Queued,
    /// Accepted by the mail server, or written to the mailbox folder.
    Sent,
    /// Given up: rejected by the mail server, expired, or out of attempts.
    Failed,
}

impl MailStatus {
    /// Name in the store and in bodies.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Queued, Self::Sent, Self::Failed].into_iter().find(|status| status.name() == name)
    }
}

/// A mail and its delivery state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the body says mailId")]
#[schema(example = json!({
    "mailId": 246_290_604_621_824_i64, "userId": 246_290_604_600_001_i64, "kind": "order_confirmed",
    "to": "ada@example.org", "subject": "Your order 246290604621900 is confirmed", "status": "sent",
    "attempts": 1, "createdAt": "2026-01-31T12:00:00.000Z", "sentAt": "2026-01-31T12:00:01.000Z"
}))]
pub(crate) struct Mail {
    /// Id of the notice that the mail was sent for; also the id of the mail.
    pub mail_id: NotificationId,
    /// User that the mail is for.
    pub user_id: UserId,
    /// Event that the mail reports, such as `order_confirmed`.
    pub kind: Kind,
    /// Mail address of the recipient; absent until it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Subject line, which is also the title of the notice.
    pub subject: String,
    /// Delivery state: `waiting` for an address, `queued`, `sent`, or `failed` for good.
    pub status: MailStatus,
    /// Number of attempts to send it so far.
    pub attempts: u32,
    /// Time at which the mail was queued.
    pub created_at: Timestamp,
    /// Time at which the mail server accepted it; absent until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// Reason why the last attempt failed; absent when none did, and once it is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
