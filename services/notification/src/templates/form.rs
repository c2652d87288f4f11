//! Money, dates, counts and plurals in the form of each language.

use std::fmt::Write as _;

use chrono::{
    DateTime, Datelike, FixedOffset,
    format::{Fixed, Item, StrftimeItems},
};
use minijinja::{Error, ErrorKind};
use serde_json::{Map, Value};
use souk_values::{Language, Money, count_text, price_text};

const GERMAN_MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
/// Duden's abbreviations; months of three or four letters have none.
const GERMAN_SHORT_MONTHS: [&str; 12] =
    ["Jan.", "Febr.", "März", "April", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."];
/// From Monday.
const GERMAN_WEEKDAYS: [&str; 7] = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"];
const GERMAN_SHORT_WEEKDAYS: [&str; 7] = ["Mo.", "Di.", "Mi.", "Do.", "Fr.", "Sa.", "So."];

/// Returns the variables with every amount as text, such as `€19.99`; mails that an earlier release queued have text already.
pub(super) fn with_amounts(facts: &Map<String, Value>, language: Language) -> Map<String, Value> {
    facts.iter().map(|(name, value)| (name.clone(), written(value, language))).collect()
}

fn written(value: &Value, language: Language) -> Value {
    match value {
        Value::Object(fields) => match serde_json::from_value::<Money>(value.clone()) {
            Ok(money) => Value::String(price_text(money, language)),
            // Money has no other fields, and no other object has just its two.
            Err(_) => Value::Object(with_amounts(fields, language)),
        },
        Value::Array(items) => items.iter().map(|item| written(item, language)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// The filter `date`: `31 January 2026`, in German `31. Januar 2026`.
pub(super) fn date(time: &str, language: Language) -> Result<String, Error> {
    let format = match language {
        Language::English => "%-d %B %Y",
        Language::German => "%-d. %B %Y",
    };
    formatted(&parsed(time)?, format, language)
}

/// The filter `date_time`: `31 January 2026, 12:30 UTC`, or a format of chrono such as `%d.%m.%Y`. Times are UTC.
pub(super) fn date_time(time: &str, format: Option<&str>, language: Language) -> Result<String, Error> {
    match format {
        Some(format) => formatted(&parsed(time)?, format, language),
        None => Ok(date(time, language)? + &formatted(&parsed(time)?, ", %H:%M UTC", language)?),
    }
}

/// The filter `number`: `1,234`, in German `1.234`.
pub(super) fn number(count: i64, language: Language) -> String {
    let sign = if count < 0 { "-" } else { "" };
    sign.to_owned() + &count_text(count.unsigned_abs(), language)
}

/// The filter `plural`: `one` or `other`, by CLDR's rules for whole numbers.
pub(super) fn plural(count: i64, one: String, other: String, language: Language) -> String {
    match language {
        Language::English | Language::German if count == 1 => one,
        Language::English | Language::German => other,
    }
}

fn parsed(time: &str) -> Result<DateTime<FixedOffset>, Error> {
    DateTime::parse_from_rfc3339(time).map_err(|_| wrong("dates are RFC 3339 times"))
}

fn formatted(time: &DateTime<FixedOffset>, format: &str, language: Language) -> Result<String, Error> {
    let items = StrftimeItems::new(format).map(|item| match language {
        Language::English => item,
        Language::German => german(item, time),
    });
    let mut text = String::new();
    write!(text, "{}", time.format_with_items(items))
        .map_err(|_| wrong("date_time takes a format such as %d.%m.%Y"))?;
    Ok(text)
}

/// Replaces the names of months and days, which chrono has in English.
fn german<'f>(item: Item<'f>, time: &DateTime<FixedOffset>) -> Item<'f> {
    let (month, day) = (time.month0(), time.weekday().num_days_from_monday());
    let (names, number): (&[&'static str], u32) = match item {
        Item::Fixed(Fixed::LongMonthName) => (&GERMAN_MONTHS, month),
        Item::Fixed(Fixed::ShortMonthName) => (&GERMAN_SHORT_MONTHS, month),
        Item::Fixed(Fixed::LongWeekdayName) => (&GERMAN_WEEKDAYS, day),
        Item::Fixed(Fixed::ShortWeekdayName) => (&GERMAN_SHORT_WEEKDAYS, day),
        other => return other,
    };
    let name = usize::try_from(number).ok().and_then(|number| names.get(number)).copied();
    name.map_or(item, Item::Literal)
}

fn wrong(detail: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_language_writes_dates_in_its_form() {
        let time = "2026-11-30T14:05:00.000Z";
        assert_eq!(date_time(time, None, Language::German).unwrap(), "30. November 2026, 14:05 UTC");
        assert_eq!(date_time(time, None, Language::English).unwrap(), "30 November 2026, 14:05 UTC");
        assert_eq!(date("2026-03-01T00:00:00.000Z", Language::German).unwrap(), "1. März 2026");
        assert_eq!(date("2026-03-01T00:00:00.000Z", Language::English).unwrap(), "1 March 2026");
        assert_eq!(
            date_time(time, Some("%A, %a %d.%m.%Y %b %B"), Language::German).unwrap(),
            "Montag, Mo. 30.11.2026 Nov. November"
        );
        let months = (1..=12).map(|month| date(&format!("2026-{month:02}-04T00:00:00Z"), Language::German).unwrap());
        assert_eq!(
            months.collect::<Vec<_>>().join(", ").replace("4. ", "").replace(" 2026", ""),
            "Januar, Februar, März, April, Mai, Juni, Juli, August, September, Oktober, November, Dezember"
        );
        assert!(date("yesterday", Language::German).is_err());
        assert!(date_time(time, Some("%Q"), Language::German).is_err());
    }

    #[test]
    fn each_language_writes_counts_and_plurals_in_its_form() {
        assert_eq!(number(12_345, Language::German), "12.345");
        assert_eq!(number(-12_345, Language::English), "-12,345");
        for language in Language::ALL {
            for (count, form) in [(0, "two"), (1, "one"), (2, "two"), (101, "two")] {
                assert_eq!(plural(count, "one".to_owned(), "two".to_owned(), language), form);
            }
        }
    }

    #[test]
    fn amounts_become_text_wherever_they_are() {
        let facts = json!({
            "amount": {"amount": 123_450, "currency": "EUR"},
            "order": {"items": [{"price": {"amount": 5, "currency": "KWD"}, "quantity": 2}], "total": "39.98 EUR"}
        });
        let Value::Object(facts) = facts else { panic!() };
        let written = |language| Value::Object(with_amounts(&facts, language));
        assert_eq!(written(Language::German)["amount"], "1.234,50\u{a0}€");
        assert_eq!(written(Language::English)["amount"], "€1,234.50");
        let german = written(Language::German);
        assert_eq!(german["order"]["items"][0], json!({"price": "0,005\u{a0}KWD", "quantity": 2}));
        assert_eq!(german["order"]["total"], "39.98 EUR", "of a mail that an earlier release queued");
    }
}
