//! Amounts as Stripe counts them, which is not always how ISO 4217 does.

use souk_values::{Currency, Money};

/// An amount as Stripe is asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// In Stripe's smallest unit of the currency.
    pub minor: i64,
    /// Three lower-case letters.
    pub currency: String,
}

/// `amount` as Stripe counts it; `None` when it has no such amount.
pub(super) fn asked(amount: Money) -> Option<Asked> {
    let (ours, theirs) = (amount.currency.decimals(), decimals(amount.currency));
    let minor = if theirs >= ours {
        amount.minor.checked_mul(10_i64.checked_pow(theirs - ours)?)?
    } else {
        divided(amount.minor, 10_i64.checked_pow(ours - theirs)?)?
    };
    // Card networks know two decimals: of three the last is zero.
    let is_chargeable = theirs != 3 || minor % 10 == 0;
    is_chargeable.then(|| Asked { minor, currency: amount.currency.code().to_lowercase() })
}

/// How many decimals an amount has at Stripe. ISK and UGX keep two there, always 00, though they have none.
fn decimals(currency: Currency) -> u32 {
    match currency.code() {
        "BIF" | "CLP" | "DJF" | "GNF" | "JPY" | "KMF" | "KRW" | "MGA" | "PYG" | "RWF" | "VND" | "VUV" | "XAF"
        | "XOF" | "XPF" => 0,
        "BHD" | "JOD" | "KWD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

fn divided(minor: i64, by: i64) -> Option<i64> {
    (minor % by == 0).then(|| minor / by)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor(amount: i64, currency: &str) -> Option<i64> {
        asked(Money::new(amount, currency.parse().unwrap())).map(|asked| asked.minor)
    }

    #[test]
    fn amounts_are_counted_as_stripe_does() {
        assert_eq!(asked(Money::new(1_999, Currency::EUR)), Some(Asked { minor: 1_999, currency: "eur".to_owned() }));
        assert_eq!(minor(500, "JPY"), Some(500));
        assert_eq!(minor(5, "ISK"), Some(500));
        assert_eq!(minor(5, "UGX"), Some(500));
        assert_eq!(minor(5_120, "KWD"), Some(5_120));
        assert_eq!(minor(500, "MGA"), Some(5));
    }

    #[test]
    fn what_stripe_cannot_count_is_not_asked_for() {
        assert_eq!(minor(5_124, "KWD"), None);
        assert_eq!(minor(550, "MGA"), None);
        assert_eq!(minor(i64::MAX, "ISK"), None);
    }
}
