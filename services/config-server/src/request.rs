//! The `GET` requests of the protocol: `/app/profiles[/label]`, `/[label/]app-profiles.yml`,
//! `/app/profiles/label/file`.

use percent_encoding::percent_decode_str;

use crate::error::ConfigServerError;

/// Applications, profiles and labels of a request, decoded and checked, in the order of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub applications: Vec<String>,
    pub profiles: Vec<String>,
    /// Labels; empty for the default one.
    pub labels: Vec<String>,
}

/// The format of a whole environment as one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlatFormat {
    Properties,
    Yaml,
    Json,
}

/// A parsed `GET` request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConfigRequest {
    Environment(Target),
    Flat(Target, FlatFormat),
    /// The file at a path.
    Resource(Target, String),
}

impl ConfigRequest {
    /// Parses a path, percent-encoded and without the configured prefix, and its query.
    ///
    /// Errors: 404 for a path outside of the protocol; 400 for an invalid application, profile or label.
    pub fn parse(path: &str, query: &str) -> Result<Self, ConfigServerError> {
        let not_found = || ConfigServerError::NotFound(format!("There is nothing at {path}."));
        let segments: Vec<String> =
            path.trim_start_matches('/').split('/').map(decode).collect::<Result<_, ConfigServerError>>()?;
        match segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [file] => flat(file, None)?.ok_or_else(not_found),
            [] | ["", ..] | [_, ""] => Err(not_found()),
            [label, file] if format_of(file).is_some() => flat(file, Some(label))?.ok_or_else(not_found),
            [application, profiles] | [application, profiles, ""] => {
                Ok(Self::Environment(target(application, profiles, None)?))
            }
            // Three segments are an environment unless the flag is set, four or more always a file.
            [application, profiles, file] if has_flag(query, "useDefaultLabel") => {
                Ok(Self::Resource(target(application, profiles, None)?, (*file).to_owned()))
            }
            [application, profiles, label] => Ok(Self::Environment(target(application, profiles, Some(label))?)),
            [application, profiles, label, path @ ..] => {
                Ok(Self::Resource(target(application, profiles, Some(label))?, path.join("/")))
            }
        }
    }
}

/// True when `name` is in the query and not `false`.
fn has_flag(query: &str, name: &str) -> bool {
    value_of(query, name).is_some_and(|value| value != "false")
}

/// True unless the query has `resolvePlaceholders=false`.
pub(crate) fn resolves_placeholders(query: &str) -> bool {
    value_of(query, "resolvePlaceholders").is_none_or(|value| value != "false")
}

fn value_of(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn decode(segment: &str) -> Result<String, ConfigServerError> {
    let text = percent_decode_str(segment).decode_utf8();
    text.map(Into::into).map_err(|_| ConfigServerError::Invalid("The path is not UTF-8.".to_owned()))
}

fn format_of(file: &str) -> Option<(&str, FlatFormat)> {
    let (stem, extension) = file.rsplit_once('.')?;
    match extension {
        "properties" => Some((stem, FlatFormat::Properties)),
        "yml" | "yaml" => Some((stem, FlatFormat::Yaml)),
        "json" => Some((stem, FlatFormat::Json)),
        _ => None,
    }
}

/// Parses `foo-bar-dev.yml`, whose profile is the part after the last hyphen.
fn flat(file: &str, label: Option<&str>) -> Result<Option<ConfigRequest>, ConfigServerError> {
    let Some((stem, format)) = format_of(file) else { return Ok(None) };
    match stem.rsplit_once('-') {
        Some((application, profiles)) if !application.is_empty() && !profiles.is_empty() => {
            Ok(Some(ConfigRequest::Flat(target(application, profiles, label)?, format)))
        }
        _ => Ok(None),
    }
}

fn target(applications: &str, profiles: &str, label: Option<&str>) -> Result<Target, ConfigServerError> {
    let names = |text: &str, kind: &str| -> Result<Vec<String>, ConfigServerError> {
        text.split(',').map(|item| name(item, kind)).collect()
    };
    let labels = label.map(|label| names(label, "a label")).transpose()?.unwrap_or_default();
    let profiles: Vec<String> = profiles.split(',').map(str::to_owned).collect();
    match profiles.iter().find(|profile| !is_profile(profile)) {
        Some(invalid) => Err(ConfigServerError::Invalid(format!(
            "'{}' is not a profile: use letters, digits and -_.+@, with a letter or digit at both ends.",
            invalid.escape_default()
        ))),
        None => Ok(Target { applications: names(applications, "an application")?, profiles, labels }),
    }
}

fn is_profile(text: &str) -> bool {
    let is_inner = |letter: char| letter.is_alphanumeric() || "-_.+@".contains(letter);
    text.starts_with(char::is_alphanumeric) && text.ends_with(char::is_alphanumeric) && text.chars().all(is_inner)
}

/// Checks the name of an application or a label, and replaces `(_)` in it by a slash. `kind` is for the error.
fn name(text: &str, kind: &str) -> Result<String, ConfigServerError> {
    let mut decoded = text.to_owned();
    // A name that was encoded more than once is checked in each form: the next component may decode it again.
    for _ in 0..3 {
        if !is_name(&decoded) {
            let shown = text.escape_default();
            return Err(ConfigServerError::Invalid(format!("'{shown}' is not the name of {kind}.")));
        }
        decoded = percent_decode_str(&decoded).decode_utf8_lossy().into_owned();
    }
    Ok(text.replace("(_)", "/"))
}

fn is_name(text: &str) -> bool {
    !(text.trim().is_empty()
        || text.starts_with("(_)")
        || text.starts_with('/')
        || text.contains("..")
        || text.contains("(_)(_)")
        || text.contains(['#', '\\'])
        || text.contains(char::is_control))
}

#[cfg(test)]
mod tests;
