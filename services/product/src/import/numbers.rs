//! Prices, quantities and weights as people write them: taken when they can mean one number only, else refused with a
//! sentence that says what to write.

use souk_values::{Currency, Money};

use crate::{product::MAX_PRICE, stock::MAX_STOCK, text};

/// Longest part of a cell in messages, in characters.
const SHOWN: usize = 40;
/// Decimals of a weight that count.
const WEIGHT_DECIMALS: usize = 6;

/// Reads a price, with or without the currency's sign: `12.50`, `12,50 €`, `1.299,00`, `1'299.00`.
///
/// Errors: a sentence with the cell as its subject.
pub(super) fn price(cell: &str, currency: Currency) -> Result<Money, String> {
    let shown = text::truncated(cell, SHOWN);
    if cell.is_empty() {
        return Err("it is empty; write a number such as 12.50".to_owned());
    }
    let decimals = usize::try_from(currency.decimals()).unwrap_or(2);
    let number = match plain_number(unsigned(cell, currency), decimals) {
        Reading::Number(number) => number,
        Reading::Ambiguous { whole, decimal } => {
            return Err(format!("'{shown}' can mean {whole} and {decimal}; write {whole}.00 or {decimal}"));
        }
        Reading::None => return Err(format!("'{shown}' is not a price; write a number such as 12.50")),
    };
    let price = Money::parse_decimal(&number, currency).map_err(|_| {
        format!(
            "'{shown}' is not a price in {currency}; write a number with at most {decimals} decimals, such as 12.50"
        )
    })?;
    if price.minor > MAX_PRICE {
        return Err(format!("'{shown}' is more than a product may cost"));
    }
    Ok(price)
}

/// Reads a number of units. A negative one, which Shopify has for oversold products, is 0, as is an empty cell.
///
/// Errors: a sentence with the cell as its subject.
pub(super) fn quantity(cell: &str) -> Result<i64, String> {
    if cell.is_empty() {
        return Ok(0);
    }
    // Spreadsheets write whole numbers as `12.0`.
    let whole = cell.split_once('.').filter(|(_, zeros)| matches!(*zeros, "0" | "00")).map_or(cell, |(whole, _)| whole);
    let number = whole.parse::<i64>().ok().filter(|number| *number <= MAX_STOCK).ok_or_else(|| {
        let shown = text::truncated(cell, SHOWN);
        format!("'{shown}' is not a number of units; write a whole number up to {MAX_STOCK}, such as 12")
    })?;
    Ok(number.max(0))
}

/// Reads a weight in a unit of `grams_per_million` micrograms, and returns it in grams, rounded; `None` for none.
///
/// Errors: a sentence with the cell as its subject.
pub(super) fn grams(cell: &str, micrograms: u128) -> Result<Option<u128>, String> {
    let is_wrong = || format!("'{}' is not a weight; write a number such as 250", text::truncated(cell, SHOWN));
    let (whole, fraction) = cell.split_once(['.', ',']).unwrap_or((cell, ""));
    if !(whole.bytes().chain(fraction.bytes())).all(|byte| byte.is_ascii_digit()) || whole.len() > 9 {
        return Err(is_wrong());
    }
    let fraction = fraction.get(..WEIGHT_DECIMALS).unwrap_or(fraction);
    let millionths: u128 = format!("0{whole}{fraction:0<WEIGHT_DECIMALS$}").parse().map_err(|_| is_wrong())?;
    let grams = (millionths * micrograms + 500_000_000_000) / 1_000_000_000_000;
    Ok(Some(grams).filter(|grams| *grams > 0))
}

/// Returns the cell without the sign or code of the currency before or after the number.
fn unsigned(cell: &str, currency: Currency) -> &str {
    let is_sign =
        |letter: char| matches!(letter, '€' | '$' | '£' | '¥' | '₹' | '₽' | '₩' | '₫' | '₺' | '₴' | '₪' | '฿' | 'đ');
    let code = currency.to_string();
    let cell = cell.trim();
    let upper = cell.to_ascii_uppercase();
    let bare = if upper.starts_with(&code) {
        cell.get(code.len()..)
    } else if upper.ends_with(&code) {
        cell.get(..cell.len() - code.len())
    } else {
        None
    };
    bare.unwrap_or(cell).trim().trim_matches(is_sign).trim()
}

#[derive(Debug, PartialEq, Eq)]
enum Reading {
    /// Digits with at most one full stop.
    Number(String),
    /// One separator before three digits, which may be thousands or decimals.
    Ambiguous {
        whole: String,
        decimal: String,
    },
    None,
}

