//! Path patterns as Spring's `PathPattern` has them, matched against the raw, still encoded path.

/// A pattern: `?` and `*` inside one segment, `{name}` for one, `**` or `{*name}` at the end for any number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathPattern {
    segments: Vec<Segment>,
    takes_rest: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// `*` or `{name}`.
    Any,
    Glob(Vec<u8>),
}

impl PathPattern {
    /// Reads `text`. Errors: a sentence what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(inner) = text.strip_prefix('/') else {
            return Err(format!("the path pattern '{text}' must begin with '/'"));
        };
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let mut pattern = Self { segments: Vec::new(), takes_rest: false };
        for part in inner.split('/').filter(|_| !inner.is_empty()) {
            if pattern.takes_rest {
                return Err(format!("the path pattern '{text}' has something after '**'"));
            }
            if part == "**" || (part.starts_with("{*") && part.ends_with('}')) {
                pattern.takes_rest = true;
            } else {
                pattern
                    .segments
                    .push(Segment::parse(part).map_err(|what| format!("the path pattern '{text}' {what}"))?);
            }
        }
        Ok(pattern)
    }

    /// Whether `path` is of this form. A slash at its end and matrix parameters (`;a=b`) do not matter.
    pub fn matches(&self, path: &str) -> bool {
        let mut given = path.split('/').filter(|part| !part.is_empty());
        for segment in &self.segments {
            let part = given.next().and_then(|part| part.split(';').next());
            if !part.is_some_and(|part| segment.matches(part)) {
                return false;
            }
        }
        self.takes_rest || given.next().is_none()
    }
}

impl Segment {
    fn parse(part: &str) -> Result<Self, &'static str> {
        let name = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        match name {
            Some(name) if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {
                Ok(Self::Any)
            }
            _ if part.contains(['{', '}']) => Err("has braces that are not a whole segment '{name}'"),
            _ if part.is_empty() => Err("has an empty segment"),
            _ if part.contains("**") => Err("has '**' inside a segment"),
            _ if part == "*" => Ok(Self::Any),
            _ if part.contains(['*', '?']) => Ok(Self::Glob(part.into())),
            _ => Ok(Self::Literal(part.to_owned())),
        }
    }

    fn matches(&self, part: &str) -> bool {
        match self {
            Self::Literal(text) => text == part,
            Self::Any => !part.is_empty(),
            Self::Glob(glob) => is_of_glob(glob, part.as_bytes()),
        }
    }
}

/// `?` is one character, `*` any number.
fn is_of_glob(glob: &[u8], text: &[u8]) -> bool {
    match (glob.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => is_of_glob(rest, text),
        (Some((b'*', rest)), Some((_, tail))) => is_of_glob(rest, text) || is_of_glob(glob, tail),
        (Some((b'?', rest)), Some((_, tail))) => is_of_glob(rest, tail),
        (Some((wanted, rest)), Some((given, tail))) => wanted == given && is_of_glob(rest, tail),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_springs_do() {
        for (pattern, path, is_match) in [
            ("/a/**", "/a", true),
            ("/a/**", "/a/", true),
            ("/a/**", "/a/b/c", true),
            ("/a/**", "/ab", false),
            ("/a/{*rest}", "/a/b", true),
            ("/a", "/a/", true),
            ("/a", "/a/b", false),
            ("/a/*", "/a", false),
            ("/a/*", "/a/", false),
            ("/a/*", "/a/b", true),
            ("/a/*", "/a/b/c", false),
            ("/a/{id}/c", "/a/1/c", true),
            ("/a/{id}/c", "/a/1/d", false),
            ("/a/v?", "/a/v1", true),
            ("/a/v?", "/a/v", false),
            ("/a/*.js", "/a/main.js", true),
            ("/a/m*n*s", "/a/main.css", true),
            ("/a/*.js", "/a/main.css", false),
            ("/A", "/a", false),
            ("/a", "/%61", false),
            ("/a/b", "/a;x=1/b;y", true),
            ("/**", "/", true),
            ("/", "/", true),
            ("/", "/a", false),
        ] {
            assert_eq!(PathPattern::parse(pattern).unwrap().matches(path), is_match, "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "a", "/a/**/b", "/{id:[0-9]+}", "/v{n}", "/a//b", "/a**", "/{}"] {
            assert!(PathPattern::parse(text).is_err(), "{text}");
        }
    }
}
