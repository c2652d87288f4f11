//! Stripe's own list of what it captured for this shop, which the audit compares with the rows.

use std::{collections::HashMap, time::Duration};

use serde::Deserialize;
use souk_values::{Currency, Money, PaymentId, Timestamp};

use super::{
    amount::StripeAmount,
    api::{Api, ApiError, StripeAccount},
};
use crate::provider::ProviderError;

/// Intents in a page, Stripe's maximum.
const PAGE: &str = "100";
/// Time limit of one page.
const LIMIT: Duration = Duration::from_secs(20);
/// An amount of the shop that every currency of Stripe can express, for the ratio of the units.
const SAMPLE: i64 = 10_000;

/// Reads the intents that were created since a moment, newest first.
#[derive(Debug)]
pub struct Captures {
    api: Api,
    /// Unix time in seconds.
    since: String,
    /// Id of the last intent that was read.
    after: Option<String>,
    is_over: bool,
}

/// Amounts that Stripe holds under a payment, in the shop's minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StripeCapture {
    pub payment_id: PaymentId,
    pub captured: Money,
    /// Minor units that Stripe returned; of a refund in progress too.
    pub refunded: i64,
}

#[derive(Deserialize)]
struct Intents {
    data: Vec<ListedIntent>,
    has_more: bool,
}

#[derive(Deserialize)]
struct ListedIntent {
    id: String,
    currency: String,
    amount_received: i64,
    latest_charge: Option<ListedCharge>,
    metadata: Option<HashMap<String, String>>,
}

#[derive(Deserialize)]
struct ListedCharge {
    amount_refunded: i64,
}

impl Captures {
    /// Errors: the HTTP client cannot be made, which only a broken TLS set-up causes.
    pub fn new(account: StripeAccount, since: Timestamp) -> Result<Self, reqwest::Error> {
        let since = since.seconds().to_string();
        Ok(Self { api: Api::new(account)?, since, after: None, is_over: false })
    }

    /// Returns the captures in the next page; `None` after the last page. Intents without an id of the shop belong to
    /// another integration of the account, those that took nothing are no captures: neither is returned.
    pub async fn next_page(&mut self) -> Result<Option<Vec<StripeCapture>>, ProviderError> {
        if self.is_over {
            return Ok(None);
        }
        let mut query = vec![("limit", PAGE), ("created[gte]", &self.since), ("expand[]", "data.latest_charge")];
        query.extend(self.after.as_deref().map(|after| ("starting_after", after)));
        let page = self.api.send(self.api.get("/v1/payment_intents", &query));
        // In real time, unlike the terms of the business.
        let Ok(page) = tokio::time::timeout(LIMIT, page).await else {
            return Err(ProviderError::Lost("Stripe did not list its intents in time".to_owned()));
        };
        let Intents { data, has_more } = page?;
        self.after = data.last().map(|intent| intent.id.clone());
        self.is_over = !has_more || self.after.is_none();
        Ok(Some(data.iter().map(ListedIntent::capture).filter_map(Result::transpose).collect::<Result<_, _>>()?))
    }
}

impl ListedIntent {
    /// Errors: `Lost`, for an amount or a currency that the shop cannot express.
    fn capture(&self) -> Result<Option<StripeCapture>, ApiError> {
        let id = self.metadata.as_ref().and_then(|metadata| metadata.get("payment_id")?.parse().ok());
        let Some(payment_id) = id.filter(|_| self.amount_received > 0) else { return Ok(None) };
        let undocumented = || ApiError::Lost(format!("intent {} has an undocumented amount or currency", self.id));
        let currency: Currency = self.currency.to_uppercase().parse().map_err(|_| undocumented())?;
        let captured = shop_minor(self.amount_received, currency).ok_or_else(undocumented)?;
        let refunded = self.latest_charge.as_ref().map_or(0, |charge| charge.amount_refunded);
        let refunded = shop_minor(refunded, currency).ok_or_else(undocumented)?;
        Ok(Some(StripeCapture { payment_id, captured: Money::new(captured, currency), refunded }))
    }
}

/// Converts Stripe's units of `currency` into the shop's; `None` unless that is exact.
fn shop_minor(stripe_minor: i64, currency: Currency) -> Option<i64> {
    let sample = StripeAmount::new(Money::new(SAMPLE, currency))?.minor;
    let scaled = i128::from(stripe_minor) * i128::from(SAMPLE);
    let is_exact = scaled % i128::from(sample) == 0;
    is_exact.then(|| i64::try_from(scaled / i128::from(sample)).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_converted_back_from_stripes_units() {
        let minor = |amount, currency: &str| shop_minor(amount, currency.parse().unwrap());
        assert_eq!(minor(1_999, "EUR"), Some(1_999));
        assert_eq!(minor(500, "JPY"), Some(500));
        assert_eq!(minor(500, "ISK"), Some(5));
        assert_eq!(minor(550, "ISK"), None);
        assert_eq!(minor(5_120, "KWD"), Some(5_120));
        assert_eq!(minor(5, "MGA"), Some(500));
    }
}
