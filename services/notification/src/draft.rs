//! A piece of news put into words: what the store keeps of it.

use serde_json::{Map, Value};
use souk_values::Timestamp;

use crate::{
    Kind,
    links::Links,
    news::{Address, Audience, Freshness, News},
    templates::{TemplateError, Templates},
};

/// A notice, and the mail beside it, before it is known how many are told.
pub struct Draft {
    /// What it is about.
    pub kind: Kind,
    /// Who is told.
    pub audience: Audience,
    /// Whether it is still news.
    pub freshness: Freshness,
    /// The notice's one line, and the mail's subject.
    pub title: String,
    /// The notice's body.
    pub body: String,
    /// The page of the shop that shows more.
    pub link: Option<String>,
    /// The mail, if this kind is mailed.
    pub mail: Option<MailDraft>,
}

/// What a mail is made from once its turn comes. May hold a token.
pub struct MailDraft {
    /// What its templates show, as JSON.
    pub facts: String,
    /// Where it goes, if not to the contact.
    pub address: Option<Address>,
    /// When it makes no sense any more.
    pub good_until: Option<Timestamp>,
}

impl Draft {
    /// Puts `news` into words. Title and body never see a token; only the mail's link does.
    ///
    /// Errors: a template cannot show these facts.
    pub fn write(news: News, templates: &Templates, links: &Links) -> Result<Self, TemplateError> {
        let News { kind, audience, link, facts, freshness, address, token, good_until } = news;
        let title = templates.subject(kind, &facts)?;
        let body = templates.notice(kind, &facts)?;
        let mail = kind.is_mailed().then(|| {
            let target = match &token {
                Some(token) => links.password_reset(token.expose()),
                None => links.page(link.as_deref().unwrap_or("/")),
            };
            MailDraft { facts: with(facts, "link", target).to_string(), address, good_until }
        });
        Ok(Self { kind, audience, freshness, title, body, link, mail })
    }
}

fn with(mut facts: Map<String, Value>, key: &str, value: String) -> Value {
    facts.insert(key.to_owned(), Value::String(value));
    Value::Object(facts)
}
