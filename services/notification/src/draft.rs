//! A rendered message: the text of its notice and the variables of its mail, before the recipients are known.

use serde_json::Value;
use souk_kit::text::is_forbidden;
use souk_values::Timestamp;

use crate::{
    kind::Kind,
    links::Links,
    message::{Audience, Freshness, MailAddress, Message},
    templates::{TemplateError, Templates},
};

pub(crate) struct Draft {
    pub kind: Kind,
    pub audience: Audience,
    pub freshness: Freshness,
    /// Headline of the notice and subject of the mail.
    pub title: String,
    pub body: String,
    /// Path of the page of the shop that shows more.
    pub link: Option<String>,
    /// `None` for kinds that are not mailed.
    pub mail: Option<MailDraft>,
}

pub(crate) struct MailDraft {
    /// Variables of the mail's templates, as JSON. May hold a token.
    pub facts: String,
    /// Mail address that replaces the contact's.
    pub address: Option<MailAddress>,
    /// Time after which the mail is not sent.
    pub good_until: Option<Timestamp>,
}

impl Draft {
    /// Renders title and body, with a space for each character that no text may have: an event's texts are checked by the
    /// service that took them, but a message in the queue may be older than the rule, and PostgreSQL stores no NUL. They never contain a token; only the mail's link does.
    ///
    /// Errors: a template cannot be rendered with these variables.
    pub(crate) fn render(message: Message, templates: &Templates, links: &Links) -> Result<Self, TemplateError> {
        let Message { kind, audience, link, mut facts, freshness, address, token, good_until } = message;
        for fact in facts.values_mut() {
            replace_forbidden(fact);
        }
        let title = templates.subject(kind, &facts)?;
        let body = templates.notice(kind, &facts)?;
        let mail = kind.is_mailed().then(|| {
            let target = match &token {
                Some(token) => links.password_reset(token.expose()),
                None => links.page(link.as_deref().unwrap_or("/")),
            };
            facts.insert("link".to_owned(), Value::String(target));
            MailDraft { facts: Value::Object(facts).to_string(), address, good_until }
        });
        Ok(Self { kind, audience, freshness, title, body, link, mail })
    }
}

fn replace_forbidden(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(is_forbidden) => *text = text.replace(is_forbidden, " "),
        Value::Array(items) => {
            for item in items {
                replace_forbidden(item);
            }
        }
        Value::Object(fields) => {
            for field in fields.values_mut() {
                replace_forbidden(field);
            }
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
