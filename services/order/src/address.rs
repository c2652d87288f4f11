//! Rules of a postal address: its country by ISO 3166-1, and the postal code that the country has.

use std::sync::LazyLock;

use keshvar::{Alpha2, Country, CountryIterator};
use quick_cache::sync::Cache;
use regex::{Regex, RegexBuilder};
use unicode_normalization::UnicodeNormalization;

/// Compiled patterns kept, by the country's number: a shop ships to few countries at a time.
const KEPT_PATTERNS: usize = 40;

static PATTERNS: LazyLock<Cache<&'static str, Option<Regex>>> = LazyLock::new(|| Cache::new(KEPT_PATTERNS));

/// Codes that are none, and the country that people mean by them: the EU's own codes, withdrawn ones, languages' codes, and
/// countries within the United Kingdom.
const MISTAKEN_CODES: [(&str, Alpha2); 20] = [
    ("UK", Alpha2::GB),
    ("EN", Alpha2::GB),
    ("ENG", Alpha2::GB),
    ("SCO", Alpha2::GB),
    ("WAL", Alpha2::GB),
    ("NIR", Alpha2::GB),
    ("ENGLAND", Alpha2::GB),
    ("SCOTLAND", Alpha2::GB),
    ("WALES", Alpha2::GB),
    ("NORTHERN IRELAND", Alpha2::GB),
    ("EL", Alpha2::GR),
    ("JA", Alpha2::JP),
    ("KO", Alpha2::KR),
    ("ZH", Alpha2::CN),
    ("CS", Alpha2::CZ),
    ("DA", Alpha2::DK),
    ("HOLLAND", Alpha2::NL),
    ("AMERICA", Alpha2::US),
    ("ZR", Alpha2::CD),
    ("SU", Alpha2::RU),
];

/// Returns the country with this code. Errors: a sentence without subject that names the country that was probably meant.
pub(crate) fn country(code: &str) -> Result<Country, String> {
    let is_code = code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase());
    if let Some(country) = Some(code).filter(|_| is_code).and_then(by_alpha2) {
        return Ok(country);
    }
    let rule = "must be the code of a country by ISO 3166-1, two capital letters such as DE";
    Err(match probably_meant(code) {
        Some(country) => format!("{rule}; write {} for {}", country.alpha2(), country.iso_short_name()),
        None => rule.to_owned(),
    })
}

/// Checks a postal code of `country`. Errors: a sentence without subject.
pub(crate) fn postal_code(country: &Country, code: Option<&str>) -> Result<(), String> {
    let name = country.iso_short_name();
    let Some(code) = code.map(in_capitals).filter(|code| !code.is_empty()) else {
        return if country.postal_code() { Err(format!("is required in {name}")) } else { Ok(()) };
    };
    let pattern = PATTERNS.get_or_insert_with(&country.number(), || Ok::<_, ()>(pattern(country))).ok().flatten();
    let is_known = pattern.is_none_or(|pattern| spellings(country, &code).any(|code| pattern.is_match(&code)));
    if is_known { Ok(()) } else { Err(format!("is not a postal code of {name}")) }
}

/// Returns a postal code as it is stored: in capital letters, narrow ones for full-width ones.
pub(crate) fn in_capitals(code: &str) -> String {
    let narrow: String = code.trim().nfkc().flat_map(char::to_uppercase).collect();
    narrow.replace(['\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2212}', 'ー'], "-")
}

fn by_alpha2(code: &str) -> Option<Country> {
    Alpha2::try_from(code).ok().map(|alpha2| alpha2.to_country())
}

/// Returns the country whose code in another case or of three letters, or whose name, `text` is.
fn probably_meant(text: &str) -> Option<Country> {
    let upper = text.trim().to_uppercase();
    let mistaken = MISTAKEN_CODES.iter().find(|(code, _)| *code == upper).map(|(_, meant)| meant.to_country());
    if mistaken.is_some() {
        return mistaken;
    }
    let is_named = |name: &str| name.to_uppercase() == upper;
    CountryIterator::new().find(|country| {
        let names = [country.iso_short_name(), country.iso_long_name()];
        country.alpha2().to_string() == upper
            || country.alpha3().to_string() == upper
            || names.into_iter().chain(country.unofficial_name_list().iter().copied()).any(is_named)
    })
}

/// Returns the code without the spaces and hyphens that people write or leave out; also without the sign of the country
/// before it, as in `D-10115`.
fn spellings<'c>(country: &Country, code: &'c str) -> impl Iterator<Item = String> + use<'c> {
    let signs = [country.maybe_vehicle_registration_code().map(str::to_owned), Some(country.alpha2().to_string())];
    let compact = |code: &str| code.replace([' ', '-'], "");
    let unsigned =
        signs.into_iter().flatten().filter_map(move |sign| code.strip_prefix(&format!("{sign}-")).map(compact));
    [compact(code)].into_iter().chain(unsigned)
}

