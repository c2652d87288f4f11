//! The words: templates built in, replaced file by file from a folder, all of them tried before the first is used.

use std::{collections::BTreeMap, fmt, fmt::Write as _, path::Path, sync::Arc};

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use rust_embed::Embed;
use serde_json::{Map, Value, json};
use souk_kit::{StartError, config::ConfigError};

use crate::{Kind, links::Links};

/// `<kind>.{subject,notice,txt,html}`, layouts and pieces, and `samples.json`: what each kind is tried with.
#[derive(Embed)]
#[folder = "templates"]
struct BuiltIn;

const SAMPLES: &str = "samples.json";
const SUFFIXES: [&str; 4] = ["subject", "notice", "txt", "html"];

/// A template that cannot be shown: which, where, what kind of mistake. Never holds what was to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError(String);

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A mail's two bodies.
#[derive(Clone, PartialEq, Eq)]
pub struct Bodies {
    /// For readers of plain text.
    pub text: String,
    /// For all others.
    pub html: String,
}

/// The templates, ready to be shown. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Templates {
    environment: Arc<Environment<'static>>,
    /// Which templates come from where, for error messages.
    origins: Arc<BTreeMap<String, String>>,
}

impl Templates {
    /// The built-in templates, with those of `folder` in their place, each tried with sample facts.
    ///
    /// Errors: every file that cannot be read, is named like no template, or cannot be shown.
    pub fn load(shop: &str, links: &Links, folder: Option<&Path>) -> Result<Self, StartError> {
        let mut sources = built_in();
        let mut mistakes = match folder {
            Some(folder) => replace(&mut sources, folder)?,
            None => Vec::new(),
        };
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| StartError::Other(error.to_string()))?);
        environment.add_filter("date_time", date_time);
        environment.add_global("shop", Serde(json!({"name": shop, "url": links.home()})));
        let origins = sources.iter().map(|(name, source)| (name.clone(), source.origin.clone())).collect();
        for (name, source) in sources {
            if let Err(error) = environment.add_template_owned(name, source.text) {
                mistakes.push(explain(&origins, &error));
            }
        }
        let templates = Self { environment: Arc::new(environment), origins: Arc::new(origins) };
        if mistakes.is_empty() {
            mistakes = templates.try_all()?;
        }
        if mistakes.is_empty() { Ok(templates) } else { Err(ConfigError(mistakes).into()) }
    }

    /// A mail's subject and a notice's title: one line.
    pub fn subject(&self, kind: Kind, facts: &Map<String, Value>) -> Result<String, TemplateError> {
        Ok(one_line(&self.show(kind, "subject", facts)?))
    }

    /// A notice's body, in the shop: one paragraph.
    pub fn notice(&self, kind: Kind, facts: &Map<String, Value>) -> Result<String, TemplateError> {
        Ok(one_line(&self.show(kind, "notice", facts)?))
    }

    /// A mail's bodies; `facts` also need `name` (of the reader) and `link`.
    pub fn bodies(&self, kind: Kind, facts: &Map<String, Value>) -> Result<Bodies, TemplateError> {
        Ok(Bodies { text: tidy(&self.show(kind, "txt", facts)?), html: tidy(&self.show(kind, "html", facts)?) })
    }

    fn show(&self, kind: Kind, suffix: &str, facts: &Map<String, Value>) -> Result<String, TemplateError> {
        // Without the engine's detail: it may quote what was to be shown, and that may be a token.
        self.render(kind, suffix, facts).map_err(|error| TemplateError(place(&self.origins, &error)))
    }

    fn render(&self, kind: Kind, suffix: &str, facts: &Map<String, Value>) -> Result<String, Error> {
        self.environment.get_template(&format!("{}.{suffix}", kind.name()))?.render(Serde(facts))
    }

    /// Shows every template with every sample; answers what went wrong.
    fn try_all(&self) -> Result<Vec<String>, StartError> {
        let samples = samples().map_err(StartError::Other)?;
        let mut mistakes = Vec::new();
        for kind in Kind::ALL {
            for facts in samples.get(kind.name()).into_iter().flatten() {
                let mut mailed = facts.clone();
                mailed.insert("name".to_owned(), Value::from("Ada"));
                mailed.insert("link".to_owned(), Value::from("http://localhost:8080/"));
                let suffixes = SUFFIXES.iter().take(if kind.is_mailed() { SUFFIXES.len() } else { 2 });
                for suffix in suffixes {
                    let facts = if matches!(*suffix, "txt" | "html") { &mailed } else { facts };
                    mistakes.extend(self.render(kind, suffix, facts).err().map(|error| explain(&self.origins, &error)));
                }
            }
        }
        mistakes.sort();
        mistakes.dedup();
        Ok(mistakes)
    }
}

