//! A folder of `.eml` files: where mails go when there is no mail server, for an admin to read.

use std::{io, path::PathBuf, time::SystemTime};

use lettre::Message;
use serde::Serialize;
use souk_values::{IdGen, NotificationId, Page, PageRequest, Timestamp};
use tokio::fs;
use utoipa::ToSchema;

use super::{Mailer, Unsent};
use crate::eml::Eml;

/// One file of the mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": 246_290_604_621_824_i64, "to": "ada@example.org", "subject": "Welcome to Souk",
    "sentAt": "2026-01-31T12:00:00.000Z", "size": 6120
}))]
pub struct MailboxEntry {
    /// Which mail.
    pub id: NotificationId,
    /// The address it went to.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// When it was sent, to the second.
    pub sent_at: Timestamp,
    /// Bytes of the file.
    pub size: u64,
}

/// One file of the mailbox, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": 246_290_604_621_824_i64, "from": "Souk <shop@localhost>", "to": "ada@example.org",
    "subject": "Welcome to Souk", "messageId": "<notice.246290604621824@localhost>",
    "sentAt": "2026-01-31T12:00:00.000Z", "size": 6120, "text": "Hello ada, …", "html": "<!doctype html>…"
}))]
pub struct MailboxMail {
    /// Which mail.
    pub id: NotificationId,
    /// Who it is from, with the name.
    pub from: String,
    /// The address it went to.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its Message-ID.
    pub message_id: String,
    /// When it was sent, to the second.
    pub sent_at: Timestamp,
    /// Bytes of the file.
    pub size: u64,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
}

/// The folder. Its files are named by numbers only, so no name leads out of it.
#[derive(Debug, Clone)]
pub struct MailFolder {
    folder: PathBuf,
    ids: IdGen,
}

impl MailFolder {
    /// The folder at this path, which need not exist until a mail is sent.
    #[must_use]
    pub fn new(folder: PathBuf, ids: IdGen) -> Self {
        Self { folder, ids }
    }

    /// Makes the folder.
    pub async fn create(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder).await
    }

    fn path(&self, id: NotificationId) -> PathBuf {
        self.folder.join(format!("{id}.eml"))
    }

    /// A page of the mails, the one sent last first. A folder that does not exist has none.
    pub async fn list(&self, page: PageRequest) -> io::Result<Page<MailboxEntry>> {
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

    /// One mail; `None` if there is no such file.
    pub async fn read(&self, id: NotificationId) -> io::Result<Option<MailboxMail>> {
        let raw = match fs::read(self.path(id)).await {
            Ok(raw) => raw,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let eml = Eml::parse(&raw);
        Ok(Some(MailboxMail {
            id,
            from: eml.header("From"),
            to: eml.address("To"),
            subject: eml.header("Subject"),
            message_id: eml.header("Message-ID"),
            sent_at: eml.date(),
            size: u64::try_from(raw.len()).unwrap_or(u64::MAX),
            text: eml.part("text/plain"),
            html: eml.part("text/html"),
        }))
    }
}

#[async_trait::async_trait]
impl Mailer for MailFolder {
    /// Writes the file beside its place and moves it there, so that no reader sees half of it. The same
    /// mail takes the same place.
    async fn send(&self, mail_id: NotificationId, message: &Message) -> Result<(), Unsent> {
        let draft = self.folder.join(format!(".{mail_id}.{}", self.ids.token(4)));
        let written = async {
            fs::write(&draft, message.formatted()).await?;
            fs::rename(&draft, self.path(mail_id)).await
        };
        match written.await {
            Ok(()) => Ok(()),
            Err(error) => {
                // Whatever was written of it is of no use; if even this fails, the list ignores such files.
                let _ = fs::remove_file(&draft).await;
                Err(Unsent::Failed(format!("the mailbox folder cannot be written: {error}")))
            }
        }
    }
}
