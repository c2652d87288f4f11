//! Amounts in Stripe's units, which are not always those of ISO 4217.

use souk_values::{Currency, Money};

/// An amount as Stripe's API takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StripeAmount {
    /// In Stripe's smallest unit of the currency.
    pub minor: i64,
    /// Lower-case ISO 4217 code.
    pub currency: String,
}

impl StripeAmount {
    /// Converts an amount; `None` when Stripe cannot express or charge it.
    pub fn new(amount: Money) -> Option<Self> {
        let ours = amount.currency.decimals();
        let theirs = decimals(amount.currency);
        let minor = if theirs >= ours {
            amount.minor.checked_mul(10_i64.checked_pow(theirs - ours)?)?
        } else {
            divide_exactly(amount.minor, 10_i64.checked_pow(ours - theirs)?)?
        };
        // Card networks use two decimals: the last of three must be zero.
        let is_chargeable = theirs != 3 || minor % 10 == 0;
        is_chargeable.then(|| Self { minor, currency: amount.currency.code().to_lowercase() })
    }
}

/// Decimals of an amount at Stripe. ISK and UGX keep two there, always 00, although ISO 4217 gives them none.
fn decimals(currency: Currency) -> u32 {
    match currency.code() {
        "BIF" | "CLP" | "DJF" | "GNF" | "JPY" | "KMF" | "KRW" | "MGA" | "PYG" | "RWF" | "VND" | "VUV" | "XAF"
        | "XOF" | "XPF" => 0,
        "BHD" | "JOD" | "KWD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

fn divide_exactly(minor: i64, by: i64) -> Option<i64> {
    (minor % by == 0).then(|| minor / by)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor(amount: i64, currency: &str) -> Option<i64> {
        StripeAmount::new(Money::new(amount, currency.parse().unwrap())).map(|amount| amount.minor)
    }

    #[test]
    fn amounts_are_in_stripes_units() {
        let expected = StripeAmount { minor: 1_999, currency: "eur".to_owned() };
        assert_eq!(StripeAmount::new(Money::new(1_999, Currency::EUR)), Some(expected));
        assert_eq!(minor(500, "JPY"), Some(500));
        assert_eq!(minor(5, "ISK"), Some(500));
        assert_eq!(minor(5, "UGX"), Some(500));
        assert_eq!(minor(5_120, "KWD"), Some(5_120));
        assert_eq!(minor(500, "MGA"), Some(5));
    }

    #[test]
    fn amounts_that_stripe_cannot_express_are_refused() {
        assert_eq!(minor(5_124, "KWD"), None);
        assert_eq!(minor(550, "MGA"), None);
        assert_eq!(minor(i64::MAX, "ISK"), None);
    }
}
