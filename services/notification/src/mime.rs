//! The MIME message of a mail: headers, plain text and HTML.

use std::time::{Duration, UNIX_EPOCH};

use lettre::{
    Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use souk_kit::text::is_forbidden;
use souk_values::Timestamp;

use crate::{store::OutgoingMail, templates::MailText};

/// Composes the message, dated `now`.
///
/// Errors: a sentence; the recipient's address is not one that mail can be sent to.
pub(crate) fn compose(mail: &OutgoingMail, text: MailText, from: &Mailbox, now: Timestamp) -> Result<Message, String> {
    let address = mail.to.email.parse().map_err(|error| format!("the mail address is not valid: {error}"))?;
    let millis = u64::try_from(now.millis()).unwrap_or(0);
    // RFC 3834: keeps vacation responders from replying.
    let auto_submitted = HeaderName::new_from_ascii_str("Auto-Submitted");
    // RFC 3282.
    let content_language = HeaderName::new_from_ascii_str("Content-Language");
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(Some(printable(&mail.to.name)), address))
        .subject(printable(&text.subject))
        .message_id(Some(mail.message_id.clone()))
        .date(UNIX_EPOCH + Duration::from_millis(millis))
        .raw_header(HeaderValue::new(auto_submitted, "auto-generated".to_owned()))
        .raw_header(HeaderValue::new(content_language, mail.language.code().to_owned()))
        .multipart(MultiPart::alternative_plain_html(text.text, text.html))
        .map_err(|error| format!("the mail cannot be composed: {error}"))
}

/// Replaces control and invisible characters, whatever the event was that brought the text: lettre's header encoder panics
/// on some, and others let a name display as another.
fn printable(text: &str) -> String {
    text.replace(is_forbidden, " ")
}

#[cfg(test)]
mod tests {
    use souk_values::{Language, NotificationId, ids::Id as _};

    use super::*;
    use crate::{kind::Kind, message::MailAddress};

    fn composed(name: &str, email: &str) -> Result<String, String> {
        let mail = OutgoingMail {
            mail_id: NotificationId::new(7).unwrap(),
            message_id: "<notice.7@localhost>".to_owned(),
            kind: Kind::Welcome,
            to: MailAddress { name: name.to_owned(), email: email.to_owned() },
            language: Language::German,
            subject: String::new(),
            facts: "{}".to_owned(),
            attempts: 0,
            good_until: "2026-02-28T12:00:00Z".parse().unwrap(),
        };
        let text =
            MailText { subject: format!("Welcome, {name}"), text: "Hello".to_owned(), html: "<p>Hello</p>".to_owned() };
        let from = "Souk <shop@localhost>".parse().unwrap();
        let message = compose(&mail, text, &from, "2026-01-31T12:00:00Z".parse().unwrap())?;
        Ok(String::from_utf8(message.formatted()).unwrap())
    }

    #[test]
    fn the_documented_headers_are_set() {
        let raw = composed("Ada", "ada@example.org").unwrap();
        for line in [
            "From: Souk <shop@localhost>",
            "To: Ada <ada@example.org>",
            "Message-ID: <notice.7@localhost>",
            "Date: Sat, 31 Jan 2026 12:00:00 +0000",
            "Auto-Submitted: auto-generated",
            "Content-Language: de",
        ] {
            assert!(raw.lines().any(|other| other == line), "{line} is not in {raw}");
        }
    }

    #[test]
    fn a_name_cannot_smuggle_headers_and_a_bad_address_is_refused() {
        for code in (0..0x300).chain(0x1f30..0x1f50).chain(0x2000..0x2070).chain([0xfeff, 0xfffd, 0x1f600, 0x10_ffff]) {
            let odd = char::from_u32(code).unwrap();
            for name in [format!("{odd}"), format!("A{odd}b"), format!("{odd} {odd}\"\\ ")] {
                composed(&name, "ada@example.org").unwrap();
            }
        }
        assert_eq!(printable("a\r\n\0\u{85}\u{202e}\u{2066}b é"), "a      b é");
        let raw = composed("Ada\r\nBcc: eve@example.org\r\n\r\nhi", "ada@example.org").unwrap();
        assert!(!raw.lines().any(|line| line.starts_with("Bcc")), "{raw}");
        for email in ["", "ada", "ada@example.org\r\nBcc: eve@example.org", "ada@example.org, eve@example.org"] {
            assert!(composed("Ada", email).is_err(), "{email}");
        }
    }
}
