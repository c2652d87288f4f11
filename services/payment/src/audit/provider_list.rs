//! The provider's own list of captures.

use std::{collections::HashMap, time::Duration};

use souk_values::{Id, Timestamp};

use super::{AuditedPayment, Held};
use crate::{
    provider::{
        ProviderError,
        stripe::{Captures, StripeAccount},
    },
    provider_account::ProviderAccount,
};

/// Difference between the clocks of shop and provider that is allowed for.
const CLOCKS: Duration = Duration::from_mins(5);

/// The captures that the provider lists since a moment. It is in memory, so that moment bounds it.
#[derive(Debug)]
pub struct ProviderList {
    account: ProviderAccount,
    by_payment: HashMap<i64, Held>,
    since: Timestamp,
    until: Timestamp,
}

impl ProviderList {
    /// Reads what Stripe captured for intents created since `since`; `now` is the time of the reading.
    ///
    /// Errors: Stripe does not list them; a part of the list is no list.
    pub async fn read(account: StripeAccount, since: Timestamp, now: Timestamp) -> Result<Self, ProviderError> {
        let failed = |error: reqwest::Error| ProviderError::Lost(error.to_string());
        let listed = account.account.clone();
        let mut captures = Captures::new(account, since).map_err(failed)?;
        let mut by_payment: HashMap<i64, Held> = HashMap::new();
        while let Some(page) = captures.next_page().await? {
            for capture in page {
                let held = by_payment.entry(capture.payment_id.get()).or_default();
                held.captured += capture.captured.minor;
                held.refunded += capture.refunded;
            }
        }
        for held in by_payment.values_mut() {
            held.is_older = true;
        }
        Ok(Self { account: listed, by_payment, since, until: now })
    }

    /// Returns what the list has under a payment; `None` for one at another account, or claimed outside its time.
    pub(super) fn held(&self, payment: &AuditedPayment) -> Option<Held> {
        if payment.account.as_ref().is_some_and(|account| !self.account.serves(account)) {
            return None;
        }
        // The intent is created after the claim, by the provider's clock.
        let is_covered = (self.since.plus(CLOCKS)..self.until).contains(&payment.claimed_at);
        let nothing = Held { is_older: true, ..Held::default() };
        is_covered.then(|| self.by_payment.get(&payment.payment_id.get()).copied().unwrap_or(nothing))
    }

    /// Returns the ids of the payments that the list has, in rising order.
    pub(super) fn payment_ids(&self) -> Vec<i64> {
        let mut ids: Vec<i64> = self.by_payment.keys().copied().collect();
        ids.sort_unstable();
        ids
    }
}
