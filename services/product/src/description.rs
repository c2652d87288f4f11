//! Descriptions: safe HTML for the page, and plain text for search and mails.

use std::{cell::RefCell, collections::HashSet, sync::LazyLock};

use ammonia::Builder;
use html5ever::{
    tendril::StrTendril,
    tokenizer::{BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts},
};
use souk_kit::text::{is_forbidden, normalized};

use crate::product::MAX_DESCRIPTION;

/// Longest safe HTML in bytes.
pub(crate) const MAX_HTML: usize = 60_000;

/// Elements that structure a description. All others are removed, their text stays.
const ELEMENTS: [&str; 38] = [
    "a",
    "b",
    "blockquote",
    "br",
    "caption",
    "code",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "s",
    "small",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
];
const MORE_ELEMENTS: [&str; 3] = ["u", "ul", "tfoot"];
/// Elements that are removed with all that is in them.
const REMOVED: [&str; 9] = ["script", "style", "title", "noscript", "template", "iframe", "object", "svg", "math"];
const URL_SCHEMES: [&str; 4] = ["https", "http", "mailto", "tel"];
/// Repetitions of the cleaning after which HTML that still changes is given up.
const MAX_PASSES: usize = 4;

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = Builder::empty();
    cleaner
        .tags(ELEMENTS.into_iter().chain(MORE_ELEMENTS).collect())
        .clean_content_tags(HashSet::from(REMOVED))
        .add_tag_attributes("a", ["href", "title"])
        .add_tag_attributes("img", ["src", "alt", "width", "height"])
        .add_tag_attributes("td", ["colspan", "rowspan"])
        .add_tag_attributes("th", ["colspan", "rowspan"])
        .url_schemes(HashSet::from(URL_SCHEMES))
        .link_rel(Some("nofollow noopener noreferrer"));
    cleaner
});

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Description {
    /// Paragraphs and list items are lines; cells of a table are separated.
    pub text: String,
    /// Safe HTML; empty for a description without markup.
    pub html: String,
}

impl Description {
    /// Reads HTML, or plain text with or without entities.
    pub(crate) fn read(source: &str) -> Self {
        if !has_markup(source) {
            return Self { text: paragraphs(&decoded(source)), html: String::new() };
        }
        let html = cleaned(source);
        if has_markup(&html) {
            return Self { text: text_of(&html), html };
        }
        Self { text: paragraphs(&decoded(&html)), html: String::new() }
    }

    /// Errors: its text or its HTML is too long; a sentence without subject.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (length, max) in [(self.text.chars().count(), MAX_DESCRIPTION), (self.html.len(), MAX_HTML)] {
            if length > max {
                return Err(format!("has {length} characters, more than {max}; shorten it"));
            }
        }
        Ok(())
    }
}

/// Writes plain text so that [`Description::read`] returns it again.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// Cleans until nothing changes any more, so that cleaning the stored HTML again, as a later import does, keeps it.
fn cleaned(html: &str) -> String {
    let mut clean = CLEANER.clean(html).to_string();
    if clean == html {
        return normalized(&without_forbidden(&clean));
    }
    for _ in 0..MAX_PASSES {
        let again = CLEANER.clean(&clean).to_string();
        if again == clean {
            return normalized(&without_forbidden(&clean));
        }
        clean = again;
    }
    // Nested so oddly that each pass shows another structure: the text alone is kept.
    escaped(&text_of(&clean))
}

fn has_markup(text: &str) -> bool {
    let starts = |(at, _): (usize, &str)| {
        let next = text.get(at + 1..).and_then(|rest| rest.chars().next());
        next.is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?'))
    };
    text.match_indices('<').any(starts)
}

/// Replaces forbidden characters but line ends by spaces, which HTML does not distinguish.
fn without_forbidden(text: &str) -> String {
    text.replace("\r\n", "\n").replace(|letter| letter != '\n' && is_forbidden(letter), " ")
}

