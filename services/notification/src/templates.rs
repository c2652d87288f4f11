//! The templates of notices and mails, in each language: built in, replaceable file by file, all rendered with samples at
//! start.

mod built_in;
mod form;

use std::{collections::BTreeMap, fmt, path::Path, sync::Arc};

use minijinja::{Environment, Error, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde_json::{Map, Value, json};
use souk_kit::{StartError, config::ConfigError};
use souk_values::Language;

use crate::{kind::Kind, links::Links, translated::Translated};

const SUFFIXES: [&str; 4] = ["subject", "notice", "txt", "html"];

/// File, line and kind of an error in a template. Never contains the variables, which may hold a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateError(String);

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A mail as its reader sees it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct MailText {
    /// One line.
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// A notice as its owner sees it in the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoticeText {
    /// One line, which is also the subject of the mail.
    pub title: String,
    /// One paragraph.
    pub body: String,
}

/// Compiled templates. Cloning shares them.
#[derive(Clone, Debug)]
pub(crate) struct Templates(Arc<Translated<LanguageTemplates>>);

impl Templates {
    /// Loads the built-in templates, replaced by files of the same name in `folder`, and renders each with samples.
    ///
    /// Errors: a file cannot be read; all files together that replace no template or cannot be rendered.
    pub(crate) fn load(shop: &str, links: &Links, folder: Option<&Path>) -> Result<Self, StartError> {
        let mut mistakes = Vec::new();
        let shop = json!({"name": shop, "url": links.home()});
        let templates = Translated::try_new(|language| {
            let mut sources = built_in(language);
            if let Some(folder) = folder {
                mistakes.extend(replace(&mut sources, folder, language)?);
            }
            LanguageTemplates::check(language, sources, &shop, &mut mistakes)
        })?;
        if mistakes.is_empty() {
            let samples = samples().map_err(StartError::Other)?;
            for language in Language::ALL {
                mistakes.extend(templates.get(language).render_samples(&samples));
            }
        }
        if !mistakes.is_empty() {
            return Err(ConfigError(mistakes).into());
        }
        Ok(Self(Arc::new(templates.map(LanguageTemplates::forget_compiled))))
    }

    /// Renders a notice in every language.
    pub(crate) fn notice(
        &self,
        kind: Kind,
        facts: &Map<String, Value>,
    ) -> Result<Translated<NoticeText>, TemplateError> {
        Translated::try_new(|language| {
            let templates = self.0.get(language);
            Ok(NoticeText {
                title: one_line(&templates.render(kind, "subject", facts)?),
                body: one_line(&templates.render(kind, "notice", facts)?),
            })
        })
    }

    /// Renders a mail. Besides the variables of the notice, `facts` has `name` (the recipient's) and `link`.
    pub(crate) fn mail(
        &self,
        language: Language,
        kind: Kind,
        facts: &Map<String, Value>,
    ) -> Result<MailText, TemplateError> {
        let templates = self.0.get(language);
        Ok(MailText {
            subject: one_line(&templates.render(kind, "subject", facts)?),
            text: normalized(&templates.render(kind, "txt", facts)?),
            html: normalized(&templates.render(kind, "html", facts)?),
        })
    }
}

/// The templates of one language.
#[derive(Debug)]
struct LanguageTemplates {
    language: Language,
    environment: Environment<'static>,
    /// Template names with the files they come from, for error messages.
    origins: BTreeMap<String, String>,
}

impl LanguageTemplates {
    /// Compiles all `sources`, and adds a sentence to `mistakes` for each that has a syntax error.
    fn check(
        language: Language,
        sources: BTreeMap<String, Source>,
        shop: &Value,
        mistakes: &mut Vec<String>,
    ) -> Result<Self, StartError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| StartError::Other(error.to_string()))?);
        environment.add_filter("date", move |time: String| form::date(&time, language));
        environment.add_filter("date_time", move |time: String, format: Option<String>| {
            form::date_time(&time, format.as_deref(), language)
        });
        environment.add_filter("number", move |count: i64| form::number(count, language));
        environment.add_filter("plural", move |count: i64, one: String, other: String| {
            form::plural(count, one, other, language)
        });
        environment.add_global("shop", Serde(shop.clone()));
        environment.add_global("language", language.code());
        let origins = sources.iter().map(|(name, source)| (name.clone(), source.origin.clone())).collect();
        let texts: BTreeMap<String, String> = sources.into_iter().map(|(name, source)| (name, source.text)).collect();
        let names: Vec<String> = texts.keys().cloned().collect();
        environment.set_loader(move |name| Ok(texts.get(name).cloned()));
        for name in names {
            if let Err(error) = environment.get_template(&name) {
                mistakes.push(explain(&origins, &error));
            }
        }
        Ok(Self { language, environment, origins })
    }

    /// Lets each template be compiled again when it is first used: most shops use few of them, and all take 3 MB.
    fn forget_compiled(mut self) -> Self {
        self.environment.clear_templates();
        self
    }

    fn render(&self, kind: Kind, suffix: &str, facts: &Map<String, Value>) -> Result<String, TemplateError> {
        // Without the engine's detail, which may quote a variable, and that may be a token.
        self.try_render(kind, suffix, facts).map_err(|error| TemplateError(location(&self.origins, &error)))
    }

    fn try_render(&self, kind: Kind, suffix: &str, facts: &Map<String, Value>) -> Result<String, Error> {
        let facts = form::with_amounts(facts, self.language);
        self.environment.get_template(&format!("{}.{suffix}", kind.name()))?.render(Serde(facts))
    }

    /// Renders every template with every sample of its kind, and returns the errors.
    fn render_samples(&self, samples: &Samples) -> Vec<String> {
        let mut mistakes = Vec::new();
        for kind in Kind::ALL {
            for facts in samples.get(kind.name()).into_iter().flatten() {
                let mailed = as_mailed(facts);
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
        mistakes
    }
}

/// Returns the variables of a mail, from a sample of those of its notice.
fn as_mailed(facts: &Map<String, Value>) -> Map<String, Value> {
    let mut mailed = facts.clone();
    mailed.insert("name".to_owned(), Value::from("Ada"));
    mailed.insert("link".to_owned(), Value::from("http://localhost:8080/"));
    mailed
}

struct Source {
    origin: String,
    text: String,
}

/// Sample variables of each kind by its name, several where its templates branch.
type Samples = BTreeMap<String, Vec<Map<String, Value>>>;

fn samples() -> Result<Samples, String> {
    let (name, text) = built_in::SAMPLES;
    serde_json::from_str(text).map_err(|error| format!("{name}: {error}"))
}

fn built_in(language: Language) -> BTreeMap<String, Source> {
    let mut files = vec![(built_in::SHARED.0.to_owned(), built_in::SHARED.1)];
    files.extend(built_in::parts(language).map(|(name, text)| (name.to_owned(), text)));
    for kind in Kind::ALL {
        let sources = built_in::sources(language, kind);
        let mail = sources.mail.map(|mail| [("txt", mail.txt), ("html", mail.html)]);
        let all =
            [("subject", sources.subject), ("notice", sources.notice)].into_iter().chain(mail.into_iter().flatten());
        files.extend(all.map(|(suffix, text)| (format!("{}.{suffix}", kind.name()), text)));
    }
    let folder = Path::new(built_in::folder(language));
    let source = |name: &str, text: &str| Source {
        origin: format!("built-in template {}", folder.join(name).display()),
        text: text.to_owned(),
    };
    files.into_iter().map(|(name, text)| (name.clone(), source(&name, text))).collect()
}

/// Replaces sources by the files of the language's folder below `folder`, and returns a sentence for each file that
/// replaces none. The layout that all languages share is in `folder`.
fn replace(
    sources: &mut BTreeMap<String, Source>,
    folder: &Path,
    language: Language,
) -> Result<Vec<String>, StartError> {
    let shared = folder.join(built_in::SHARED.0);
    if shared.is_file() {
        sources.insert(built_in::SHARED.0.to_owned(), read_source(&shared)?);
    }
    let folder = folder.join(built_in::folder(language));
    if language != Language::default() && !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut mistakes = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(io(&folder))? {
        let path = entry.map_err(io(&folder))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_template = SUFFIXES.iter().any(|suffix| name.ends_with(&format!(".{suffix}")));
        if !is_template || !path.is_file() || path == shared {
            continue;
        }
        if !sources.contains_key(&name) && !name.starts_with('_') {
            mistakes.push(format!("{}: there is no template of this name to replace", path.display()));
            continue;
        }
        sources.insert(name, read_source(&path)?);
    }
    Ok(mistakes)
}

fn read_source(path: &Path) -> Result<Source, StartError> {
    let text = std::fs::read_to_string(path).map_err(io(path))?;
    Ok(Source { origin: path.display().to_string(), text })
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> StartError {
    let path = path.display().to_string();
    move |error| StartError::Io(path, error)
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

/// Joins all lines, and keeps the spaces at which no line breaks, as in `19,99 €`.
fn one_line(text: &str) -> String {
    let is_space = |letter: char| letter.is_whitespace() && letter != '\u{a0}';
    text.split(is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
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