struct Source {
    origin: String,
    text: String,
}

fn built_in() -> BTreeMap<String, Source> {
    let names = BuiltIn::iter().filter(|name| name != SAMPLES);
    names
        .filter_map(|name| {
            let file = BuiltIn::get(&name)?;
            let text = String::from_utf8_lossy(&file.data).into_owned();
            Some((name.to_string(), Source { origin: format!("built-in template {name}"), text }))
        })
        .collect()
}

/// Facts to try each kind with, several where templates branch.
pub(crate) fn samples() -> Result<BTreeMap<String, Vec<Map<String, Value>>>, String> {
    let file = BuiltIn::get(SAMPLES).ok_or("the samples of the templates are missing")?;
    serde_json::from_slice(&file.data).map_err(|error| format!("{SAMPLES}: {error}"))
}

/// Puts the folder's files in place of the built-in ones; answers the mistakes in it.
fn replace(sources: &mut BTreeMap<String, Source>, folder: &Path) -> Result<Vec<String>, StartError> {
    let io = |path: &Path| {
        let path = path.display().to_string();
        move |error| StartError::Io(path, error)
    };
    let mut mistakes = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io(folder))? {
        let path = entry.map_err(io(folder))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_template = SUFFIXES.iter().any(|suffix| name.ends_with(&format!(".{suffix}")));
        if !is_template || !path.is_file() {
            continue;
        }
        if !sources.contains_key(&name) && !name.starts_with('_') {
            mistakes.push(format!("{}: there is no template of this name to replace", path.display()));
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(io(&path))?;
        sources.insert(name, Source { origin: path.display().to_string(), text });
    }
    Ok(mistakes)
}

/// `order_paid.html, line 3: undefined value: …`.
fn explain(origins: &BTreeMap<String, String>, error: &Error) -> String {
    let detail = innermost(error).detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    place(origins, error) + &detail
}

/// `order_paid.html, line 3: undefined value`.
fn place(origins: &BTreeMap<String, String>, error: &Error) -> String {
    let cause = innermost(error);
    let name = cause.name().or(error.name()).unwrap_or("a template");
    let file = origins.get(name).map_or(name, String::as_str);
    format!("{file}, line {}: {}", cause.line().or(error.line()).unwrap_or(0), cause.kind())
}

/// The error that knows the file at fault: a layout's or a piece's mistake comes wrapped.
fn innermost(error: &Error) -> &Error {
    let mut innermost = error;
    while let Some(cause) = std::error::Error::source(innermost).and_then(|cause| cause.downcast_ref::<Error>()) {
        innermost = cause;
    }
    innermost
}

/// `{{ order.pay_by | date_time }}` or `date_time("%d.%m.%Y")`; times are UTC.
#[expect(clippy::needless_pass_by_value, reason = "filters take what they are given")]
fn date_time(text: String, format: Option<String>) -> Result<String, Error> {
    let wrong = |detail: &'static str| Error::new(ErrorKind::InvalidOperation, detail);
    let time = chrono::DateTime::parse_from_rfc3339(&text).map_err(|_| wrong("date_time takes an RFC 3339 time"))?;
    let mut shown = String::new();
    let format = format.as_deref().unwrap_or("%-d %B %Y, %H:%M UTC");
    write!(shown, "{}", time.format(format)).map_err(|_| wrong("date_time takes a format such as %d.%m.%Y"))?;
    Ok(shown)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// No blanks at line ends, never two empty lines in a row, one newline at the end.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = true;
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && blank) {
            out.push_str(line);
            out.push('\n');
        }
        blank = line.is_empty();
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

#[cfg(test)]
mod tests;