/// Cleans plain text, whose line ends stay.
pub(crate) fn paragraphs(text: &str) -> String {
    normalized(&without_forbidden(text))
}

/// Returns text without tags, with its entities decoded.
fn decoded(text: &str) -> String {
    tokenized(text, Text { keeps_space: true, ..Text::default() })
}

/// Returns the text of HTML: paragraphs and list items are lines, cells of a table are separated.
fn text_of(html: &str) -> String {
    let text = tokenized(html, Text::default());
    let mut out = String::with_capacity(text.len());
    let mut empty_lines = 0;
    for line in without_forbidden(&text).lines() {
        let line = line.trim();
        if line.is_empty() || line == "•" {
            empty_lines += 1;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if empty_lines > 0 { "\n\n" } else { "\n" });
        }
        empty_lines = 0;
        out.push_str(line);
    }
    normalized(&out)
}

fn tokenized(html: &str, sink: Text) -> String {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html));
    let tokenizer = Tokenizer::new(Sink(RefCell::new(sink)), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner().out
}

/// Text that was read so far.
#[derive(Debug, Default)]
struct Text {
    out: String,
    /// Open elements `pre`.
    preformatted: usize,
    /// True if the next cell of the table is not the first of its row.
    is_within_row: bool,
    /// True if space and line ends stay as they are.
    keeps_space: bool,
}

