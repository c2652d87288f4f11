//! Templates of paths and URIs: placeholders, and the wildcards `*` and `?`. What a request puts into a
//! placeholder is text, never a wildcard and never a way upwards.

use super::{BackendError, check};

/// More combinations of application and profile than this are refused where a template has placeholders.
const MOST_COMBINATIONS: usize = 64;

/// What one combination puts into the placeholders.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'v> {
    pub application: &'v str,
    pub profile: &'v str,
    pub label: &'v str,
}

impl<'v> Values<'v> {
    fn of(&self, placeholder: Placeholder) -> &'v str {
        match placeholder {
            Placeholder::Application => self.application,
            Placeholder::Profile => self.profile,
            Placeholder::Label => self.label,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placeholder {
    Application,
    Profile,
    Label,
}

const PLACEHOLDERS: [(&str, Placeholder); 3] =
    [("{application}", Placeholder::Application), ("{profile}", Placeholder::Profile), ("{label}", Placeholder::Label)];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Placeholder),
}

/// A text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

impl Template {
    pub fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        loop {
            let next = PLACEHOLDERS
                .into_iter()
                .filter_map(|(name, placeholder)| rest.split_once(name).map(|around| (around, placeholder)))
                .min_by_key(|((before, _), _)| before.len());
            let Some(((before, after), placeholder)) = next else { break };
            pieces.extend((!before.is_empty()).then(|| Piece::Text(before.to_owned())));
            pieces.push(Piece::Value(placeholder));
            rest = after;
        }
        pieces.extend((!rest.is_empty()).then(|| Piece::Text(rest.to_owned())));
        Self(pieces)
    }

    pub fn has_placeholders(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Value(_)))
    }

    fn has(&self, placeholder: Placeholder) -> bool {
        self.0.contains(&Piece::Value(placeholder))
    }

    /// The text with `values` in it, for a URI. Errors: a value that could mean more than a name in one.
    pub fn fill(&self, values: Values<'_>) -> Result<String, BackendError> {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Value(placeholder) => {
                    let value = values.of(*placeholder);
                    check(value)?;
                    let plain = |letter: char| letter.is_alphanumeric() || "-_.+/".contains(letter);
                    if value.starts_with('-') || !value.chars().all(plain) {
                        return Err(BackendError::Refused(format!("{value:?} cannot be part of a repository's URI")));
                    }
                    filled.push_str(value);
                }
            }
        }
        Ok(filled)
    }

    /// The folders that the text with `values` in it names, from the root. Errors: `..` in a value, or anywhere when
    /// it is not `upwards`.
    pub fn folders(&self, values: Values<'_>, upwards: bool) -> Result<Vec<Folder>, BackendError> {
        let mut folders = vec![Folder::default()];
        for piece in &self.0 {
            let (text, from_request) = match piece {
                Piece::Text(text) => (text.as_str(), false),
                Piece::Value(placeholder) => (values.of(*placeholder), true),
            };
            if from_request {
                check(text)?;
            }
            for (number, part) in text.split('/').enumerate() {
                if number > 0 {
                    folders.push(Folder::default());
                }
                if let Some(folder) = folders.last_mut() {
                    folder.push(part, from_request);
                }
            }
        }
        folders.retain(|folder| !matches!(folder.name(), Some("" | ".")));
        if !upwards && folders.iter().any(|folder| folder.name() == Some("..")) {
            return Err(BackendError::Refused("a search path leads upwards".to_owned()));
        }
        Ok(folders)
    }

    /// How many of the first folders of this path are the same whatever is asked for, wildcards not among them.
    pub fn fixed_folders(&self, folders: &[Folder]) -> usize {
        let Some(Piece::Text(start)) = self.0.first() else { return 0 };
        let whole =
            if self.0.len() == 1 { start.as_str() } else { start.rsplit_once('/').map_or("", |(whole, _)| whole) };
        let named = whole.split('/').filter(|part| !matches!(*part, "" | ".")).count();
        folders.iter().take(named).take_while(|folder| folder.name().is_some()).count()
    }
}

/// Every combination that makes a difference to `templates`, weakest first: profiles outside, applications inside.
pub(super) fn combinations<'q>(
    template: &Template,
    query: &super::Query<'q>,
    label: &'q str,
) -> Result<Vec<Values<'q>>, BackendError> {
    let of = |list: &'q [String], matters: bool| -> Vec<&'q str> {
        let whole = list.iter().map(String::as_str);
        if matters { whole.collect() } else { whole.take(1).collect() }
    };
    let or_empty = |list: Vec<&'q str>| if list.is_empty() { vec![""] } else { list };
    let applications = or_empty(of(query.applications, template.has(Placeholder::Application)));
    let profiles = or_empty(of(query.profiles, template.has(Placeholder::Profile)));
    if applications.len().saturating_mul(profiles.len()) > MOST_COMBINATIONS {
        return Err(BackendError::Refused(format!("more than {MOST_COMBINATIONS} combinations of names and profiles")));
    }
    let pairs = profiles.iter().flat_map(|profile| applications.iter().map(move |application| (profile, application)));
    Ok(pairs.map(|(profile, application)| Values { application, profile, label }).collect())
}

/// The name of one folder, perhaps with wildcards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Folder(Vec<Letter>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Letter {
    Any,
    One,
    Plain(char),
}

