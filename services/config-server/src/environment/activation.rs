//! Under which profiles a document counts: `spring.config.activate.on-profile`, and `spring.profiles` of old.

use super::{
    Scalar,
    document::{Broken, Document},
};

/// Expressions nested deeper than this are refused.
const DEEPEST: usize = 32;

/// When a document counts.
pub(super) struct Condition {
    modern: Vec<Expression>,
    legacy: Vec<Expression>,
}

impl Condition {
    /// Whether the document is conditional by `spring.config.activate.on-profile`.
    pub(super) fn is_modern(&self) -> bool {
        !self.modern.is_empty()
    }

    /// Whether the document counts under `profiles`. Of several expressions under one key, one is enough.
    pub(super) fn holds(&self, profiles: &[&str]) -> bool {
        let one_of = |expressions: &[Expression]| {
            expressions.is_empty() || expressions.iter().any(|expression| expression.holds(profiles))
        };
        one_of(&self.modern) && one_of(&self.legacy)
    }
}

/// Reads the condition of a document. Errors: an expression is malformed.
pub(super) fn condition(document: &Document) -> Result<Condition, Broken> {
    let mut condition = Condition { modern: Vec::new(), legacy: Vec::new() };
    for property in document {
        let expressions = match stem(&property.key).as_str() {
            "spring.config.activate.onprofile" => &mut condition.modern,
            "spring.profiles" => &mut condition.legacy,
            _ => continue,
        };
        let text = match &property.value {
            Scalar::Text(text) => text.clone(),
            other => other.to_string(),
        };
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let line = property.at.map(|at| at.line);
            let expression = Expression::parse(part).ok_or_else(|| Broken {
                line,
                cause: "a profile expression is malformed: write a, !a, a & b, a | b or (a | b) & c".into(),
            })?;
            expressions.push(expression);
        }
    }
    Ok(condition)
}

/// A key without a list's index, in the spelling in which `on-profile`, `onProfile` and `on_profile` are one.
fn stem(key: &str) -> String {
    let stem = match key.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        Some((stem, index)) if index.bytes().all(|byte| byte.is_ascii_digit()) => stem,
        _ => key,
    };
    stem.chars().filter(|letter| !matches!(letter, '-' | '_')).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// `a`, `!a`, `a & b`, `a | b` and parentheses; `&` binds tighter.
#[derive(Debug, PartialEq)]
enum Expression {
    Profile(String),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl Expression {
    fn parse(text: &str) -> Option<Self> {
        let mut rest = Rest(text);
        let expression = rest.any(0)?;
        rest.peek().is_none().then_some(expression)
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

/// What is left to be parsed.
struct Rest<'t>(&'t str);

impl Rest<'_> {
    fn peek(&mut self) -> Option<char> {
        self.0 = self.0.trim_start();
        self.0.chars().next()
    }

    /// Takes `sign`, if it is next.
    fn take(&mut self, sign: char) -> bool {
        let is_next = self.peek() == Some(sign);
        if is_next {
            self.0 = self.0.strip_prefix(sign).unwrap_or(self.0);
        }
        is_next
    }

    fn any(&mut self, depth: usize) -> Option<Expression> {
        let first = self.all(depth)?;
        let mut parts = vec![first];
        while self.take('|') {
            parts.push(self.all(depth)?);
        }
        Some(one_or(parts, Expression::Any))
    }

    fn all(&mut self, depth: usize) -> Option<Expression> {
        let first = self.one(depth)?;
        let mut parts = vec![first];
        while self.take('&') {
            parts.push(self.one(depth)?);
        }
        Some(one_or(parts, Expression::All))
    }

    fn one(&mut self, depth: usize) -> Option<Expression> {
        if depth > DEEPEST {
            return None;
        }
        if self.take('!') {
            return Some(Expression::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.take('(') {
            let inner = self.any(depth + 1)?;
            return self.take(')').then_some(inner);
        }
        let end = self.0.find(['!', '&', '|', '(', ')']).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        let name = name.trim();
        (!name.is_empty()).then(|| Expression::Profile(name.to_owned()))
    }
}

fn one_or(mut parts: Vec<Expression>, several: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            several(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::environment::Property;

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
    fn lists_and_the_other_spellings_count() {
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
            let _ = Expression::parse(&text);
        }
    }
}
