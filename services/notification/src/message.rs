//! The message that each event leads to: recipients, content, and the condition under which a late one is still sent.

mod orders;
mod products;
mod users;

use serde_json::{Map, Value};
use souk_values::{Language, Secret, Timestamp, UserId};

use crate::{facts::NoticeFacts, kind::Kind};

pub(crate) use orders::{
    order_cancelled, order_confirmed, order_delivered, order_paid, order_received, order_shipped, payment_failed,
    payment_refunded, refund_failed, refund_returned,
};
pub(crate) use products::{back_in_stock, cart_reminder, price_dropped, stock_low};
pub(crate) use users::{changed_contact, email_changed, password_changed, password_reset, registered_contact, welcome};

/// The users that a message goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    User(UserId),
    /// Every known admin whose account is not locked.
    Admins,
}

/// The condition under which a message is still sent when its event arrives late or out of order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Freshness {
    Always,
    /// Only if no event of the same subject with this version or a higher one was received.
    Newer {
        /// Key of what the version counts, such as `order:42`.
        subject: String,
        version: i64,
        /// True when the subject's payment is final from then on: paid or cancelled.
        settles: bool,
    },
    /// Only while the subject's payment is not final.
    UnlessSettled {
        subject: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MailAddress {
    pub name: String,
    pub email: String,
}

/// A user's mail address, language and role, as auth published them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contact {
    pub user_id: UserId,
    pub address: MailAddress,
    /// `None` if the event says nothing of it: the language that is known stays.
    pub language: Option<Language>,
    /// True for users who get the messages for [`Audience::Admins`].
    pub is_admin: bool,
    /// Version of auth's user; the highest wins.
    pub version: i64,
}

/// A message before its templates are rendered.
#[derive(Debug)]
pub(crate) struct Message {
    pub kind: Kind,
    pub audience: Audience,
    /// Path of the page of the shop that shows more.
    pub link: Option<String>,
    /// Variables of the templates.
    pub facts: Map<String, Value>,
    /// Values that the notice shows beside its text.
    pub shown: NoticeFacts,
    pub freshness: Freshness,
    /// Mail address that replaces the contact's.
    pub address: Option<MailAddress>,
    /// Language of the user, for a mail that goes out before the user's contact is known.
    pub language: Option<Language>,
    /// Password reset token. It goes into the mail's link and nowhere else.
    pub token: Option<Secret>,
    /// Time after which the mail is not sent.
    pub good_until: Option<Timestamp>,
}

impl Message {
    fn new(kind: Kind, audience: Audience, link: impl Into<Option<String>>, facts: Value) -> Self {
        let facts = if let Value::Object(facts) = facts { facts } else { Map::new() };
        Self {
            kind,
            audience,
            link: link.into(),
            facts,
            shown: NoticeFacts::default(),
            freshness: Freshness::Always,
            address: None,
            language: None,
            token: None,
            good_until: None,
        }
    }

    fn showing(mut self, shown: NoticeFacts) -> Self {
        self.shown = shown;
        self
    }

    fn if_newer(mut self, subject: String, version: i64, settles: bool) -> Self {
        self.freshness = Freshness::Newer { subject, version, settles };
        self
    }
}