/// The plain name kept beside the letters would be a second truth, so it is made when asked for.
impl Folder {
    fn push(&mut self, text: &str, literally: bool) {
        self.0.extend(text.chars().map(|letter| match letter {
            '*' if !literally => Letter::Any,
            '?' if !literally => Letter::One,
            letter => Letter::Plain(letter),
        }));
    }

    /// Whether there are no wildcards.
    pub fn is_plain(&self) -> bool {
        self.0.iter().all(|letter| matches!(letter, Letter::Plain(_)))
    }

    /// The name as text; `None` with wildcards.
    pub fn text(&self) -> Option<String> {
        self.0.iter().map(|letter| if let Letter::Plain(letter) = letter { Some(*letter) } else { None }).collect()
    }

    /// `.`, `..`, nothing, or some other name (as "?"): what the checks above care for.
    fn name(&self) -> Option<&'static str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Letter::Plain('.')] => Some("."),
            [Letter::Plain('.'), Letter::Plain('.')] => Some(".."),
            _ if self.is_plain() => Some("?"),
            _ => None,
        }
    }

    pub fn matches(&self, name: &str) -> bool {
        matches(&self.0, &name.chars().collect::<Vec<_>>())
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for any number of any characters.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let letters: Vec<Letter> =
        pattern.chars().map(|letter| if letter == '*' { Letter::Any } else { Letter::Plain(letter) }).collect();
    matches(&letters, &text.chars().collect::<Vec<_>>())
}

/// Takes at most `pattern × text` steps: on a mismatch only the last `*` takes one more.
fn matches(pattern: &[Letter], text: &[char]) -> bool {
    let (mut at, mut read, mut star) = (0, 0, None);
    while let Some(letter) = text.get(read) {
        match pattern.get(at) {
            Some(Letter::Any) => {
                star = Some((at, read));
                at += 1;
            }
            Some(Letter::One) => (at, read) = (at + 1, read + 1),
            Some(Letter::Plain(wanted)) if wanted == letter => (at, read) = (at + 1, read + 1),
            _ => match star {
                Some((star_at, taken)) => {
                    (at, read) = (star_at + 1, taken + 1);
                    star = Some((star_at, taken + 1));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|letter| *letter == Letter::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: Values<'_> = Values { application: "shop", profile: "dev", label: "feature/x" };

    fn folders(text: &str, values: Values<'_>) -> Result<Vec<Folder>, BackendError> {
        Template::new(text).folders(values, false)
    }

    #[test]
    fn placeholders_become_text_and_split_at_slashes() {
        let texts = |text: &str| -> Vec<String> {
            folders(text, VALUES).unwrap().iter().map(|folder| folder.text().unwrap()).collect()
        };
        assert_eq!(texts("/a/./{application}-{profile}/"), ["a", "shop-dev"]);
        assert_eq!(texts("{label}/{application}"), ["feature", "x", "shop"]);
        assert_eq!(texts("{other}"), ["{other}"]);
        assert!(texts("/").is_empty());
    }

    #[test]
    fn a_value_is_never_a_wildcard_nor_a_way_upwards() {
        let star = folders("x/{application}", Values { application: "*", ..VALUES }).unwrap();
        assert!(star[1].is_plain() && star[1].matches("*") && !star[1].matches("other"));
        for evil in ["..", "a/../b", "/etc", "", ".git", "a\\b"] {
            let values = Values { application: evil, ..VALUES };
            assert!(matches!(folders("x/{application}", values), Err(BackendError::Refused(_))), "{evil}");
        }
        // Two halves, each harmless.
        assert!(folders("x/.{application}", Values { application: ".", ..VALUES }).is_err());
        assert!(folders("{application}{profile}", Values { application: "-", profile: "b", ..VALUES }).is_ok());
        assert!(folders("../x", VALUES).is_err());
    }

    #[test]
    fn uris_take_names_only() {
        let template = Template::new("https://host/{application}-config");
        assert_eq!(template.fill(VALUES).unwrap(), "https://host/shop-config");
        for evil in ["..", "a@b", "a:b", "a?b", "a#b", "%2e", "-o", "a b"] {
            assert!(template.fill(Values { application: evil, ..VALUES }).is_err(), "{evil}");
        }
    }

    #[test]
    fn wildcards() {
        for (pattern, text, is_so) in [
            ("bar*", "bar", true),
            ("bar*", "barista", true),
            ("bar*", "foobar", false),
            ("*b*c", "aabbcc", true),
            ("*b*c", "aabbcd", false),
            ("**", "", true),
            ("", "a", false),
        ] {
            assert_eq!(glob(pattern, text), is_so, "{pattern} {text}");
        }
        assert!(folders("?ar", VALUES).unwrap()[0].matches("bar"));
    }

    #[test]
    fn what_does_not_depend_on_the_request() {
        let fixed = |text: &str| {
            let template = Template::new(text);
            let folders = template.folders(VALUES, true).unwrap();
            template.fixed_folders(&folders)
        };
        assert_eq!(fixed("/a/b/c"), 3);
        assert_eq!(fixed("/a/b{application}/c"), 1);
        assert_eq!(fixed("/a/b*/c"), 1);
        assert_eq!(fixed("{application}"), 0);
    }
}
