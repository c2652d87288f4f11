//! Metadata keys as element names, escaped by the rules of `XStream`.
//!
//! `_` becomes `__`, `$` becomes `_-`, and any other UTF-16 unit that a name cannot hold at that position becomes `_.`
//! and four hexadecimal digits: `1 café` is `_.0031_.0020café`. Unlike `XStream`, this escapes `:` and letters beyond
//! Latin-1 too: parsers that know namespaces, or only the older editions of XML 1.0, would reject the whole document.
//! `XStream` reads both forms.

use std::fmt::Write as _;

/// Returns the element name for `key`, which must not be empty.
pub fn encode(key: &str) -> String {
    let mut name = String::with_capacity(key.len());
    let mut units = [0_u16; 2];
    for letter in key.chars() {
        match letter {
            '_' => name.push_str("__"),
            '$' => name.push_str("_-"),
            letter if starts_a_name(letter) => name.push(letter),
            '0'..='9' | '.' | '-' if !name.is_empty() => name.push(letter),
            letter => {
                for unit in letter.encode_utf16(&mut units) {
                    // Writing to a string cannot fail.
                    let _ = write!(name, "_.{unit:04x}");
                }
            }
        }
    }
    name
}

/// Returns the key for an element name. A `_` that starts no escape is kept: not all clients write as `XStream` does.
pub fn decode(name: &str) -> String {
    if !name.contains('_') {
        return name.to_owned();
    }
    let mut units: Vec<u16> = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some(letter) = rest.chars().next() {
        let escape = leading_escape(rest);
        match escape {
            Some((unit, _)) => units.push(unit),
            None => units.extend(letter.encode_utf16(&mut [0; 2]).iter()),
        }
        rest = rest.get(escape.map_or(letter.len_utf8(), |(_, length)| length)..).unwrap_or_default();
    }
    String::from_utf16_lossy(&units)
}

/// Returns the UTF-16 unit that `text` starts with in escaped form, and the escape's length.
fn leading_escape(text: &str) -> Option<(u16, usize)> {
    let unit = match text.get(..2)? {
        "__" => return Some((u16::from(b'_'), 2)),
        "_-" => return Some((u16::from(b'$'), 2)),
        "_." => text.get(2..6).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?,
        _ => return None,
    };
    Some((u16::from_str_radix(unit, 16).ok()?, 6))
}

/// Returns true for letters that every parser accepts at the start of a name; `_` is handled before.
fn starts_a_name(letter: char) -> bool {
    letter.is_ascii_alphabetic() || matches!(letter, 'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ÿ')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_escaped_as_xstream_does() {
        for (key, name) in [
            ("zone", "zone"),
            ("management.port", "management.port"),
            ("my_key", "my__key"),
            ("$weight", "_-weight"),
            ("1 café", "_.0031_.0020café"),
            ("-a", "_.002da"),
            ("a:b", "a_.003ab"),
            ("<b/>", "_.003cb_.002f_.003e"),
            ("a😀", "a_.d83d_.de00"),
        ] {
            assert_eq!(encode(key), name, "{key}");
            assert_eq!(decode(name), key, "{name}");
        }
    }

    #[test]
    fn an_underscore_that_escapes_nothing_is_itself() {
        for name in ["my_key", "_", "a_", "_.12", "_.+123", "_.00€", "_é"] {
            assert_eq!(decode(name), name);
        }
        assert_eq!(decode("_.d83d"), "\u{fffd}", "half a letter");
    }

    proptest! {
        #[test]
        fn an_encoded_key_decodes_to_itself(key in "\\PC{1,20}|[_$.:a\\-0-9]{1,12}") {
            let name = encode(&key);
            prop_assert!(name.chars().next().is_some_and(|first| first == '_' || starts_a_name(first)));
            prop_assert!(name.chars().all(|l| starts_a_name(l) || l.is_ascii_digit() || "_.-".contains(l)));
            prop_assert_eq!(decode(&name), key);
        }

        #[test]
        fn no_name_makes_decoding_panic(name in "\\PC{0,20}|[_.a0d8]{0,12}") {
            decode(&name);
        }
    }
}