/// Compiles the country's pattern, without the separators that [`spellings`] leaves out.
fn pattern(country: &Country) -> Option<Regex> {
    let format = country.postal_code_format()?.replace(r"[ \-]", "");
    let mut pattern = String::with_capacity(format.len());
    let mut is_class = false;
    let mut letters = format.chars().peekable();
    while let Some(letter) = letters.next() {
        is_class = (is_class || letter == '[') && letter != ']';
        if !is_class && matches!(letter, ' ' | '-') {
            letters.next_if_eq(&'?');
        } else {
            pattern.push(letter);
        }
    }
    RegexBuilder::new(&format!("^(?:{pattern})$")).unicode(false).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(code: &str, postal: &str) -> Result<(), String> {
        postal_code(&country(code).unwrap(), Some(postal).filter(|code| !code.is_empty()))
    }

    #[test]
    fn a_country_is_a_code_of_iso_3166() {
        for code in ["DE", "GB", "GR", "VN", "AX", "SS", "CW", "US"] {
            assert_eq!(country(code).unwrap().alpha2().to_string(), code);
        }
        assert_eq!(CountryIterator::new().count(), 249);
        for code in ["", "D", "ZZ", "XX", "AA", "D1", "Utopia", "12", "DEU ", "é", "\u{1f1e9}\u{1f1ea}"] {
            assert!(country(code).is_err(), "{code}");
        }
    }

    #[test]
    fn a_mistaken_country_is_answered_with_the_one_that_was_meant() {
        let meant = [
            ("UK", "GB"),
            ("uk", "GB"),
            ("EL", "GR"),
            ("de", "DE"),
            (" DE", "DE"),
            ("DEU", "DE"),
            ("usa", "US"),
            ("Germany", "DE"),
            ("Deutschland", "DE"),
            ("France", "FR"),
            ("England", "GB"),
            ("Holland", "NL"),
            ("Österreich", "AT"),
            ("日本", "JP"),
            ("ZR", "CD"),
        ];
        for (code, meant) in meant {
            let error = country(code).unwrap_err();
            assert!(error.contains(&format!("; write {meant} for ")), "{code}: {error}");
        }
        assert!(country("XX").unwrap_err().ends_with("such as DE"));
    }

    #[test]
    fn a_postal_code_has_the_form_of_its_country() {
        let right = [
            ("DE", "10115"),
            ("DE", "D-10115"),
            ("DE", "DE-10115"),
            ("GB", "sw1a 1aa"),
            ("GB", "SW1A1AA"),
            ("US", "94103"),
            ("US", "94103-1234"),
            ("CA", "K1A 0B1"),
            ("CA", "k1a0b1"),
            ("NL", "1012 AB"),
            ("NL", "1012AB"),
            ("PL", "00-950"),
            ("PL", "00950"),
            ("PT", "1000-001"),
            ("SE", "111 22"),
            ("JP", "100-0001"),
            ("BR", "01310-100"),
            ("IE", "D02 AF30"),
            ("AT", "1010"),
            ("CH", "8001"),
            ("LV", "LV-1010"),
            ("VN", "700000"),
            ("FR", "75001"),
            ("GI", "GX11 1AA"),
            ("MT", "VLT 1117"),
        ];
        for (code, postal) in right {
            assert_eq!(checked(code, postal), Ok(()), "{code} {postal}");
        }
        assert_eq!(checked("JP", "１００−０００１"), Ok(()));
        assert_eq!((in_capitals(" １００−０００１ "), in_capitals("sw1a 1aa")), ("100-0001".into(), "SW1A 1AA".into()));
        let wrong = [
            ("DE", "1011"),
            ("DE", "SW1A 1AA"),
            ("DE", "101155"),
            ("GB", "10115"),
            ("US", "9410"),
            ("CA", "75001"),
            ("NL", "1012"),
            ("DE", "١٠١١٥"),
        ];
        for (code, postal) in wrong {
            assert!(checked(code, postal).unwrap_err().starts_with("is not a postal code of "), "{code} {postal}");
        }
        assert_eq!(checked("DE", "").unwrap_err(), "is required in Germany");
    }

    #[test]
    fn a_country_without_postal_codes_requires_none() {
        for code in ["AE", "HK", "JM", "PA", "AO", "BS"] {
            assert_eq!((checked(code, ""), checked(code, "x 1")), (Ok(()), Ok(())), "{code}");
        }
    }

    #[test]
    fn each_pattern_compiles() {
        for country in CountryIterator::new().filter(Country::postal_code) {
            assert!(pattern(&country).is_some(), "{}", country.iso_short_name());
        }
    }
}
