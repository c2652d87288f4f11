//! Metrics of the notification service.

use metrics::{counter, describe_counter, describe_gauge, gauge};
use souk_values::gauge_value;

use crate::kind::Kind;

const SERVICE: &str = "notification";
const NOTICES: &str = "notices_total";
const SENT: &str = "mails_sent_total";
const QUEUED: &str = "mails_queued";

/// The label `outcome` of `mails_sent_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MailOutcome {
    Sent,
    /// The attempt failed and a later one follows.
    Retried,
    Failed,
    /// Given up because the mail had expired.
    Lapsed,
    /// Not attempted: its address had too many of its kind within the hour.
    Refused,
}

impl MailOutcome {
    const ALL: [Self; 5] = [Self::Sent, Self::Retried, Self::Failed, Self::Lapsed, Self::Refused];

    fn label(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Retried => "retried",
            Self::Failed => "failed",
            Self::Lapsed => "lapsed",
            Self::Refused => "refused",
        }
    }
}

pub(crate) fn describe() {
    describe_counter!(NOTICES, "Notices written, by kind");
    describe_counter!(SENT, "Attempts to send a mail, by kind and outcome");
    describe_gauge!(QUEUED, "Mails waiting to be sent");
    for kind in Kind::ALL {
        counter!(NOTICES, "service" => SERVICE, "kind" => kind.name()).increment(0);
        for outcome in MailOutcome::ALL.into_iter().filter(|_| kind.is_mailed()) {
            counter!(SENT, "service" => SERVICE, "kind" => kind.name(), "outcome" => outcome.label()).increment(0);
        }
    }
}

pub(crate) fn notice_written(kind: Kind) {
    counter!(NOTICES, "service" => SERVICE, "kind" => kind.name()).increment(1);
}

pub(crate) fn mail_attempted(kind: Kind, outcome: MailOutcome) {
    counter!(SENT, "service" => SERVICE, "kind" => kind.name(), "outcome" => outcome.label()).increment(1);
}

pub(crate) fn mails_queued(count: u64) {
    gauge!(QUEUED, "service" => SERVICE).set(gauge_value(count));
}
