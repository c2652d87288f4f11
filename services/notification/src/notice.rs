//! A notice as its owner sees it in the shop.

use serde::Serialize;
use souk_values::{Language, NotificationId, Timestamp};
use utoipa::ToSchema;

use crate::{facts::NoticeFacts, kind::Kind};

/// A notice to one user, shown in the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "notificationId": 246_290_604_621_824_i64, "kind": "order_confirmed",
    "language": "en", "title": "Your order 246290604621900 is confirmed",
    "body": "Everything is set aside for you. Please pay €39.98 by 31 January 2026, 12:30 UTC.",
    "link": "/orders/246290604621900",
    "facts": {"orderId": 246_290_604_621_900_i64, "amount": {"amount": 3_998, "currency": "EUR"},
        "payBy": "2026-01-31T12:30:00.000Z"},
    "createdAt": "2026-01-31T12:00:00.000Z"
}))]
pub(crate) struct Notice {
    /// Unique id, which the mail of this notice shares.
    pub notification_id: NotificationId,
    /// Event that the notice reports, such as `order_confirmed`.
    pub kind: Kind,
    /// Language of title and body, which its owner had when the notice was written.
    pub language: Language,
    /// Headline: one line of plain text, such as `Your order 42 is confirmed`.
    pub title: String,
    /// One or two sentences of plain text.
    pub body: String,
    /// Path of the page that shows more, below the shop's public URL, such as `/orders/42`; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Values that the text reports, for pages in other languages than the text; empty for kinds that report none, and
    /// for notices of earlier releases.
    pub facts: NoticeFacts,
    /// Time at which the notice was written.
    pub created_at: Timestamp,
    /// Time at which its owner marked it as read; absent while it is unread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
    /// Number among its owner's notices: 1, 2, 3 … in the order of commits.
    #[serde(skip)]
    pub position: i64,
}
