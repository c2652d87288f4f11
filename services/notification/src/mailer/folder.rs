//! A folder of `.eml` files, which admins read when no mail server is configured.

use std::{
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use lettre::Message;
use mail_parser::{Addr, Message as ParsedMail, MessageParser, PartType};
use serde::Serialize;
use souk_values::{IdGen, NotificationId, Page, PageRequest, Timestamp, ids::Id as _};
use tokio::{fs, task::spawn_blocking};
use utoipa::ToSchema;

use super::{Mailer, SendError, redaction::redact};

/// A mail in the mailbox folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": 246_290_604_621_824_i64, "to": "ada@example.org", "subject": "Welcome to Souk",
    "sentAt": "2026-01-31T12:00:00.000Z", "size": 6120
}))]
pub(crate) struct MailboxEntry {
    /// Id of the mail, which is also the name of its file.
    pub id: NotificationId,
    /// Mail address of the recipient.
    pub to: String,
    /// Subject line, decoded to Unicode.
    pub subject: String,
    /// Time at which the mail was sent, to the second.
    pub sent_at: Timestamp,
    /// Size of the file in bytes.
    pub size: u64,
}

/// A mail in the mailbox folder, with its contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": 246_290_604_621_824_i64, "from": "Souk <shop@localhost>", "to": "ada@example.org",
    "subject": "Welcome to Souk", "messageId": "<notice.246290604621824@localhost>",
    "sentAt": "2026-01-31T12:00:00.000Z", "size": 6120, "text": "Hello ada, …", "html": "<!doctype html>…"
}))]
pub(crate) struct MailboxMail {
    /// Id of the mail, which is also the name of its file.
    pub id: NotificationId,
    /// Sender with name and address, such as `Souk <shop@localhost>`.
    pub from: String,
    /// Mail address of the recipient.
    pub to: String,
    /// Subject line, decoded to Unicode.
    pub subject: String,
    /// `Message-ID` header with its angle brackets.
    pub message_id: String,
    /// Time at which the mail was sent, to the second.
    pub sent_at: Timestamp,
    /// Size of the file in bytes.
    pub size: u64,
    /// Plain text version of the body, without the tokens of its links.
    pub text: String,
    /// HTML version of the body, without the tokens of its links.
    pub html: String,
}

/// File names are numeric ids only, so that no name from a request leads out of the folder.
#[derive(Debug, Clone)]
pub(crate) struct MailFolder {
    folder: PathBuf,
    ids: IdGen,
}

impl MailFolder {
    /// `folder` need not exist before the first mail is sent.
    pub(crate) fn new(folder: PathBuf, ids: IdGen) -> Self {
        Self { folder, ids }
    }

    pub(crate) async fn create(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder).await
    }

    fn path(&self, id: NotificationId) -> PathBuf {
        self.folder.join(format!("{id}.eml"))
    }

    /// Deletes the files of mails that were queued before `before`, drafts of a killed process included, and returns their
    /// number. A missing folder is an empty one.
    pub(crate) async fn purge(&self, before: Timestamp) -> io::Result<u64> {
        let mut files = match fs::read_dir(&self.folder).await {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error),
        };
        let mut deleted = 0;
        while let Some(file) = files.next_entry().await? {
            let name = file.file_name();
            let name = name.to_str().map(|name| name.strip_prefix('.').unwrap_or(name));
            let id = name.and_then(|name| name.split('.').next()).and_then(|id| id.parse::<NotificationId>().ok());
            if id.is_some_and(|id| id.get() < IdGen::before(before)) {
                match fs::remove_file(file.path()).await {
                    Ok(()) => deleted += 1,
                    // Another replica with the same folder was faster.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(deleted)
    }

    /// Lists the mails, the last sent first. A missing folder is an empty one.
    pub(crate) async fn list(&self, page: PageRequest) -> io::Result<Page<MailboxEntry>> {
        let mut found: Vec<(SystemTime, NotificationId)> = Vec::new();
        let mut files = match fs::read_dir(&self.folder).await {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Page::new(Vec::new(), page, 0)),
            Err(error) => return Err(error),
        };
        while let Some(file) = files.next_entry().await? {
            let name = file.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".eml")).and_then(|id| id.parse().ok());
            if let Some(id) = id {
                found.push((file.metadata().await?.modified()?, id));
            }
        }
        found.sort_unstable_by(|one, other| other.cmp(one));
        let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
        let offset = usize::try_from(page.offset()).unwrap_or(usize::MAX);
        let limit = usize::try_from(page.limit()).unwrap_or(usize::MAX);
        let mut items = Vec::new();
        for (_, id) in found.into_iter().skip(offset).take(limit) {
            if let Some(mail) = self.read(id).await? {
                let MailboxMail { id, to, subject, sent_at, size, .. } = mail;
                items.push(MailboxEntry { id, to, subject, sent_at, size });
            }
        }
        Ok(Page::new(items, page, total))
    }

    /// Reads one mail; `None` when there is no file of this id.
    pub(crate) async fn read(&self, id: NotificationId) -> io::Result<Option<MailboxMail>> {
        let raw = match fs::read(self.path(id)).await {
            Ok(raw) => raw,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(parse(id, &raw)))
    }
}

