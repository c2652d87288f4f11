//! Amounts of money in whole minor units of one currency, with checked arithmetic and without floats.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A currency by its ISO 4217 code of three letters, which determines its number of decimals.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The euro, the default currency of the shop.
    pub const EUR: Self = Self(*b"EUR");

    /// Returns the ISO 4217 code, such as `EUR`.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Returns the number of decimals of the major unit by ISO 4217: 0 for the yen, 3 for the Kuwaiti dinar, 2 for most.
    #[must_use]
    pub fn decimals(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX"
            | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        match text.as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(MoneyError::NotACurrency),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A failure to parse an amount or to compute with amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The amounts have different currencies.
    #[error("amounts of different currencies cannot be added or compared")]
    CurrencyMismatch,
    /// The result exceeds 64 bits of minor units.
    #[error("the amount is too large")]
    TooLarge,
    /// The code is not three capital letters.
    #[error("a currency is three capital letters, such as EUR")]
    NotACurrency,
    /// The text is not a decimal number, or has more decimals than the currency.
    #[error("an amount is a decimal number with no more decimals than its currency has")]
    NotAnAmount,
}

/// An amount of money in minor units of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"amount": 1999, "currency": "EUR"}))]
pub struct Money {
    /// Amount in minor units of the currency: 1999 is 19.99 EUR.
    #[serde(rename = "amount")]
    pub minor: i64,
    /// ISO 4217 code of the currency, such as `EUR`.
    #[schema(value_type = String, pattern = "^[A-Z]{3}$")]
    pub currency: Currency,
}

impl Money {
    /// Returns `minor` minor units of `currency`.
    #[must_use]
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Returns the amount in major units, such as `19.99`, without its currency.
    #[must_use]
    pub fn decimal(self) -> String {
        let decimals = self.currency.decimals();
        let sign = if self.minor < 0 { "-" } else { "" };
        let size = self.minor.unsigned_abs();
        if decimals == 0 {
            return format!("{sign}{size}");
        }
        let unit = 10_u64.pow(decimals);
        let width = usize::try_from(decimals).unwrap_or(2);
        format!("{sign}{}.{:0width$}", size / unit, size % unit)
    }

    /// Returns zero in `currency`.
    #[must_use]
    pub fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Returns the sum of both amounts. Errors: the currencies differ, overflow.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_add(self.same(other)?).ok_or(MoneyError::TooLarge)?;
        Ok(Self { minor, ..self })
    }

    /// Returns the difference of both amounts, which may be negative. Errors: the currencies differ, overflow.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_sub(self.same(other)?).ok_or(MoneyError::TooLarge)?;
        Ok(Self { minor, ..self })
    }

    /// Returns `quantity` times this amount. Errors: overflow.
    pub fn times(self, quantity: u32) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(i64::from(quantity)).ok_or(MoneyError::TooLarge)?;
        Ok(Self { minor, ..self })
    }

    /// Returns the sum of `amounts`, zero if there are none. Errors: an amount is not in `currency`, overflow.
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::plus)
    }

    /// Parses a decimal number of major units such as `24.90` or `1200`. Errors: not a number, too many decimals, too
    /// large.
    pub fn parse_decimal(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let text = text.trim();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let decimals = usize::try_from(currency.decimals()).unwrap_or(2);
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || text.ends_with('.') {
            return Err(MoneyError::NotAnAmount);
        }
        let (kept, dropped) = fraction.split_at(fraction.len().min(decimals));
        if dropped.bytes().any(|byte| byte != b'0') {
            return Err(MoneyError::NotAnAmount);
        }
        let minor = format!("{whole}{kept:0<decimals$}").parse().map_err(|_| MoneyError::TooLarge)?;
        Ok(Self { minor, currency })
    }

    fn same(self, other: Self) -> Result<i64, MoneyError> {
        if self.currency == other.currency { Ok(other.minor) } else { Err(MoneyError::CurrencyMismatch) }
    }
}

impl fmt::Display for Money {
    /// Formats the amount for people, such as `19.99 EUR`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn euro(minor: i64) -> Money {
        Money::new(minor, Currency::EUR)
    }

    #[test]
    fn shown_and_read_as_people_write_it() {
        assert_eq!(euro(1999).to_string(), "19.99 EUR");
        assert_eq!(euro(-5).to_string(), "-0.05 EUR");
        assert_eq!(Money::new(500, "JPY".parse().unwrap()).to_string(), "500 JPY");
        assert_eq!(Money::parse_decimal("24.9", Currency::EUR).unwrap(), euro(2490));
        assert_eq!(Money::parse_decimal("24.9000", Currency::EUR).unwrap(), euro(2490));
        for text in ["", ".", "1.", ".5", "-1", "1,5", "1.234", "1e3", "99999999999999999999"] {
            assert!(Money::parse_decimal(text, Currency::EUR).is_err(), "{text}");
        }
    }

    #[test]
    fn the_wire_form_is_amount_and_currency() {
        assert_eq!(serde_json::to_string(&euro(1999)).unwrap(), r#"{"amount":1999,"currency":"EUR"}"#);
        for json in [r#"{"amount":19.99,"currency":"EUR"}"#, r#"{"amount":1}"#, r#"{"amount":1,"currency":"eur"}"#] {
            assert!(serde_json::from_str::<Money>(json).is_err(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn adding_and_taking_away_is_nothing(a in any::<i64>(), b in any::<i64>()) {
            match euro(a).plus(euro(b)) {
                Ok(sum) => prop_assert_eq!(sum.minus(euro(b)).unwrap(), euro(a)),
                Err(error) => {
                    prop_assert_eq!(error, MoneyError::TooLarge);
                    prop_assert!(a.checked_add(b).is_none());
                }
            }
        }

        #[test]
        fn times_is_repeated_addition(minor in -1_000_000_i64..1_000_000, quantity in 0_u32..50) {
            let sum = Money::sum(Currency::EUR, (0..quantity).map(|_| euro(minor))).unwrap();
            prop_assert_eq!(euro(minor).times(quantity).unwrap(), sum);
        }

        #[test]
        fn decimal_text_and_back(minor in 0_i64..i64::MAX) {
            let text = euro(minor).to_string();
            prop_assert_eq!(Money::parse_decimal(text.trim_end_matches(" EUR"), Currency::EUR).unwrap(), euro(minor));
        }

        #[test]
        fn currencies_never_mix(a in any::<i64>(), b in any::<i64>()) {
            let yen = Money::new(b, "JPY".parse().unwrap());
            prop_assert_eq!(euro(a).plus(yen), Err(MoneyError::CurrencyMismatch));
            prop_assert_eq!(euro(a).minus(yen), Err(MoneyError::CurrencyMismatch));
        }
    }
}
