//! Conversion of HTML to plain text: paragraphs and list items become lines, all other markup is removed.

use souk_kit::text::{is_forbidden, normalized as in_one_spelling};

/// Returns the text of `html`. Unclosed markup is kept as text: the result is always shown as text, never as HTML.
pub(crate) fn plain_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tagged)) = rest.split_once('<') {
        text.push_str(&decoded(before));
        let starts_tag = tagged.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '/' | '!'));
        let Some((tag, after)) = tagged.split_once('>').filter(|_| starts_tag) else {
            text.push('<');
            rest = tagged;
            continue;
        };
        let name: String =
            tag.chars().skip_while(|letter| *letter == '/').take_while(char::is_ascii_alphanumeric).collect();
        let name = name.to_ascii_lowercase();
        rest = match name.as_str() {
            "script" | "style" if !tag.starts_with('/') => past_closing(after, &name),
            _ => after,
        };
        match name.as_str() {
            "li" if !tag.starts_with('/') => text.push_str("\n• "),
            "br" | "tr" | "ul" | "ol" => text.push('\n'),
            "p" | "div" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "table" | "blockquote" => text.push_str("\n\n"),
            _ => {}
        }
    }
    text.push_str(&decoded(rest));
    in_one_spelling(&cleaned(&text))
}

/// Returns what follows `</name>`; empty when it is missing.
fn past_closing<'t>(text: &'t str, name: &str) -> &'t str {
    let closing = format!("</{name}");
    let lower = text.to_ascii_lowercase();
    let after = lower.find(&closing).and_then(|at| text.get(at..)).and_then(|tail| tail.split_once('>'));
    after.map_or("", |(_, after)| after)
}

/// Removes control and invisible characters, repeated spaces and repeated empty lines.
fn cleaned(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty_lines = 0;
    for line in text.lines() {
        let clean = line.replace(is_forbidden, " ");
        let words = clean.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.is_empty() || words == "•" {
            empty_lines += 1;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if empty_lines > 0 { "\n\n" } else { "\n" });
        }
        empty_lines = 0;
        out.push_str(&words);
    }
    out
}

/// Maximum length of an entity's name in bytes.
const MAX_ENTITY: usize = 10;

fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let named = after.split_once(';').filter(|(name, _)| name.len() <= MAX_ENTITY);
        let known = named.and_then(|(name, tail)| character(name).map(|letter| (letter, tail)));
        let (letter, tail) = known.unwrap_or(('&', after));
        out.push(letter);
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn character(entity: &str) -> Option<char> {
    if let Some(number) = entity.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "euro" => '€',
        "deg" => '°',
        "times" => '×',
        "frac12" => '½',
        "copy" => '©',
        "reg" => '®',
        "trade" => '™',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paragraphs_and_lists_become_lines() {
        let html = "<p>A heavy\n skillet &amp; lid.</p><ul><li>Pouring <b>lips</b></li><li>Wash &lt; 60&deg;</li></ul>";
        assert_eq!(plain_text(html), "A heavy\nskillet & lid.\n\n• Pouring lips\n• Wash < 60°");
        assert_eq!(plain_text("a<br/>b<BR>c &#8364; &#x20AC; &unknown; & so"), "a\nb\nc € € &unknown; & so");
        assert_eq!(plain_text("x<script>alert('<p>')</script><style>p{}</style>y"), "xy");
        assert_eq!(plain_text("3 < 4 <open"), "3 < 4 <open");
        assert_eq!(plain_text("<script>never closed"), "");
    }

    proptest! {
        #[test]
        fn any_input_is_converted_without_a_panic(html in "[<>/a-z&;# \\n]{0,80}|\\PC{0,60}") {
            let text = plain_text(&html);
            prop_assert!(!text.contains("\n\n\n"));
        }
    }
}
