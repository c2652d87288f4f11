//! The prefixes of a text to encrypt or decrypt: `{key:alias}`, `{secret:…}`, ended by `{plain}`.

/// Splits `text` into its prefixes, in order, and the rest.
pub(super) fn split(text: &str) -> (Vec<(&str, &str)>, &str) {
    let mut prefixes = Vec::new();
    let mut rest = text;
    loop {
        if let Some(plain) = rest.strip_prefix("{plain}") {
            return (prefixes, plain);
        }
        let inner = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let Some(((name, value), after)) = inner.and_then(|(inner, after)| Some((inner.split_once(':')?, after)))
        else {
            return (prefixes, rest);
        };
        // A secret may be JSON: `{"a":1}` is not a prefix.
        if name.is_empty() || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter)) {
            return (prefixes, rest);
        }
        prefixes.push((name, value));
        rest = after;
    }
}

/// Writes the prefixes as they precede a cipher text.
pub(super) fn join(prefixes: &[(&str, &str)]) -> String {
    prefixes.iter().fold(String::new(), |text, (name, value)| format!("{text}{{{name}:{value}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_separated_from_the_text() {
        for (text, prefixes, rest) in [
            ("abc", vec![], "abc"),
            ("{key:old}abc", vec![("key", "old")], "abc"),
            ("{key:old}{secret:x}abc", vec![("key", "old"), ("secret", "x")], "abc"),
            ("{plain}{key:old}abc", vec![], "{key:old}abc"),
            ("{key:old}{plain}{x:y}", vec![("key", "old")], "{x:y}"),
            ("{\"a\":1}", vec![], "{\"a\":1}"),
            ("{unclosed:x", vec![], "{unclosed:x"),
            ("{none}abc", vec![], "{none}abc"),
            ("", vec![], ""),
        ] {
            assert_eq!(split(text), (prefixes, rest), "{text}");
        }
        assert_eq!(join(&[("key", "old"), ("secret", "x")]), "{key:old}{secret:x}");
    }
}
