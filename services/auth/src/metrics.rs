//! Every metric of auth.

use metrics::counter;

/// How a sign-in ended.
#[derive(Debug, Clone, Copy)]
pub enum SignIn {
    /// Signed in.
    Succeeded,
    /// No such user, or another password.
    Wrong,
    /// The account is locked.
    Locked,
    /// Not looked at, after too many failures.
    Throttled,
}

/// How a refresh ended.
#[derive(Debug, Clone, Copy)]
pub enum Refresh {
    /// The token was exchanged.
    Rotated,
    /// The token was unknown or over.
    Invalid,
    /// The token was used before.
    Reused,
}

const SIGN_INS: [SignIn; 4] = [SignIn::Succeeded, SignIn::Wrong, SignIn::Locked, SignIn::Throttled];
const REFRESHES: [Refresh; 3] = [Refresh::Rotated, Refresh::Invalid, Refresh::Reused];

/// Shows every series from the start, at zero.
pub fn begin() {
    for outcome in SIGN_INS {
        count_sign_ins(outcome, 0);
    }
    for outcome in REFRESHES {
        count_refreshes(outcome, 0);
    }
    counter!("registrations_total", "service" => "auth").increment(0);
}

/// A sign-in ended.
pub fn sign_in(outcome: SignIn) {
    count_sign_ins(outcome, 1);
}

/// A refresh ended.
pub fn refresh(outcome: Refresh) {
    count_refreshes(outcome, 1);
}

/// Somebody registered.
pub fn registration() {
    counter!("registrations_total", "service" => "auth").increment(1);
}

fn count_sign_ins(outcome: SignIn, by: u64) {
    let outcome = match outcome {
        SignIn::Succeeded => "succeeded",
        SignIn::Wrong => "wrong",
        SignIn::Locked => "locked",
        SignIn::Throttled => "throttled",
    };
    counter!("sign_ins_total", "service" => "auth", "outcome" => outcome).increment(by);
}

fn count_refreshes(outcome: Refresh, by: u64) {
    let outcome = match outcome {
        Refresh::Rotated => "rotated",
        Refresh::Invalid => "invalid",
        Refresh::Reused => "reused",
    };
    counter!("refreshes_total", "service" => "auth", "outcome" => outcome).increment(by);
}
