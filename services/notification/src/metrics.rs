//! Every metric of this service.

use metrics::{counter, describe_counter, describe_gauge, gauge};

use crate::Kind;

const SERVICE: &str = "notification";
const NOTICES: &str = "notices_total";
const SENT: &str = "mails_sent_total";
const QUEUED: &str = "mails_queued";

/// How an attempt to send ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailOutcome {
    /// It was taken.
    Sent,
    /// It is tried again later.
    Retried,
    /// It was given up.
    Failed,
    /// Its time had passed.
    Lapsed,
}

impl MailOutcome {
    fn label(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Retried => "retried",
            Self::Failed => "failed",
            Self::Lapsed => "lapsed",
        }
    }
}

/// Says what the series are; call it once at start.
pub fn describe() {
    describe_counter!(NOTICES, "Notices written, by kind");
    describe_counter!(SENT, "Attempts to send a mail, by kind and how they ended");
    describe_gauge!(QUEUED, "Mails that are to be sent");
}

/// `count` readers were told something.
pub fn noticed(kind: Kind, count: usize) {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    counter!(NOTICES, "service" => SERVICE, "kind" => kind.name()).increment(count);
}

/// An attempt to send a mail ended.
pub fn attempted(kind: Kind, outcome: MailOutcome) {
    counter!(SENT, "service" => SERVICE, "kind" => kind.name(), "outcome" => outcome.label()).increment(1);
}

/// This many mails are to be sent.
pub fn queued(count: u64) {
    gauge!(QUEUED, "service" => SERVICE).set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
}
