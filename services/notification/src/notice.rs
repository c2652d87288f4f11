//! A notice as its reader sees it, and the mail that goes with it.

use serde::{Deserialize, Serialize};
use souk_values::{NotificationId, Timestamp, UserId};
use utoipa::ToSchema;

use crate::Kind;

/// A notice in the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "notificationId": 246_290_604_621_824_i64, "kind": "order_confirmed",
    "title": "Your order 246290604621900 is confirmed",
    "body": "Everything is set aside for you. Please pay 39.98 EUR by 31 January 2026, 12:30 UTC.",
    "link": "/orders/246290604621900", "createdAt": "2026-01-31T12:00:00.000Z"
}))]
pub struct Notice {
    /// Which notice.
    pub notification_id: NotificationId,
    /// What it is about.
    pub kind: Kind,
    /// One line.
    pub title: String,
    /// A sentence or two.
    pub body: String,
    /// A page of the shop, below its public address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When its reader read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
    /// Its place among its reader's notices: 1, 2, 3 … in the order they were written.
    #[serde(skip)]
    pub position: i64,
}

/// How far a mail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailStatus {
    /// Its reader's address is not known yet.
    Waiting,
    /// It is to be sent.
    Queued,
    /// The mail server took it, or it lies in the mailbox folder.
    Sent,
    /// It was given up.
    Failed,
}

impl MailStatus {
    /// The name in stores and bodies.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Queued, Self::Sent, Self::Failed].into_iter().find(|status| status.name() == name)
    }
}

/// A mail as an admin sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the body says mailId")]
#[schema(example = json!({
    "mailId": 246_290_604_621_824_i64, "userId": 246_290_604_600_001_i64, "kind": "order_confirmed",
    "to": "ada@example.org", "subject": "Your order 246290604621900 is confirmed", "status": "sent",
    "attempts": 1, "createdAt": "2026-01-31T12:00:00.000Z", "sentAt": "2026-01-31T12:00:01.000Z"
}))]
pub struct Mail {
    /// The notice that it brings.
    pub mail_id: NotificationId,
    /// Whose.
    pub user_id: UserId,
    /// What it is about.
    pub kind: Kind,
    /// The address, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Its subject.
    pub subject: String,
    /// How far it is.
    pub status: MailStatus,
    /// How often it was handed to the mail server.
    pub attempts: u32,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
