//! Names of providers, and the accounts that take the money.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A payment provider of this shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderName {
    /// Simulates charges, with a ledger on disk.
    Sandbox,
    /// Charges cards for real money.
    Stripe,
}

impl ProviderName {
    pub const ALL: [Self; 2] = [Self::Sandbox, Self::Stripe];

    /// Text in the store, in paths and as the label of a metric.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Stripe => "stripe",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }
}

/// The account at a provider that takes the money of a payment. It is stored with the claim, and everything that is done
/// about the payment later is done there, whichever provider takes new payments by then.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderAccount {
    pub provider: ProviderName,
    /// Stripe's id of the account, `acct_…`, followed by `/test` in its test mode, which has payments of its own;
    /// `sandbox` at the sandbox. `None` for a payment of Stripe's from before accounts were stored: any account.
    pub account: Option<String>,
}

impl ProviderAccount {
    #[must_use]
    pub fn sandbox() -> Self {
        Self { provider: ProviderName::Sandbox, account: Some("sandbox".to_owned()) }
    }

    /// Returns the account `id` at Stripe, in its live or its test mode.
    #[must_use]
    pub fn stripe(id: &str, is_live: bool) -> Self {
        let account = if is_live { id.to_owned() } else { format!("{id}/test") };
        Self { provider: ProviderName::Stripe, account: Some(account) }
    }

    /// True if what `other` took can be looked up and refunded here.
    #[must_use]
    pub fn serves(&self, other: &Self) -> bool {
        self.provider == other.provider && (other.account.is_none() || other.account == self.account)
    }
}

impl fmt::Display for ProviderAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.provider.as_str();
        match &self.account {
            Some(account) if account != name => write!(f, "{name} {account}"),
            Some(_) | None => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_serves_its_own_payments_and_those_without_an_account() {
        let live = ProviderAccount::stripe("acct_1", true);
        let legacy = ProviderAccount { provider: ProviderName::Stripe, account: None };
        assert!(live.serves(&live) && live.serves(&legacy));
        for other in [ProviderAccount::stripe("acct_1", false), ProviderAccount::stripe("acct_2", true)] {
            assert!(!live.serves(&other), "{other}");
        }
        assert!(!live.serves(&ProviderAccount::sandbox()) && !ProviderAccount::sandbox().serves(&live));
        assert_eq!(live.to_string(), "stripe acct_1");
        assert_eq!(ProviderAccount::sandbox().to_string(), "sandbox");
    }
}
