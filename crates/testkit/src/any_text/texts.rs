//! The hostile texts: a fixed list, and random ones that are the same in each run.

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// Random texts for each field.
const RANDOM: usize = 12;
const SEED: u64 = 20_260_131;

/// A text to send.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub value: String,
    /// True if no line may have one of its characters.
    pub is_forbidden: bool,
    /// True if no paragraph may have one of its characters.
    pub is_forbidden_in_paragraphs: bool,
    pub is_too_long: bool,
}

impl Text {
    /// Returns the beginning of the text.
    pub fn shown(&self) -> String {
        self.value.chars().take(40).collect()
    }
}

/// Texts that no line may contain. None ends or begins with space, which is trimmed.
const FORBIDDEN: &[&str] = &[
    "a\0b",
    "\0",
    "a\u{1b}[31mb",
    "a\u{7f}b",
    "a\u{85}b",
    "a\u{2028}b",
    "a\u{202e}gpj.exe",
    "a\u{2066}b\u{2069}",
    "a\u{200b}b",
    "\u{feff}a",
    "a\u{e0041}b",
];

/// Texts that paragraphs may contain, and no line.
const LINES: &[&str] = &["a\r\nb", "a\nBcc: eve@example.org\n\nb"];

/// Texts that a field may take or refuse.
const OTHERS: &[&str] = &[
    "",
    " ",
    "\u{301}\u{308}",
    "e\u{301}",
    "\u{ffff}",
    "\u{10ffff}",
    "😀",
    "👩\u{200d}🚀",
    "' OR 1=1 --",
    "\"; DROP TABLE x; --",
    "%00",
    "%_\\",
    "\\\\\\0\\u0000",
    "{\"a\": [\"\\u0000\"]}",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}${x}",
    "../../etc/passwd",
    "-9223372036854775809",
    "NaN",
];

/// Returns all texts for a field with this `maxLength`.
pub(super) fn all(max_length: Option<usize>) -> Vec<Text> {
    let text = |text: &str| Text {
        value: text.to_owned(),
        is_forbidden: false,
        is_forbidden_in_paragraphs: false,
        is_too_long: max_length.is_some_and(|max| text.chars().count() > max),
    };
    let forbidden = FORBIDDEN.iter().map(|forbidden| Text {
        is_forbidden: true,
        is_forbidden_in_paragraphs: true,
        ..text(forbidden)
    });
    let lines = LINES.iter().map(|lines| Text { is_forbidden: true, ..text(lines) });
    let mut texts: Vec<Text> = forbidden.chain(lines).chain(OTHERS.iter().map(|other| text(other))).collect();
    texts.push(text(&"x".repeat(10_000)));
    // Four bytes for each character: the longest text that a column has to hold.
    texts.extend(max_length.map(|max| text(&"😀".repeat(max))));
    texts.extend(max_length.map(|max| text(&"x".repeat(max + 1))));
    let mut rng = StdRng::seed_from_u64(SEED);
    for _ in 0..RANDOM {
        let random: String = (0..rng.random_range(1..30)).map(|_| letter(&mut rng)).collect();
        let inner = random.trim();
        // A lower bound of the rule, and independent of its implementation.
        let is_forbidden = inner.contains(char::is_control);
        let is_forbidden_in_paragraphs =
            inner.contains(|letter: char| letter.is_control() && !"\n\r\t".contains(letter));
        texts.push(Text { is_forbidden, is_forbidden_in_paragraphs, ..text(&random) });
    }
    texts
}

fn letter(rng: &mut StdRng) -> char {
    let range = match rng.random_range(0..8) {
        0 => 0..0xa0,
        1 => 0x80..0x800,
        2 => 0x2000..0x2070,
        3 => 0x1_f300..0x1_f700,
        4 => 0..0x11_0000,
        _ => 0x20..0x7f,
    };
    char::from_u32(rng.random_range(range)).unwrap_or('\u{fffd}')
}
