//! Path patterns with the syntax of Spring's `PathPattern`, matched against the raw path, which is still encoded.

/// A path pattern: `?` and `*` match within a segment, `{name}` matches one segment, and `**` or `{*name}` at the end
/// any number of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathPattern {
    segments: Vec<Segment>,
    matches_rest: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// A whole segment, `*` or `{name}`.
    Any(Option<String>),
    Glob(Vec<u8>),
}

impl PathPattern {
    /// Errors: a sentence that describes the mistake.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(inner) = text.strip_prefix('/') else {
            return Err(format!("the path pattern '{text}' must begin with '/'"));
        };
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let mut pattern = Self { segments: Vec::new(), matches_rest: false };
        for part in inner.split('/').filter(|_| !inner.is_empty()) {
            if pattern.matches_rest {
                return Err(format!("the path pattern '{text}' must end with '**'"));
            }
            if part == "**" || (part.starts_with("{*") && part.ends_with('}')) {
                pattern.matches_rest = true;
            } else {
                let segment = Segment::parse(part).map_err(|mistake| format!("the path pattern '{text}' {mistake}"))?;
                pattern.segments.push(segment);
            }
        }
        Ok(pattern)
    }

    /// Returns true if `path` matches. A trailing slash and matrix parameters (`;a=b`) are ignored.
    pub fn matches(&self, path: &str) -> bool {
        let mut given = path.split('/').filter(|part| !part.is_empty());
        for segment in &self.segments {
            let part = given.next().and_then(|part| part.split(';').next());
            if !part.is_some_and(|part| segment.matches(part)) {
                return false;
            }
        }
        self.matches_rest || given.next().is_none()
    }

    /// Returns the values of the pattern's variables in a path that matches.
    pub fn variables<'p>(&'p self, path: &'p str) -> Vec<(&'p str, &'p str)> {
        let given = path.split('/').filter(|part| !part.is_empty());
        let value = |(segment, part): (&'p Segment, &'p str)| match segment {
            Segment::Any(Some(name)) => Some((name.as_str(), part.split(';').next().unwrap_or_default())),
            _ => None,
        };
        self.segments.iter().zip(given).filter_map(value).collect()
    }
}

impl Segment {
    fn parse(part: &str) -> Result<Self, &'static str> {
        let name = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        match name {
            Some(name) if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {
                Ok(Self::Any(Some(name.to_owned())))
            }
            _ if part.contains(['{', '}']) => Err("has braces that are not a whole segment '{name}'"),
            _ if part.is_empty() => Err("has an empty segment"),
            _ if part.contains("**") => Err("has '**' inside a segment"),
            _ if part == "*" => Ok(Self::Any(None)),
            _ if part.contains(['*', '?']) => Ok(Self::Glob(part.into())),
            _ => Ok(Self::Literal(part.to_owned())),
        }
    }

    fn matches(&self, part: &str) -> bool {
        match self {
            Self::Literal(text) => text == part,
            Self::Any(_) => !part.is_empty(),
            Self::Glob(glob) => glob_matches(glob, part.as_bytes()),
        }
    }
}

/// Matches a glob, in which `?` stands for one byte and `*` for any number.
fn glob_matches(glob: &[u8], text: &[u8]) -> bool {
    match (glob.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => glob_matches(rest, text),
        (Some((b'*', rest)), Some((_, tail))) => glob_matches(rest, text) || glob_matches(glob, tail),
        (Some((b'?', rest)), Some((_, tail))) => glob_matches(rest, tail),
        (Some((expected, rest)), Some((given, tail))) => expected == given && glob_matches(rest, tail),
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
    fn invalid_patterns_are_rejected() {
        for text in ["", "a", "/a/**/b", "/{id:[0-9]+}", "/v{n}", "/a//b", "/a**", "/{}"] {
            assert!(PathPattern::parse(text).is_err(), "{text}");
        }
    }
}
