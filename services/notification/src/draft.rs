//! A rendered message: the text of its notice in each language and the variables of its mail, before the recipients are
//! known.

use serde_json::Value;
use souk_kit::text::is_forbidden;
use souk_values::{Language, Timestamp};

use crate::{
    kind::Kind,
    links::Links,
    message::{Audience, Freshness, MailAddress, Message},
    templates::{NoticeText, TemplateError, Templates},
    translated::Translated,
};

pub(crate) struct Draft {
    pub kind: Kind,
    pub audience: Audience,
    pub freshness: Freshness,
    /// Text of the notice. Its title is also the subject that the mail has until it is sent.
    pub texts: Translated<NoticeText>,
    /// Language of the user if none is known yet.
    pub language: Option<Language>,
    /// Path of the page of the shop that shows more.
    pub link: Option<String>,
    /// [`NoticeFacts`](crate::facts::NoticeFacts) as JSON; `None` for a notice that reports no values.
    pub shown: Option<String>,
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
    /// Renders titles and bodies, with a space for each character that no text may have: an event's texts are checked by the
    /// service that took them, but a message in the queue may be older than the rule, and PostgreSQL stores no NUL. They never contain a token; only the mail's link does.
    ///
    /// Errors: a template cannot be rendered with these variables.
    pub(crate) fn render(message: Message, templates: &Templates, links: &Links) -> Result<Self, TemplateError> {
        let Message { kind, audience, link, mut facts, shown, freshness, address, language, token, good_until } =
            message;
        // Cannot fail: these are numbers, texts and times.
        let mut shown = serde_json::to_value(shown).unwrap_or_default();
        replace_forbidden(&mut shown);
        let shown = shown.as_object().is_some_and(|shown| !shown.is_empty()).then(|| shown.to_string());
        for fact in facts.values_mut() {
            replace_forbidden(fact);
        }
        let texts = templates.notice(kind, &facts)?;
        let mail = kind.is_mailed().then(|| {
            let target = match &token {
                Some(token) => links.password_reset(token.expose()),
                None => links.page(link.as_deref().unwrap_or("/")),
            };
            facts.insert("link".to_owned(), Value::String(target));
            MailDraft { facts: Value::Object(facts).to_string(), address, good_until }
        });
        Ok(Self { kind, audience, freshness, texts, language, link, shown, mail })
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
