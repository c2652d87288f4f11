//! The templates of notices and mails: built in, replaceable file by file, all rendered with samples at start.

use std::{collections::BTreeMap, fmt, fmt::Write as _, path::Path, sync::Arc};

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use rust_embed::Embed;
use serde_json::{Map, Value, json};
use souk_kit::{StartError, config::ConfigError};

use crate::{kind::Kind, links::Links};

/// `<kind>.{subject,notice,txt,html}`, layouts and includes, and `samples.json` with sample variables of each kind.
#[derive(Embed)]
#[folder = "templates"]
struct BuiltIn;

const SAMPLES: &str = "samples.json";
const SUFFIXES: [&str; 4] = ["subject", "notice", "txt", "html"];

/// File, line and kind of an error in a template. Never contains the variables, which may hold a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateError(String);

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The two versions of a mail's body.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Bodies {
    pub text: String,
    pub html: String,
}

/// Compiled templates. Cloning shares them.
#[derive(Clone, Debug)]
pub(crate) struct Templates {
    environment: Arc<Environment<'static>>,
    /// Template names with the files they come from, for error messages.
    origins: Arc<BTreeMap<String, String>>,
}

impl Templates {
    /// Loads the built-in templates, replaced by files of the same name in `folder`, and renders each with samples.
    ///
    /// Errors: a file cannot be read; all files together that replace no template or cannot be rendered.
    pub(crate) fn load(shop: &str, links: &Links, folder: Option<&Path>) -> Result<Self, StartError> {
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
            mistakes = templates.render_samples()?;
        }
        if mistakes.is_empty() { Ok(templates) } else { Err(ConfigError(mistakes).into()) }
    }

    /// Renders the subject of a mail, which is also the title of its notice: one line.
    pub(crate) fn subject(&self, kind: Kind, facts: &Map<String, Value>) -> Result<String, TemplateError> {
        Ok(one_line(&self.render(kind, "subject", facts)?))
    }

    /// Renders the body of a notice: one paragraph.
    pub(crate) fn notice(&self, kind: Kind, facts: &Map<String, Value>) -> Result<String, TemplateError> {
        Ok(one_line(&self.render(kind, "notice", facts)?))
    }

    /// Renders the bodies of a mail. Besides the variables of the notice, `facts` has `name` (the recipient's) and `link`.
    pub(crate) fn bodies(&self, kind: Kind, facts: &Map<String, Value>) -> Result<Bodies, TemplateError> {
        Ok(Bodies {
            text: normalized(&self.render(kind, "txt", facts)?),
            html: normalized(&self.render(kind, "html", facts)?),
        })
    }

    fn render(&self, kind: Kind, suffix: &str, facts: &Map<String, Value>) -> Result<String, TemplateError> {
        // Without the engine's detail, which may quote a variable, and that may be a token.
        self.try_render(kind, suffix, facts).map_err(|error| TemplateError(location(&self.origins, &error)))
    }

    fn try_render(&self, kind: Kind, suffix: &str, facts: &Map<String, Value>) -> Result<String, Error> {
        self.environment.get_template(&format!("{}.{suffix}", kind.name()))?.render(Serde(facts))
    }

    /// Renders every template with every sample of its kind, and returns the errors.
    fn render_samples(&self) -> Result<Vec<String>, StartError> {
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
                    mistakes
                        .extend(self.try_render(kind, suffix, facts).err().map(|error| explain(&self.origins, &error)));
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

/// Returns sample variables of each kind, several where its templates branch.
pub(crate) fn samples() -> Result<BTreeMap<String, Vec<Map<String, Value>>>, String> {
    let file = BuiltIn::get(SAMPLES).ok_or("the samples of the templates are not built in")?;
    serde_json::from_slice(&file.data).map_err(|error| format!("{SAMPLES}: {error}"))
}

/// Replaces sources by the files of `folder`, and returns a sentence for each file that replaces none.
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
    location(origins, error) + &detail
}

/// `order_paid.html, line 3: undefined value`.
fn location(origins: &BTreeMap<String, String>, error: &Error) -> String {
    let cause = innermost(error);
    let name = cause.name().or(error.name()).unwrap_or("a template");
    let file = origins.get(name).map_or(name, String::as_str);
    format!("{file}, line {}: {}", cause.line().or(error.line()).unwrap_or(0), cause.kind())
}

/// Returns the cause that names the file at fault: minijinja wraps the errors of layouts and includes.
fn innermost(error: &Error) -> &Error {
    let mut innermost = error;
    while let Some(cause) = std::error::Error::source(innermost).and_then(|cause| cause.downcast_ref::<Error>()) {
        innermost = cause;
    }
    innermost
}

/// The filter `{{ order.pay_by | date_time }}` or `date_time("%d.%m.%Y")`; times are UTC.
#[expect(clippy::needless_pass_by_value, reason = "minijinja passes arguments by value")]
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

/// Removes blanks at line ends and repeated empty lines, and ends with one newline.
fn normalized(text: &str) -> String {
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
