//! Filters that change path and query.

use std::borrow::Cow;

use bytes::Bytes;
use http::uri::PathAndQuery;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use regex::Regex;

use super::{Variables, template::Template};
use crate::definition::Definition;

#[derive(Debug)]
pub(super) enum PathFilter {
    /// Removes leading segments.
    Strip(usize),
    Prefix(Template),
    Set(Template),
    /// Replaces each match of an expression.
    Rewrite(Regex, String),
    AddParameter(String, Template),
    RemoveParameter(String),
}

/// Path and query, while they are changed.
pub(super) struct Rewriting<'r> {
    path: Cow<'r, str>,
    query: Option<Cow<'r, str>>,
}

impl<'r> Rewriting<'r> {
    pub fn of(requested: &'r PathAndQuery) -> Self {
        Self { path: requested.path().into(), query: requested.query().map(Cow::Borrowed) }
    }

    pub fn whole(self) -> Bytes {
        let slash = if self.path.starts_with('/') { "" } else { "/" };
        match self.query {
            Some(query) => format!("{slash}{}?{query}", self.path),
            None => format!("{slash}{}", self.path),
        }
        .into()
    }
}

impl PathFilter {
    /// Returns `None` if it is another kind of filter. Errors: a sentence that describes the mistake.
    pub fn parse(definition: &Definition) -> Result<Option<Self>, String> {
        let needed =
            |value: Option<&str>, name: &str| value.map(str::to_owned).ok_or(format!("{definition}: needs {name}"));
        Ok(Some(match definition.name.as_str() {
            "StripPrefix" => {
                let [parts] = definition.args(["parts"])?;
                let parts = parts.unwrap_or("1").parse();
                Self::Strip(parts.map_err(|_| format!("{definition}: not a number of segments"))?)
            }
            "PrefixPath" => {
                let [prefix] = definition.args(["prefix"])?;
                Self::Prefix(absolute(definition, &needed(prefix, "prefix")?)?)
            }
            "SetPath" => {
                let [template] = definition.args(["template"])?;
                Self::Set(absolute(definition, &needed(template, "template")?)?)
            }
            "RewritePath" => {
                let [expression, replacement] = definition.args(["regexp", "replacement"])?;
                let expression = needed(expression, "regexp")?;
                let parsed =
                    Regex::new(&expression).map_err(|error| format!("the expression '{expression}': {error}"))?;
                // YAML files write `$\{name}`, since Spring would fill in `${name}` itself.
                Self::Rewrite(parsed, replacement.unwrap_or_default().replace("$\\", "$"))
            }
            "AddRequestParameter" => {
                let [name, value] = definition.args(["name", "value"])?;
                Self::AddParameter(needed(name, "name")?, Template::parse(&needed(value, "value")?)?)
            }
            "RemoveRequestParameter" => {
                let [name] = definition.args(["name"])?;
                Self::RemoveParameter(needed(name, "name")?)
            }
            _ => return Ok(None),
        }))
    }

    pub fn needs_variables(&self) -> bool {
        match self {
            Self::Prefix(template) | Self::Set(template) | Self::AddParameter(_, template) => template.has_variables(),
            Self::Strip(_) | Self::Rewrite(..) | Self::RemoveParameter(_) => false,
        }
    }

    pub fn apply(&self, rewriting: &mut Rewriting<'_>, variables: &Variables<'_>) {
        match self {
            Self::Strip(count) => {
                let at = rewriting.path.match_indices('/').nth(*count).map_or(rewriting.path.len(), |(at, _)| at);
                match &mut rewriting.path {
                    Cow::Borrowed(path) => *path = path.get(at..).unwrap_or_default(),
                    Cow::Owned(path) => drop(path.drain(..at)),
                }
            }
            Self::Prefix(prefix) => {
                let prefix = prefix.fill(variables);
                rewriting.path = format!("{}{}", prefix.trim_end_matches('/'), rewriting.path).into();
            }
            Self::Set(template) => rewriting.path = template.fill(variables).into(),
            Self::Rewrite(expression, replacement) => {
                let replaced = expression.replace_all(&rewriting.path, replacement.as_str()).into_owned();
                rewriting.path = replaced.into();
            }
            Self::AddParameter(name, value) => {
                let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
                let pair = format!("{}={}", encoded(name), encoded(&value.fill(variables)));
                rewriting.query = Some(match &rewriting.query {
                    Some(query) if !query.is_empty() => format!("{query}&{pair}").into(),
                    _ => pair.into(),
                });
            }
            Self::RemoveParameter(name) => {
                let is_other = |pair: &&str| {
                    let given = pair.split('=').next().unwrap_or_default();
                    percent_decode_str(given).decode_utf8_lossy() != name.as_str()
                };
                if let Some(query) = &rewriting.query {
                    let kept = query.split('&').filter(is_other).collect::<Vec<_>>().join("&");
                    rewriting.query = (!kept.is_empty()).then(|| kept.into());
                }
            }
        }
    }
}

fn absolute(definition: &Definition, text: &str) -> Result<Template, String> {
    if text.starts_with('/') { Template::parse(text) } else { Err(format!("{definition}: must begin with '/'")) }
}
