//! Parser of the `.eml` files that this service writes: headers, and the parts of a multipart body.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::DateTime;
use souk_values::Timestamp;

/// A parsed mail. Missing parts are empty; parsing never fails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Eml {
    headers: Vec<(String, String)>,
    parts: Vec<(String, String)>,
}

impl Eml {
    pub(crate) fn parse(raw: &[u8]) -> Self {
        let text = String::from_utf8_lossy(raw).replace("\r\n", "\n");
        let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        let headers = unfold(head);
        let parts = match parameter(&find(&headers, "Content-Type"), "boundary") {
            Some(boundary) => {
                let delimiter = format!("\n--{boundary}");
                format!("\n{body}").split(&delimiter).skip(1).filter_map(part).collect()
            }
            None => part(&text).into_iter().collect(),
        };
        Self { headers, parts }
    }

    /// Returns a header's decoded text; empty when the header is missing.
    pub(crate) fn header(&self, name: &str) -> String {
        decode_words(&find(&self.headers, name))
    }

    /// Returns the mail address in a header, without the display name.
    pub(crate) fn address(&self, name: &str) -> String {
        let header = self.header(name);
        match header.rsplit_once('<') {
            Some((_, address)) => address.trim_end().trim_end_matches('>').to_owned(),
            None => header,
        }
    }

    /// Returns the `Date` header; the epoch when it is missing.
    pub(crate) fn date(&self) -> Timestamp {
        let date = DateTime::parse_from_rfc2822(&self.header("Date"));
        date.map_or(Timestamp::EPOCH, |date| Timestamp::from_millis(date.timestamp_millis()))
    }

    /// Returns the first part of a media type such as `text/html`; empty when there is none.
    pub(crate) fn part(&self, media_type: &str) -> String {
        self.parts.iter().find(|(found, _)| found == media_type).map(|(_, text)| text.clone()).unwrap_or_default()
    }
}

fn unfold(head: &str) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in head.lines() {
        match (headers.last_mut(), line.split_once(':')) {
            (Some((_, value)), _) if line.starts_with([' ', '\t']) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            (_, Some((name, value))) => headers.push((name.trim().to_owned(), value.trim().to_owned())),
            (_, None) => {}
        }
    }
    headers
}

fn find(headers: &[(String, String)], name: &str) -> String {
    let found = headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// Returns media type and text of one part; `None` for the epilogue after the last delimiter.
fn part(raw: &str) -> Option<(String, String)> {
    let (head, body) = raw.split_once("\n\n")?;
    let headers = unfold(head);
    let kind = find(&headers, "Content-Type").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let bytes = match find(&headers, "Content-Transfer-Encoding").to_ascii_lowercase().as_str() {
        "quoted-printable" => quoted_printable(&body.replace("=\n", "")),
        "base64" => BASE64_STANDARD.decode(body.split_whitespace().collect::<String>()).unwrap_or_default(),
        _ => body.as_bytes().to_vec(),
    };
    Some((kind, String::from_utf8_lossy(&bytes).replace("\r\n", "\n")))
}

/// Decodes RFC 2045 quoted-printable: `=C3=A9` is é. Malformed sequences are kept as they are.
fn quoted_printable(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.split_at_checked(2).filter(|_| byte == b'=').and_then(|(digits, after)| {
            let code = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
            Some((code, after))
        });
        let (byte, after) = code.unwrap_or((byte, after));
        out.push(byte);
        rest = after;
    }
    out
}

/// Decodes RFC 2047 words: `=?utf-8?b?w6k=?=` and `=?utf-8?q?=C3=A9?=` are é. Blanks between two of them are dropped.
fn decode_words(header: &str) -> String {
    let mut out = String::new();
    let mut rest = header;
    while let Some((before, decoded, after)) = next_word(rest) {
        if !before.trim().is_empty() || out.is_empty() {
            out.push_str(before);
        }
        out.push_str(&decoded);
        rest = after;
    }
    out + rest
}

fn next_word(text: &str) -> Option<(&str, String, &str)> {
    let (before, word) = text.split_once("=?")?;
    let mut fields = word.splitn(3, '?');
    let _charset = fields.next()?;
    let encoding = fields.next()?;
    let rest = fields.next()?;
    let (encoded, after) = rest.split_once("?=")?;
    let bytes = match encoding {
        "b" | "B" => BASE64_STANDARD.decode(encoded).ok()?,
        "q" | "Q" => quoted_printable(&encoded.replace('_', " ")),
        _ => return None,
    };
    Some((before, String::from_utf8_lossy(&bytes).into_owned(), after))
}

#[cfg(test)]
mod tests {
    use lettre::{Message, message::MultiPart};

    use super::*;

    fn round_trip(subject: &str, name: &str, text: &str) -> Eml {
        let message = Message::builder()
            .from("Souk <shop@localhost>".parse().unwrap())
            .to(lettre::message::Mailbox::new(Some(name.to_owned()), "ada@example.org".parse().unwrap()))
            .subject(subject)
            .multipart(MultiPart::alternative_plain_html(text.to_owned(), format!("<p>{text}</p>")))
            .unwrap();
        Eml::parse(&message.formatted())
    }

    #[test]
    fn composed_mails_parse_back() {
        let long = format!("{} fin", "très long ".repeat(40));
        for text in
            ["plain = simple", "Grüße aus Köln — 50 € = viel", "日本語のメール", long.as_str(), "a\n\nb\n.\nc=3D"]
        {
            for subject in [
                "Order 42",
                "Ça va? Déjà vu",
                "An order with a subject so long that it has to be folded twice, ok",
                "日本語の件名はとても長いので複数の語に分かれてしまうことがあります",
            ] {
                let eml = round_trip(subject, "Zoë \"Z\" Ångström", text);
                assert_eq!(eml.header("subject"), subject);
                assert_eq!(eml.part("text/plain"), text);
                assert_eq!(eml.part("text/html"), format!("<p>{text}</p>"));
                assert_eq!(eml.address("To"), "ada@example.org");
                assert_ne!(eml.date(), Timestamp::EPOCH);
            }
        }
    }

    #[test]
    fn malformed_input_parses_as_empty() {
        for raw in
            [&b""[..], b"\xff\xfe", b"Subject", b"Content-Type: multipart/x; boundary=\n\n--", b"A: =?utf-8?b?!?="]
        {
            let eml = Eml::parse(raw);
            assert_eq!(eml.part("text/html"), "");
            assert_eq!(eml.date(), Timestamp::EPOCH);
        }
        assert_eq!(Eml::parse(b"Subject: =?x?q?=zz=4?= b").header("Subject"), "=zz=4 b");
    }
}