/// Removes the separators of thousands, and writes the decimal one as a full stop.
fn plain_number(text: &str, decimals: usize) -> Reading {
    let compact: String = text
        .chars()
        .filter(|letter| !matches!(letter, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '’'))
        .collect();
    if !compact.starts_with(|first: char| first.is_ascii_digit()) || compact.chars().any(|letter| !is_part(letter)) {
        return Reading::None;
    }
    let Some(last) = compact.rfind([',', '.']) else { return Reading::Number(compact) };
    let (whole, fraction) = compact.split_at(last);
    let fraction = fraction.trim_start_matches([',', '.']);
    let groups: Vec<&str> = whole.split([',', '.']).collect();
    let is_grouped = groups.first().is_some_and(|first| (1..=3).contains(&first.len()) && !first.starts_with('0'))
        && groups.iter().skip(1).all(|group| group.len() == 3);
    let separator = compact.get(last..=last).unwrap_or_default();
    let is_repeated = whole.contains(separator);
    let is_mixed = groups.len() > 1 && !is_repeated;
    if groups.len() > 1 && !is_grouped {
        return Reading::None;
    }
    let whole: String = groups.concat();
    match (is_repeated, is_mixed, fraction.len()) {
        // 1.299.000
        (true, _, 3) => Reading::Number(format!("{whole}{fraction}")),
        (true, ..) | (_, _, 0) => Reading::None,
        // 1.299,50
        (_, true, _) => Reading::Number(format!("{whole}.{fraction}")),
        // 1.299
        (_, _, 3) if is_grouped && decimals < 3 => {
            if decimals == 0 {
                return Reading::Number(format!("{whole}{fraction}"));
            }
            let decimal = fraction.get(..decimals).unwrap_or(fraction);
            Reading::Ambiguous { whole: format!("{whole}{fraction}"), decimal: format!("{whole}.{decimal}") }
        }
        _ => Reading::Number(format!("{whole}.{fraction}")),
    }
}

fn is_part(letter: char) -> bool {
    letter.is_ascii_digit() || matches!(letter, ',' | '.')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn euro(cell: &str) -> Result<i64, String> {
        price(cell, Currency::EUR).map(|price| price.minor)
    }

    #[test]
    fn a_price_with_one_meaning_is_taken() {
        let prices = [
            ("12.50", 1_250),
            ("12,50", 1_250),
            ("12", 1_200),
            ("12.5", 1_250),
            ("0", 0),
            ("0.999", -1),
            ("12.50 €", 1_250),
            ("€12.50", 1_250),
            ("EUR 12,50", 1_250),
            ("12,50 eur", 1_250),
            ("1.299,00", 129_900),
            ("1,299.00", 129_900),
            ("1 299,00", 129_900),
            ("1\u{a0}299,00", 129_900),
            ("1'299.00", 129_900),
            ("1’299.00", 129_900),
            ("1.299.000", 129_900_000),
            ("1,299,000.50", 129_900_050),
            ("1.299.000,5", 129_900_050),
            ("12.5000", 1_250),
            ("1234.50", 123_450),
        ];
        for (cell, minor) in prices {
            assert_eq!(euro(cell).unwrap_or(-1), minor, "{cell}");
        }
        assert_eq!(price("1,299", "JPY".parse().unwrap()).unwrap().minor, 1_299);
        assert_eq!(price("¥1,299", "JPY".parse().unwrap()).unwrap().minor, 1_299);
    }

    #[test]
    fn a_price_with_two_meanings_is_refused_with_what_to_write() {
        assert_eq!(euro("1.299").unwrap_err(), "'1.299' can mean 1299 and 1.29; write 1299.00 or 1.29");
        assert_eq!(euro("1,299").unwrap_err(), "'1,299' can mean 1299 and 1.29; write 1299.00 or 1.29");
        assert!(euro("").unwrap_err().contains("it is empty"));
        for cell in [
            "ten",
            "-5",
            "1.2.3",
            "12,50,00",
            "1..5",
            ".5",
            "5.",
            "1,23.45",
            "1.005",
            "1e3",
            "12 USD",
            "0x10",
            "١٢",
            "12.50-13.00",
            "1,2345,678",
            "99999999999999999999",
            "9999999999",
            "–",
            "12.345,6,7",
        ] {
            assert!(euro(cell).unwrap_err().contains(';') || cell == "9999999999", "{cell}");
        }
    }

    #[test]
    fn quantities_and_weights() {
        for (cell, units) in [("", 0), ("12", 12), ("-3", 0), ("12.0", 12), ("0", 0)] {
            assert_eq!(quantity(cell).unwrap(), units, "{cell}");
        }
        for cell in ["many", "1.5", "1,000", "1.000", "9999999999999", "1 0"] {
            assert!(quantity(cell).unwrap_err().contains("write a whole number"), "{cell}");
        }
        let gram = 1_000_000;
        for (cell, unit, weight) in [
            ("290", gram, Some(290)),
            ("290.0", gram, Some(290)),
            ("", gram, None),
            ("0", gram, None),
            ("1.5", 1_000 * gram, Some(1_500)),
            ("0,25", 1_000 * gram, Some(250)),
            ("2", 453_592_370, Some(907)),
        ] {
            assert_eq!(grams(cell, unit).unwrap(), weight, "{cell}");
        }
        assert!(grams("heavy", gram).is_err() && grams("-1", gram).is_err());
    }

    proptest! {
        #[test]
        fn any_cell_is_read_or_refused(cell in "\\PC{0,20}|[0-9.,' €-]{0,12}") {
            if let Ok(price) = price(&cell, Currency::EUR) {
                prop_assert!((0..=MAX_PRICE).contains(&price.minor));
            }
            let _ = (quantity(&cell), grams(&cell, 1_000_000));
        }

        #[test]
        fn a_price_is_read_as_it_is_written(minor in 0..=MAX_PRICE) {
            let written = Money::new(minor, Currency::EUR).decimal();
            prop_assert_eq!(euro(&written).unwrap(), minor);
            prop_assert_eq!(euro(&written.replace('.', ",")).unwrap(), minor);
        }
    }
}
