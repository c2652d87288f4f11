//! Every metric of auth.

use metrics::{counter, describe_counter};
use souk_kit::Service;

use crate::Auth;

const SIGN_INS: &str = "sign_ins_total";
const REFRESHES: &str = "refreshes_total";
const REGISTRATIONS: &str = "registrations_total";

#[derive(Debug, Clone, Copy)]
pub(crate) enum SignInOutcome {
    Succeeded,
    /// Unknown user or wrong password.
    Wrong,
    Locked,
    /// Refused without a check after too many failures.
    Throttled,
    /// Refused without a check because too many others were waiting for theirs.
    Busy,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum RefreshOutcome {
    Rotated,
    /// The token was unknown or expired, or its sign-in had ended.
    Invalid,
    /// The token had been exchanged before.
    Reused,
}

/// Describes the series and starts the counters at zero, so that a rate over the first event is right.
pub(crate) fn describe() {
    use RefreshOutcome::{Invalid, Reused, Rotated};
    use SignInOutcome::{Busy, Locked, Succeeded, Throttled, Wrong};
    describe_counter!(SIGN_INS, "Attempts to sign in, by outcome");
    describe_counter!(REFRESHES, "Attempts to exchange a refresh token, by outcome");
    describe_counter!(REGISTRATIONS, "Accounts that customers registered");
    for outcome in [Succeeded, Wrong, Locked, Throttled, Busy] {
        add_sign_ins(outcome, 0);
    }
    for outcome in [Rotated, Invalid, Reused] {
        add_refreshes(outcome, 0);
    }
    counter!(REGISTRATIONS, "service" => Auth::NAME).increment(0);
}

pub(crate) fn sign_in(outcome: SignInOutcome) {
    add_sign_ins(outcome, 1);
}

pub(crate) fn refresh(outcome: RefreshOutcome) {
    add_refreshes(outcome, 1);
}

pub(crate) fn registration() {
    counter!(REGISTRATIONS, "service" => Auth::NAME).increment(1);
}

fn add_sign_ins(outcome: SignInOutcome, count: u64) {
    let outcome = match outcome {
        SignInOutcome::Succeeded => "succeeded",
        SignInOutcome::Wrong => "wrong",
        SignInOutcome::Locked => "locked",
        SignInOutcome::Throttled => "throttled",
        SignInOutcome::Busy => "busy",
    };
    counter!(SIGN_INS, "service" => Auth::NAME, "outcome" => outcome).increment(count);
}

fn add_refreshes(outcome: RefreshOutcome, count: u64) {
    let outcome = match outcome {
        RefreshOutcome::Rotated => "rotated",
        RefreshOutcome::Invalid => "invalid",
        RefreshOutcome::Reused => "reused",
    };
    counter!(REFRESHES, "service" => Auth::NAME, "outcome" => outcome).increment(count);
}
