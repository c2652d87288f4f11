//! Prices as the web shop's own code writes them, so that nothing moves when it takes over.

use souk_values::{Currency, Money};

use super::visitor::Language;

/// Writes `€1,234.50` in English and `1.234,50 €` in German.
pub(super) fn price_text(price: Money, language: Language) -> String {
    let (group, point) = match language {
        Language::English => (',', '.'),
        Language::German => ('.', ','),
    };
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
pub(super) fn count_text(count: u64, language: Language) -> String {
    grouped(&count.to_string(), if language == Language::English { ',' } else { '.' })
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
