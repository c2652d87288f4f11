//! What a URL asks for: `/app/profiles[/label]`, `/[label/]app-profiles.yml`, `/app/profiles/label/file`.

use percent_encoding::percent_decode_str;

use crate::error::ConfigServerError;

/// For whom: all decoded and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As the request has them, in its order.
    pub applications: Vec<String>,
    /// As the request has them, in its order.
    pub profiles: Vec<String>,
    /// None: the default label.
    pub labels: Vec<String>,
}

/// The form of a whole environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.properties`
    Properties,
    /// `.yml`, `.yaml`
    Yaml,
    /// `.json`
    Json,
}

/// What a `GET` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The property sources.
    Environment(Target),
    /// All of them as one document.
    Flat(Target, Format),
    /// A file beside them.
    Resource(Target, String),
}

/// Reads a path, percent-encoded as it came and without the configured prefix, and its query.
///
/// Errors: 404 for what is no address of the protocol, 400 for a name, profile or label that is none.
pub fn read(path: &str, query: &str) -> Result<Asked, ConfigServerError> {
    let not_found = || ConfigServerError::NotFound(format!("There is nothing at {path}."));
    let segments: Vec<String> =
        path.trim_start_matches('/').split('/').map(decode).collect::<Result<_, ConfigServerError>>()?;
    match segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [file] => flat(file, None)?.ok_or_else(not_found),
        [] | ["", ..] | [_, ""] => Err(not_found()),
        [label, file] if format_of(file).is_some() => flat(file, Some(label))?.ok_or_else(not_found),
        [application, profiles] | [application, profiles, ""] => {
            Ok(Asked::Environment(target(application, profiles, None)?))
        }
        [application, profiles, file] if has_flag(query, "useDefaultLabel") => {
            Ok(Asked::Resource(target(application, profiles, None)?, (*file).to_owned()))
        }
        [application, profiles, label] => Ok(Asked::Environment(target(application, profiles, Some(label))?)),
        [application, profiles, label, path @ ..] => {
            Ok(Asked::Resource(target(application, profiles, Some(label))?, path.join("/")))
        }
    }
}

/// Whether `name` is in the query and not `false`.
pub fn has_flag(query: &str, name: &str) -> bool {
    value_of(query, name).is_some_and(|value| value != "false")
}

/// Whether `resolvePlaceholders` is not turned off.
pub fn resolves(query: &str) -> bool {
    value_of(query, "resolvePlaceholders").is_none_or(|value| value != "false")
}

fn value_of(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn decode(segment: &str) -> Result<String, ConfigServerError> {
    let text = percent_decode_str(segment).decode_utf8();
    text.map(Into::into).map_err(|_| ConfigServerError::Invalid("The path is not UTF-8.".to_owned()))
}

fn format_of(file: &str) -> Option<(&str, Format)> {
    let (stem, extension) = file.rsplit_once('.')?;
    match extension {
        "properties" => Some((stem, Format::Properties)),
        "yml" | "yaml" => Some((stem, Format::Yaml)),
        "json" => Some((stem, Format::Json)),
        _ => None,
    }
}

/// `foo-bar-dev.yml`: the profile is what follows the last hyphen.
fn flat(file: &str, label: Option<&str>) -> Result<Option<Asked>, ConfigServerError> {
    let Some((stem, format)) = format_of(file) else { return Ok(None) };
    match stem.rsplit_once('-') {
        Some((application, profiles)) if !application.is_empty() && !profiles.is_empty() => {
            Ok(Some(Asked::Flat(target(application, profiles, label)?, format)))
        }
        _ => Ok(None),
    }
}

fn target(applications: &str, profiles: &str, label: Option<&str>) -> Result<Target, ConfigServerError> {
    let items = |text: &str, what: &str| -> Result<Vec<String>, ConfigServerError> {
        text.split(',').map(|item| name(item, what)).collect()
    };
    let labels = label.map(|label| items(label, "a label")).transpose()?.unwrap_or_default();
    let profiles: Vec<String> = profiles.split(',').map(str::to_owned).collect();
    match profiles.iter().find(|profile| !is_profile(profile)) {
        Some(wrong) => Err(ConfigServerError::Invalid(format!(
            "'{}' is not a profile: letters, digits and -_.+@, beginning and ending with a letter or digit.",
            wrong.escape_default()
        ))),
        None => Ok(Target { applications: items(applications, "an application")?, profiles, labels }),
    }
}

fn is_profile(text: &str) -> bool {
    let is_inner = |letter: char| letter.is_alphanumeric() || "-_.+@".contains(letter);
    text.starts_with(char::is_alphanumeric) && text.ends_with(char::is_alphanumeric) && text.chars().all(is_inner)
}

/// An application or a label, as `what` says, in which `(_)` stands for a slash.
fn name(text: &str, what: &str) -> Result<String, ConfigServerError> {
    let mut seen = text.to_owned();
    // What was encoded twice is read as often: it could mean something to whoever reads it next.
    for _ in 0..3 {
        if is_bad(&seen) {
            let shown = text.escape_default();
            return Err(ConfigServerError::Invalid(format!("'{shown}' is not the name of {what}.")));
        }
        seen = percent_decode_str(&seen).decode_utf8_lossy().into_owned();
    }
    Ok(text.replace("(_)", "/"))
}

fn is_bad(text: &str) -> bool {
    text.trim().is_empty()
        || text.starts_with("(_)")
        || text.starts_with('/')
        || text.contains("..")
        || text.contains("(_)(_)")
        || text.contains(['#', '\\'])
        || text.contains(char::is_control)
}

#[cfg(test)]
mod tests;
