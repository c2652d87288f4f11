//! Decodes the bytes of a file: UTF-8, UTF-16 or ISO-8859-1.

use std::borrow::Cow;

/// Decodes UTF-8, or UTF-16 with a byte order mark; `None` for anything else.
pub(super) fn unicode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => std::str::from_utf8(rest).ok().map(Cow::Borrowed),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        _ => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
    }
}

/// Decodes like [`unicode`], and any other bytes as ISO-8859-1, in which every byte is a character.
pub(super) fn unicode_or_latin1(bytes: &[u8]) -> Cow<'_, str> {
    unicode(bytes).unwrap_or_else(|| Cow::Owned(bytes.iter().copied().map(char::from).collect()))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<Cow<'_, str>> {
    let (pairs, []) = bytes.as_chunks::<2>() else { return None };
    let text: Result<String, _> = char::decode_utf16(pairs.iter().copied().map(unit)).collect();
    text.ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_marks_are_recognised_and_removed() {
        assert_eq!(unicode(b"\xEF\xBB\xBFa").as_deref(), Some("a"));
        assert_eq!(unicode(b"\xFF\xFEa\0").as_deref(), Some("a"));
        assert_eq!(unicode(b"\xFE\xFF\0a").as_deref(), Some("a"));
        assert_eq!(unicode(b"\xFE\xFF\0"), None);
    }

    #[test]
    fn other_bytes_are_latin1() {
        assert_eq!(unicode(b"caf\xE9"), None);
        assert_eq!(unicode_or_latin1(b"caf\xE9"), "caf\u{e9}");
        assert_eq!(unicode_or_latin1("caf\u{e9}".as_bytes()), "caf\u{e9}");
    }
}
