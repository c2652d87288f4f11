//! What each event is worth telling: to whom, about what, and whether it is still news. Pure.

mod orders;
mod people;
mod wares;

use serde_json::{Map, Value};
use souk_values::{Secret, Timestamp, UserId};

use crate::Kind;

pub use orders::{cancelled, confirmed, delivered, paid, payment_failed, received, refunded, shipped};
pub use people::{contact_changed, contact_registered, password_reset, welcome};
pub use wares::{back_in_stock, cart_reminder, price_dropped, stock_low};

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// This one.
    User(UserId),
    /// Every admin who is known.
    Admins,
}

/// Whether a piece of news is still one when it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Freshness {
    /// Whenever it comes.
    Always,
    /// Only if nothing as new was heard of the subject.
    Newer {
        /// Of what, such as `order:42`.
        subject: String,
        /// Which state of it.
        version: i64,
        /// Whether its payment is a closed matter from then on.
        settles: bool,
    },
    /// Only while the subject's payment is open.
    UnlessSettled {
        /// Of what.
        subject: String,
    },
}

/// Where mail for somebody goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The name shown.
    pub name: String,
    /// The address.
    pub email: String,
}

/// What auth said of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Who.
    pub user_id: UserId,
    /// Where mail goes.
    pub address: Address,
    /// Whether the shop's own affairs concern this user.
    pub is_admin: bool,
    /// Version of auth's row; the highest wins.
    pub version: i64,
}

/// A piece of news, before it is put into words.
#[derive(Debug)]
pub struct News {
    /// What it is about.
    pub kind: Kind,
    /// Who is told.
    pub audience: Audience,
    /// The page of the shop that shows more.
    pub link: Option<String>,
    /// What templates may show.
    pub facts: Map<String, Value>,
    /// Whether it is still news.
    pub freshness: Freshness,
    /// Where the mail goes, if not to the contact.
    pub address: Option<Address>,
    /// A token that only the mail's link may carry.
    pub token: Option<Secret>,
    /// When the mail makes no sense any more.
    pub good_until: Option<Timestamp>,
}

impl News {
    fn new(kind: Kind, audience: Audience, link: impl Into<Option<String>>, facts: Value) -> Self {
        let facts = if let Value::Object(facts) = facts { facts } else { Map::new() };
        Self {
            kind,
            audience,
            link: link.into(),
            facts,
            freshness: Freshness::Always,
            address: None,
            token: None,
            good_until: None,
        }
    }

    fn if_newer(mut self, subject: String, version: i64, settles: bool) -> Self {
        self.freshness = Freshness::Newer { subject, version, settles };
        self
    }
}
