//! The languages in which the shop speaks to people.

use serde::Serialize;

/// A language of the web shop and the mails, as a BCP 47 tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, utoipa::ToSchema)]
pub enum Language {
    /// The default where nothing is known of a person.
    #[default]
    #[serde(rename = "en")]
    English,
    /// German, addressed formally.
    #[serde(rename = "de")]
    German,
}

impl Language {
    /// All languages, the default first.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Returns the BCP 47 tag, such as `de`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// Returns the language with exactly this code.
    #[must_use]
    pub fn with_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// Returns the language of a BCP 47 tag, whatever its region and script: German for `de-AT`.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.code().eq_ignore_ascii_case(primary))
    }

    /// Returns the language that a reader prefers by the values of `Accept-Language` (RFC 9110, section 12.5.4): the one with
    /// the highest weight, and of several the one named first. `None` if none of the shop's is acceptable.
    #[must_use]
    pub fn negotiated<'h>(values: impl IntoIterator<Item = &'h str>) -> Option<Self> {
        let ranges: Vec<(&str, u16)> =
            values.into_iter().flat_map(|value| value.split(',')).take(MAX_RANGES).map(range).collect();
        let is_named = |language: &Self| ranges.iter().any(|(tag, _)| Self::of_tag(tag) == Some(*language));
        // Any language means any of those that are not named, for which there may be a weight of 0.
        let other = Self::ALL.into_iter().find(|language| !is_named(language));
        let mut best = (None, 0);
        for (tag, weight) in &ranges {
            let language = if *tag == "*" { other } else { Self::of_tag(tag) };
            if language.is_some() && *weight > best.1 {
                best = (language, *weight);
            }
        }
        best.0
    }
}

/// Language ranges of a header that are looked at. Browsers send up to ten or so.
const MAX_RANGES: usize = 50;

/// Returns the tag of a language range such as `de-AT;q=0.8`, and its weight in thousandths: 0 for one that is malformed.
fn range(text: &str) -> (&str, u16) {
    let mut parts = text.split(';').map(str::trim);
    let tag = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    (tag, quality.map_or(1_000, |quality| weight(quality).unwrap_or(0)))
}

fn weight(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codes_are_exact_and_tags_are_not() {
        for language in Language::ALL {
            assert_eq!(Language::with_code(language.code()), Some(language));
            assert_eq!(serde_json::to_value(language).unwrap(), language.code());
        }
        for (tag, language) in [("de-AT", Some(Language::German)), ("DE_ch", Some(Language::German)), ("den", None)] {
            assert_eq!(Language::of_tag(tag), language, "{tag}");
            assert_eq!(Language::with_code(tag), None, "{tag}");
        }
    }

    #[test]
    fn the_preferred_language_has_the_highest_weight() {
        let (english, german) = (Some(Language::English), Some(Language::German));
        for (header, language) in [
            ("de", german),
            ("de, en", german),
            ("en, de", english),
            ("fr-FR, de-AT;q=0.8, en;q=0.5", german),
            ("en;q=0.5, de;q=0.85", german),
            ("de;q=0.2, en-GB;Q=0.201", english),
            ("de;q=0, en;q=0.001", english),
            ("de-AT;q=0.1, de;q=0.9, en;q=0.5", german),
            ("fr, *;q=0.5", english),
            ("en;q=0, *", german),
            ("en;q=0, de;q=0, *", None),
            ("fr", None),
            ("", None),
            ("de;q=2, de;q=0.1234, de;q=x, de;q=-1", None),
            ("de;q=1.000", german),
            ("de;q=1.001", None),
            ("x;level=1;q=0.3, de;v=1;q=0.2", german),
        ] {
            assert_eq!(Language::negotiated([header]), language, "{header}");
        }
        assert_eq!(Language::negotiated(["fr", "en;q=0.1, de;q=0.7"]), german, "several lines are one list");
        assert_eq!(Language::negotiated([]), None);
    }

    proptest! {
        #[test]
        fn any_header_is_read(header in "[a-zA-Z*;q=.,0-9 \\-é]{0,60}") {
            let _ = Language::negotiated([header.as_str()]);
        }
    }
}