/// Parses the mail that `raw` contains. Parts that are missing or malformed are empty; a missing date is the epoch.
fn parse(id: NotificationId, raw: &[u8]) -> MailboxMail {
    let mail = MessageParser::default().parse(raw);
    let mail = mail.as_ref();
    let bodies = || mail.iter().flat_map(|mail| &mail.parts).map(|part| &part.body);
    let text = bodies().find_map(|body| if let PartType::Text(text) = body { Some(text) } else { None });
    let html = bodies().find_map(|body| if let PartType::Html(html) = body { Some(html) } else { None });
    let date = mail.and_then(ParsedMail::date).filter(|date| date.is_valid());
    let from = mail.and_then(ParsedMail::from).and_then(|from| from.first());
    let to = mail.and_then(ParsedMail::to).and_then(|to| to.first());
    MailboxMail {
        id,
        from: from.map(sender).unwrap_or_default(),
        to: to.and_then(Addr::address).unwrap_or_default().to_owned(),
        subject: mail.map(subject).unwrap_or_default(),
        message_id: mail.and_then(ParsedMail::message_id).map(|id| format!("<{id}>")).unwrap_or_default(),
        sent_at: date.map_or(Timestamp::EPOCH, |date| Timestamp::from_millis(date.to_timestamp() * 1_000)),
        size: u64::try_from(raw.len()).unwrap_or(u64::MAX),
        text: text.map(|text| redact(&text.replace("\r\n", "\n"))).unwrap_or_default(),
        html: html.map(|html| redact(&html.replace("\r\n", "\n"))).unwrap_or_default(),
    }
}

/// Returns the decoded subject; what cannot be decoded stays as it is written.
fn subject(mail: &ParsedMail<'_>) -> String {
    let decoded = mail.subject().filter(|subject| !subject.is_empty()).map(str::to_owned);
    decoded.or_else(|| Some(mail.header_raw("Subject")?.trim().to_owned())).unwrap_or_default()
}

fn sender(from: &Addr<'_>) -> String {
    let address = from.address().unwrap_or_default();
    from.name().map_or_else(|| address.to_owned(), |name| format!("{name} <{address}>"))
}

#[async_trait::async_trait]
impl Mailer for MailFolder {
    /// Writes a draft and renames it, so that no reader sees half a mail. A mail that is sent again replaces its file.
    async fn send(&self, mail_id: NotificationId, message: &Message) -> Result<(), SendError> {
        let draft = self.folder.join(format!(".{mail_id}.{}", self.ids.token(4)));
        let (path, contents) = (self.path(mail_id), message.formatted());
        // At once, since each of the two alone would be a change of threads.
        let written = spawn_blocking(move || replace(&draft, &path, &contents)).await;
        let written = written.unwrap_or_else(|error| Err(error.into()));
        written.map_err(|error| SendError::Failed(format!("the mailbox folder is not writable: {error}")))
    }
}

fn replace(draft: &Path, path: &Path, contents: &[u8]) -> io::Result<()> {
    let written = std::fs::write(draft, contents).and_then(|()| std::fs::rename(draft, path));
    if written.is_err() {
        // Best effort: `list` ignores a draft that stays behind.
        let _ = std::fs::remove_file(draft);
    }
    written
}

#[cfg(test)]
mod tests {
    use lettre::message::{Mailbox, MultiPart};

    use super::*;

    fn parsed(raw: &[u8]) -> MailboxMail {
        parse(NotificationId::new(7).unwrap(), raw)
    }

    fn round_trip(subject: &str, name: &str, text: &str) -> MailboxMail {
        let message = Message::builder()
            .from("Souk <shop@localhost>".parse().unwrap())
            .to(Mailbox::new(Some(name.to_owned()), "ada@example.org".parse().unwrap()))
            .subject(subject)
            .multipart(MultiPart::alternative_plain_html(text.to_owned(), format!("<p>{text}</p>")))
            .unwrap();
        parsed(&message.formatted())
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
                let mail = round_trip(subject, "Zoë \"Z\" Ångström", text);
                assert_eq!(mail.subject, subject);
                assert_eq!(mail.text, text);
                assert_eq!(mail.html, format!("<p>{text}</p>"));
                assert_eq!((mail.from.as_str(), mail.to.as_str()), ("Souk <shop@localhost>", "ada@example.org"));
                assert_ne!(mail.sent_at, Timestamp::EPOCH);
            }
        }
    }

    #[test]
    fn malformed_input_parses_as_empty() {
        for (raw, subject) in [
            (&b""[..], ""),
            (b"\xff\xfe", ""),
            (b"Subject", ""),
            (b"Content-Type: multipart/x; boundary=\n\n--", ""),
            (b"A: =?utf-8?b?!?=", ""),
            (b"Subject: =?x?q?=zz=4?= b", "=?x?q?=zz=4?= b"),
        ] {
            let mail = parsed(raw);
            assert_eq!(mail.html, "");
            assert_eq!(mail.sent_at, Timestamp::EPOCH);
            assert_eq!(mail.subject, subject);
        }
    }
}
