//! Prices and counts as each language writes them. The web shop's own code (`Intl`) writes the same.

use crate::{Currency, Language, Money};

/// Writes `€1,234.50` in English and `1.234,50 €` in German, there with a space at which no line breaks.
#[must_use]
pub fn price_text(price: Money, language: Language) -> String {
    let (group, point) = separators(language);
    let decimal = price.decimal();
    let (sign, size) = decimal.strip_prefix('-').map_or(("", decimal.as_str()), |size| ("-", size));
    let number = match size.split_once('.') {
        Some((whole, fraction)) => format!("{}{point}{fraction}", grouped(whole, group)),
        None => grouped(size, group),
    };
    let symbol = symbol(&price.currency);
    match language {
        Language::German => format!("{sign}{number}\u{a0}{symbol}"),
        Language::English if symbol.chars().all(char::is_alphabetic) => format!("{sign}{symbol}\u{a0}{number}"),
        Language::English => format!("{sign}{symbol}{number}"),
    }
}

/// Writes a whole number with its thousands grouped, as in `1,234`.
#[must_use]
pub fn count_text(count: u64, language: Language) -> String {
    let (group, _) = separators(language);
    grouped(&count.to_string(), group)
}

/// Returns the separator of thousands and that of decimals.
fn separators(language: Language) -> (char, char) {
    match language {
        Language::English => (',', '.'),
        Language::German => ('.', ','),
    }
}

fn grouped(digits: &str, group: char) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(group);
        }
        text.push(digit);
    }
    text
}

fn symbol(currency: &Currency) -> &str {
    match currency.code() {
        "EUR" => "€",
        "GBP" => "£",
        "USD" => "US$",
        "JPY" => "JP¥",
        code => code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_written_as_in_each_language() {
        let text = |minor, code: &str, language| price_text(Money::new(minor, code.parse().unwrap()), language);
        assert_eq!(text(123_450, "EUR", Language::English), "€1,234.50");
        assert_eq!(text(123_450, "EUR", Language::German), "1.234,50\u{a0}€");
        assert_eq!(text(5, "EUR", Language::English), "€0.05");
        assert_eq!(text(1_234_567, "JPY", Language::German), "1.234.567\u{a0}JP¥");
        assert_eq!(text(1_234_567, "KWD", Language::English), "KWD\u{a0}1,234.567");
    }
}
