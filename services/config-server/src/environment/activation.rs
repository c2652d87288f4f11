//! Conditional documents: `spring.config.activate.on-profile`, and its predecessor `spring.profiles`.

use super::document::{Document, ParseError};

/// Limit on the nesting of an expression.
const MAX_DEPTH: usize = 32;

/// The condition under which a document is active.
pub(super) struct Condition {
    /// Expressions of `spring.config.activate.on-profile`.
    on_profile: Vec<ProfileExpression>,
    legacy: Vec<ProfileExpression>,
}

impl Condition {
    /// True for a document with `spring.config.activate.on-profile`.
    pub fn has_on_profile(&self) -> bool {
        !self.on_profile.is_empty()
    }

    /// True when the document is active under `profiles`. Of several expressions under one key, one is enough.
    pub fn holds(&self, profiles: &[&str]) -> bool {
        let any_holds = |expressions: &[ProfileExpression]| {
            expressions.is_empty() || expressions.iter().any(|expression| expression.holds(profiles))
        };
        any_holds(&self.on_profile) && any_holds(&self.legacy)
    }
}

/// Reads the condition of a document.
///
/// Errors: an expression is malformed.
pub(super) fn condition(document: &Document) -> Result<Condition, ParseError> {
    let mut condition = Condition { on_profile: Vec::new(), legacy: Vec::new() };
    for property in document {
        let expressions = match canonical(&property.key).as_str() {
            "spring.config.activate.onprofile" => &mut condition.on_profile,
            "spring.profiles" => &mut condition.legacy,
            _ => continue,
        };
        for part in property.value.to_string().split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let line = property.at.map(|at| at.line);
            let expression = ProfileExpression::parse(part).ok_or_else(|| ParseError {
                line,
                cause: "a profile expression is malformed: write a, !a, a & b, a | b or (a | b) & c".into(),
            })?;
            expressions.push(expression);
        }
    }
    Ok(condition)
}

/// Returns a key without a list index, in the spelling in which `on-profile`, `onProfile` and `on_profile` are equal.
fn canonical(key: &str) -> String {
    let stem = match key.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        Some((stem, index)) if index.bytes().all(|byte| byte.is_ascii_digit()) => stem,
        _ => key,
    };
    stem.chars().filter(|letter| !matches!(letter, '-' | '_')).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// An expression of `a`, `!a`, `a & b`, `a | b` and parentheses, in which `&` binds tighter than `|`.
enum ProfileExpression {
    Profile(String),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl ProfileExpression {
    fn parse(text: &str) -> Option<Self> {
        let mut parser = ExpressionParser { rest: text };
        let expression = parser.any(0)?;
        parser.peek().is_none().then_some(expression)
    }

    fn holds(&self, profiles: &[&str]) -> bool {
        match self {
            Self::Profile(name) => profiles.contains(&name.as_str()),
            Self::Not(inner) => !inner.holds(profiles),
            Self::All(parts) => parts.iter().all(|part| part.holds(profiles)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(profiles)),
        }
    }
}

struct ExpressionParser<'t> {
    rest: &'t str,
}

impl ExpressionParser<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    /// Consumes `sign` if it is next.
    fn take(&mut self, sign: char) -> bool {
        let is_next = self.peek() == Some(sign);
        if is_next {
            self.rest = self.rest.strip_prefix(sign).unwrap_or(self.rest);
        }
        is_next
    }

    fn any(&mut self, depth: usize) -> Option<ProfileExpression> {
        self.separated('|', |parser| parser.separated('&', |parser| parser.one(depth)).map(ProfileExpression::All))
            .map(ProfileExpression::Any)
    }

    fn separated<T>(&mut self, sign: char, part: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut parts = vec![part(self)?];
        while self.take(sign) {
            parts.push(part(self)?);
        }
        Some(parts)
    }

    fn one(&mut self, depth: usize) -> Option<ProfileExpression> {
        if depth > MAX_DEPTH {
            return None;
        }
        if self.take('!') {
            return Some(ProfileExpression::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.take('(') {
            let inner = self.any(depth + 1)?;
            return self.take(')').then_some(inner);
        }
        let end = self.rest.find(['!', '&', '|', '(', ')']).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        let name = name.trim();
        (!name.is_empty()).then(|| ProfileExpression::Profile(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::environment::{property_sources::Property, scalar::Scalar};

    fn document(key: &str, text: &str) -> Document {
        vec![Property { key: key.into(), value: Scalar::Text(text.into()), at: None }]
    }

    fn holds(expression: &str, profiles: &[&str]) -> bool {
        condition(&document("spring.config.activate.on-profile", expression)).unwrap().holds(profiles)
    }

    #[test]
    fn expressions_are_evaluated() {
        for (expression, profiles, expected) in [
            ("dev", &["dev"][..], true),
            ("dev", &["db"], false),
            ("dev", &["default"], false),
            ("default", &["default"], true),
            ("!dev", &["db"], true),
            ("!dev", &["dev"], false),
            ("!!dev", &["dev"], true),
            ("dev & db", &["dev"], false),
            ("dev & db", &["dev", "db"], true),
            ("dev | db", &["db"], true),
            ("a | b & c", &["a"], true),
            ("(a | b) & c", &["a"], false),
            ("(a | b) & !c", &["a"], true),
            ("dev, db", &["db"], true),
            ("", &["db"], true),
        ] {
            assert_eq!(holds(expression, profiles), expected, "{expression} under {profiles:?}");
        }
    }

    #[test]
    fn lists_and_other_spellings_of_the_key_are_read() {
        for key in ["spring.config.activate.on-profile[1]", "spring.config.activate.onProfile", "spring.profiles[0]"] {
            assert!(!condition(&document(key, "dev")).unwrap().holds(&["db"]), "{key}");
        }
        assert!(condition(&document("spring.profiles.active", "dev")).unwrap().holds(&["db"]));
    }

    #[test]
    fn malformed_expressions_are_refused() {
        let deep = "!".repeat(100_000);
        for text in ["&", "a &", "(a", "a)", "!", "()", "a ! b", &deep, &"(".repeat(100_000)] {
            assert!(condition(&document("spring.config.activate.on-profile", text)).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[!&|() ab\u{e9}]{0,60}") {
            let _ = ProfileExpression::parse(&text);
        }
    }
}
