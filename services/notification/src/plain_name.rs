//! Texts of customers in mails, so that no mail client turns them into links.
//!
//! Anyone can register somebody else's address under the name "Your prize: evil.example". The shop would mail it, and the
//! reader trust it.

/// Characters that end a label of a domain, for a reader or by IDNA (RFC 3490, section 3.1).
const DOTS: [char; 6] = ['.', '\u{3002}', '\u{ff0e}', '\u{ff61}', '\u{2024}', '\u{fe52}'];

/// Returns a text as it is, or with spaces for dots, colons, slashes and at signs if it reads as a link or an address.
pub(crate) fn without_links(text: &str) -> String {
    if !reads_as_link(text) {
        return text.to_owned();
    }
    let broken: String = text.chars().map(|letter| if joins_link(letter) { ' ' } else { letter }).collect();
    broken.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn joins_link(letter: char) -> bool {
    DOTS.contains(&letter) || matches!(letter, ':' | '/' | '\\' | '@' | '\u{ff1a}' | '\u{ff0f}' | '\u{ff20}')
}

/// True for "://", "www." and anything like `name.tld` or `name@host`, whatever the letters.
fn reads_as_link(text: &str) -> bool {
    let lower = text.to_lowercase();
    if lower.contains("://") || lower.contains("www.") || lower.contains("mailto:") {
        return true;
    }
    let letters: Vec<char> = lower.chars().collect();
    letters.windows(3).any(|window| match window {
        [before, middle, after] => {
            (DOTS.contains(middle) || matches!(middle, '@' | '\u{ff20}')) && is_label(*before) && is_label(*after)
        }
        _ => false,
    })
}

/// Marks and joiners count as parts of a word, since a reader does not see them.
fn is_label(letter: char) -> bool {
    letter.is_alphanumeric() || !letter.is_ascii() || matches!(letter, '-' | '_' | '[' | ']' | ')')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn links_are_broken_and_names_are_kept() {
        for (name, shown) in [
            ("Ada Byron", "Ada Byron"),
            ("Dr. J. R. Smith", "Dr. J. R. Smith"),
            ("ada_99", "ada_99"),
            ("Your prize: https://evil.example/x", "Your prize https evil example x"),
            ("evil.example", "evil example"),
            ("WWW.evil", "WWW evil"),
            ("www. evil", "www evil"),
            ("hxxp://evil", "hxxp evil"),
            ("write to eve@evil", "write to eve evil"),
            ("evil\u{3002}example", "evil example"),
            ("evil\u{ff0e}example", "evil example"),
            ("пример.рф", "пример рф"),
            ("mailto:eve", "mailto eve"),
            ("10.0.0.1", "10 0 0 1"),
        ] {
            assert_eq!(without_links(name), shown);
        }
    }

    proptest! {
        #[test]
        fn nothing_reads_as_a_link_afterwards(text in "[a-zA-Zw:/.@ \u{3002}é\\-]{0,30}") {
            let shown = without_links(&text);
            prop_assert!(!reads_as_link(&shown), "{text} {shown}");
            prop_assert_eq!(without_links(&shown), shown);
        }
    }
}