struct Sink(RefCell<Text>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let mut text = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(letters) => text.push(&letters),
            Token::TagToken(tag) => match tag.kind {
                TagKind::StartTag => text.open(&tag.name),
                TagKind::EndTag => text.close(&tag.name),
            },
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Text {
    fn push(&mut self, letters: &str) {
        if self.keeps_space || self.preformatted > 0 {
            self.out.push_str(letters);
            return;
        }
        for letter in letters.chars() {
            if !letter.is_whitespace() {
                self.out.push(letter);
            } else if !self.out.ends_with([' ', '\n']) {
                self.out.push(' ');
            }
        }
    }

    fn open(&mut self, element: &str) {
        match element {
            "li" => self.out.push_str("\n• "),
            "td" | "th" if self.is_within_row => self.out.push_str(" | "),
            "td" | "th" => self.is_within_row = true,
            "tr" => {
                self.is_within_row = false;
                self.out.push('\n');
            }
            "pre" => {
                self.preformatted += 1;
                self.out.push_str("\n\n");
            }
            _ => self.end_line(element),
        }
    }

    fn close(&mut self, element: &str) {
        match element {
            "li" | "td" | "th" | "tr" => {}
            "pre" => {
                self.preformatted = self.preformatted.saturating_sub(1);
                self.out.push_str("\n\n");
            }
            _ => self.end_line(element),
        }
    }

    fn end_line(&mut self, element: &str) {
        // Blocks within a cell stay in its line.
        let is_cell = self.is_within_row && !matches!(element, "tr" | "table" | "tbody" | "thead" | "tfoot");
        match element {
            "table" => {
                self.is_within_row = false;
                self.out.push_str("\n\n");
            }
            "br" | "p" | "div" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" if is_cell => self.push(" "),
            "br" | "ul" | "ol" | "dt" | "dd" | "tr" => self.out.push('\n'),
            "p" | "div" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "hr" | "dl" | "caption" => {
                self.out.push_str("\n\n");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(html: &str) -> String {
        Description::read(html).text
    }

    fn html(cell: &str) -> String {
        Description::read(cell).html
    }

    #[test]
    fn paragraphs_and_lists_become_lines() {
        let cell =
            "<p>A heavy\n skillet &amp; lid.</p><ul>\n<li>Pouring <b>lips</b></li><li>Wash &lt; 60&deg;</li></ul>";
        assert_eq!(text(cell), "A heavy skillet & lid.\n\n• Pouring lips\n• Wash < 60°");
        assert_eq!(text("a<br/>b<BR>c &#8364; &#x20AC; &unknown; & so"), "a\nb\nc € € &unknown; & so");
        assert_eq!(text("<h2>Caf&eacute;</h2>x<div>y</div>"), "Café\n\nx\n\ny");
        assert_eq!(text("<pre>a\n  b</pre>"), "a\nb");
    }

    #[test]
    fn plain_text_keeps_its_lines_and_its_entities_are_decoded() {
        assert_eq!(text("Caf&eacute; &amp; bar\n\nSecond line, 3 < 4"), "Café & bar\n\nSecond line, 3 < 4");
        assert_eq!(html("Caf&eacute; & bar"), "");
        assert_eq!(text("tab\tand\r\nline\u{202e}"), "tab and\nline");
    }

    #[test]
    fn what_is_not_text_does_not_leak() {
        assert_eq!(text("<p>x<!-- a > b -->y</p>"), "xy");
        assert_eq!(text("<p title=\"a > b\">x</p>"), "x");
        assert_eq!(text("x<script>alert('<p>')</script><style>p{}</style>y"), "xy");
        assert_eq!(text("<script>never closed"), "");
        assert_eq!(text("<p>3 < 4</p>"), "3 < 4");
        let table =
            "<table><tr><th>Size</th><th>Weight</th></tr><tr><td>26 cm</td><td><p>2 kg</p></td></tr></table>after";
        assert_eq!(text(table), "Size | Weight\n26 cm | 2 kg\n\nafter");
    }

    #[test]
    fn only_allowed_elements_and_attributes_are_kept() {
        assert_eq!(html("<p onclick=x style='a' class=b id=c>x</p>"), "<p>x</p>");
        assert_eq!(html("<a href='javascript:alert(1)'>x</a>"), "<a rel=\"nofollow noopener noreferrer\">x</a>");
        assert_eq!(
            html("<a href='https://x.org/?a=1&b=2' target=_top>x</a>"),
            "<a href=\"https://x.org/?a=1&amp;b=2\" rel=\"nofollow noopener noreferrer\">x</a>"
        );
        assert_eq!(html("<img src=x onerror=alert(1)><img src='data:image/svg+xml,x'>"), "<img src=\"x\"><img>");
        assert_eq!(html("<form action=/x><b>y</b><input value=1></form>"), "<b>y</b>");
        assert_eq!(html("<svg><script>x</script></svg><math><mi>y</mi></math>z"), "");
        assert_eq!(html("<iframe src='https://x.org'></iframe><p>x</p>"), "<p>x</p>");
        assert_eq!(
            Description::read("<script>x</script>Caf&eacute;"),
            Description { text: "Café".into(), html: String::new() }
        );
    }

    #[test]
    fn deep_and_long_markup_is_read() {
        let deep = format!("{}x", "<b>".repeat(3_000));
        assert_eq!(text(&deep), "x");
        assert_eq!(text(&"<div>".repeat(2_000)), "");
        let _ = Description::read(&"<table><tr><td>".repeat(100));
    }

    proptest! {
        #[test]
        fn any_input_is_read_and_reading_it_again_changes_nothing(
            cell in "[<>/a-z&;# \\n\"'=-]{0,80}|\\PC{0,60}|(<(/?(p|b|a|table|tr|td|li|ul|pre|svg|math|select|h1|form|script)|!--)>? ?x?){0,12}"
        ) {
            let first = Description::read(&cell);
            let has_override = first.text.contains('\u{202e}');
            prop_assert!(!has_override);
            let again = if first.html.is_empty() { Description::read(&escaped(&first.text)) } else { Description::read(&first.html) };
            prop_assert_eq!(first, again);
        }

        #[test]
        fn plain_text_survives(text in "\\PC{0,40}(\n\\PC{0,20}){0,2}") {
            let text = paragraphs(&text);
            prop_assert_eq!(Description::read(&escaped(&text)).text, text);
        }
    }
}
