//! Keys such as `order.routes[0].store-url`, parsed into steps, independent of the spelling of names.

use std::fmt::Write;

/// Upper bound of a key's steps: the tree is walked recursively.
const MAX_STEPS: usize = 64;
/// Upper bound of a list's items.
const MAX_ITEMS: usize = 10_000;

/// One step down a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// Entry of a mapping; the key is normalized by [`normal`] unless it stood in brackets.
    Key(String),
    /// Item of a list, counted from 0.
    Index(usize),
}

/// Normalizes a name to snake case: `storeUrl`, `store-url` and `STORE_URL` become `store_url`.
pub(super) fn normal(key: &str) -> String {
    let shouted = !key.chars().any(char::is_lowercase);
    let mut out = String::with_capacity(key.len());
    for letter in key.chars() {
        if letter.is_uppercase() && !shouted && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        out.extend(if letter == '-' { '_' } else { letter }.to_lowercase());
    }
    out
}

/// Parses a key such as `a.b[0].c`; the text of `[name]` is a key without normalization. Errors: the reason.
pub(super) fn parse(text: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut rest = text;
    loop {
        let name_ends = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(name_ends);
        if !name.is_empty() {
            steps.push(Step::Key(normal(name)));
        } else if !after.starts_with('[') {
            return Err("there is a part without a name".to_owned());
        }
        rest = after;
        while let Some(inner) = rest.strip_prefix('[') {
            let (inner, after) = inner.split_once(']').ok_or("a '[' has no ']'")?;
            steps.push(bracketed(inner)?);
            rest = after;
        }
        if steps.len() > MAX_STEPS {
            return Err(format!("it has more than {MAX_STEPS} parts"));
        }
        match rest.strip_prefix('.') {
            Some(after) => rest = after,
            None if rest.is_empty() => return Ok(steps),
            None => return Err("after a ']' comes '.', '[' or nothing".to_owned()),
        }
    }
}

fn bracketed(inner: &str) -> Result<Step, String> {
    if inner.is_empty() {
        return Err("there is nothing between '[' and ']'".to_owned());
    }
    if !inner.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Step::Key(inner.to_owned()));
    }
    match inner.parse() {
        Ok(index) if index < MAX_ITEMS => Ok(Step::Index(index)),
        Ok(_) | Err(_) => Err(format!("a list has at most {MAX_ITEMS} items")),
    }
}

/// Returns the key of a variable's path, `GATEWAY__ROUTES__0__ID`, and the path of the list that it is an item of, if it is
/// one.
pub(super) fn of_variable(path: &str) -> (String, Option<String>) {
    let (mut key, mut list) = (String::new(), None);
    for (at, part) in path.split("__").enumerate() {
        if at > 0 && !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) {
            list = list.or_else(|| Some(path.split("__").take(at).collect::<Vec<_>>().join("__")));
            let _ = write!(key, "[{part}]");
        } else {
            key.extend([if at > 0 { "." } else { "" }, part]);
        }
    }
    (key, list)
}

/// Parses a path inside `section`.
pub(super) fn parse_in(section: &str, path: &str) -> Option<Vec<Step>> {
    let mut steps = vec![Step::Key(normal(section))];
    steps.extend(parse(path).ok()?);
    Some(steps)
}

/// Returns the section of a key, which may be malformed.
pub(super) fn section_of(text: &str) -> String {
    normal(text.split(['.', '[']).next().unwrap_or_default())
}

/// True for a path with more than [`MAX_STEPS`] steps.
pub(super) fn is_too_deep(steps: &[Step]) -> bool {
    steps.len() > MAX_STEPS
}

/// Formats steps as an operator writes them: `order.routes[0].store-url`.
pub(super) fn show(steps: &[Step]) -> String {
    let mut out = String::new();
    for step in steps {
        match step {
            Step::Index(index) => {
                let _ = write!(out, "[{index}]");
            }
            Step::Key(key) if is_plain(key) => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(&key.replace('_', "-"));
            }
            Step::Key(key) => {
                let _ = write!(out, "[{key}]");
            }
        }
    }
    out
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key.chars().all(|letter| letter == '_' || letter.is_lowercase() || letter.is_numeric())
        && !key.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_shown() {
        for (text, shown) in [
            ("order.storeUrl", "order.store-url"),
            ("gateway.routes[0].predicates[12]", "gateway.routes[0].predicates[12]"),
            ("a[0][1].b", "a[0][1].b"),
            ("a[/api/**].B-c", "a[/api/**].b-c"),
            ("a.[x.Y]", "a[x.Y]"),
            ("STORE_URL", "store-url"),
        ] {
            assert_eq!(show(&parse(text).unwrap()), shown);
            assert_eq!(show(&parse(shown).unwrap()), shown);
        }
    }

    #[test]
    fn malformed_keys_are_mistakes() {
        let deep = "a.".repeat(100) + "a";
        let huge = format!("a[{}]", "9".repeat(400));
        for text in
            ["", ".", "a.", ".a", "a..b", "a[", "a[0", "a[]", "a[0]b", "a[10000]", "a[4294967296]", &huge, &deep]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
