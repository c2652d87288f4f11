//! Templates of paths and URIs: placeholders, and the wildcards `*` and `?`. The value that a request puts into a
//! placeholder is always text, never a wildcard or a way upwards.

use super::{error::BackendError, file::check_path, query::Query};

/// Limit on the combinations of application and profile for which a template with placeholders is filled.
const MAX_COMBINATIONS: usize = 64;

/// Values for the placeholders of a template, from one combination of a request's names.
#[derive(Debug, Clone, Copy)]
pub(super) struct TemplateValues<'v> {
    pub application: &'v str,
    pub profile: &'v str,
    pub label: &'v str,
}

impl<'v> TemplateValues<'v> {
    /// For templates without placeholders.
    pub const NONE: TemplateValues<'static> = TemplateValues { application: "", profile: "", label: "" };

    fn get(&self, placeholder: Placeholder) -> &'v str {
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

/// A configured text with placeholders.
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

    /// Returns the URI that the template gives with `values`.
    ///
    /// Errors: a value contains characters that have a meaning in a URI.
    pub fn fill(&self, values: TemplateValues<'_>) -> Result<String, BackendError> {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Value(placeholder) => {
                    let value = values.get(*placeholder);
                    check_path(value)?;
                    let is_plain = |letter: char| letter.is_alphanumeric() || "-_.+/".contains(letter);
                    // A repository that begins with a hyphen would be an option of the programs that fetch it.
                    if value.starts_with('-') || !value.chars().all(is_plain) {
                        return Err(BackendError::Refused(format!("{value:?} cannot be part of a repository's URI")));
                    }
                    filled.push_str(value);
                }
            }
        }
        Ok(filled)
    }

    /// Returns the folders that the template names with `values`, from the root.
    ///
    /// Errors: `..` in a value, or anywhere in the path unless `allow_parent`.
    pub fn folders(&self, values: TemplateValues<'_>, allow_parent: bool) -> Result<Vec<FolderPattern>, BackendError> {
        let mut folders = vec![FolderPattern::default()];
        for piece in &self.0 {
            let (text, is_literal) = match piece {
                Piece::Text(text) => (text.as_str(), false),
                Piece::Value(placeholder) => (values.get(*placeholder), true),
            };
            if is_literal {
                check_path(text)?;
            }
            for (number, part) in text.split('/').enumerate() {
                if number > 0 {
                    folders.push(FolderPattern::default());
                }
                if let Some(folder) = folders.last_mut() {
                    folder.push(part, is_literal);
                }
            }
        }
        folders.retain(|folder| !matches!(folder.text().as_deref(), Some("" | ".")));
        if !allow_parent && folders.iter().any(|folder| folder.text().as_deref() == Some("..")) {
            return Err(BackendError::Refused("a search path leads upwards".to_owned()));
        }
        Ok(folders)
    }

    /// Counts the leading `folders` of this template that are the same for every request; a wildcard ends them.
    pub fn fixed_folders(&self, folders: &[FolderPattern]) -> usize {
        let Some(Piece::Text(start)) = self.0.first() else { return 0 };
        let whole =
            if self.0.len() == 1 { start.as_str() } else { start.rsplit_once('/').map_or("", |(whole, _)| whole) };
        let named = whole.split('/').filter(|part| !matches!(*part, "" | ".")).count();
        folders.iter().take(named).take_while(|folder| folder.is_plain()).count()
    }
}

/// Returns each combination of the request's names that changes `template`, weakest first: profiles in the outer loop,
/// applications in the inner one.
pub(super) fn combinations<'q>(
    template: &Template,
    query: &Query<'q>,
    label: &'q str,
) -> Result<Vec<TemplateValues<'q>>, BackendError> {
    let relevant = |list: &'q [String], placeholder: Placeholder| -> Vec<&'q str> {
        let count = if template.has(placeholder) { list.len() } else { 1 };
        let names: Vec<&str> = list.iter().take(count).map(String::as_str).collect();
        if names.is_empty() { vec![""] } else { names }
    };
    let applications = relevant(query.applications, Placeholder::Application);
    let profiles = relevant(query.profiles, Placeholder::Profile);
    if applications.len().saturating_mul(profiles.len()) > MAX_COMBINATIONS {
        return Err(BackendError::Refused(format!("more than {MAX_COMBINATIONS} combinations of names and profiles")));
    }
    let pairs = profiles.iter().flat_map(|profile| applications.iter().map(move |application| (profile, application)));
    Ok(pairs.map(|(profile, application)| TemplateValues { application, profile, label }).collect())
}

/// One folder name of a path, perhaps with wildcards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FolderPattern(Vec<Letter>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Letter {
    /// `*`, any number of any characters.
    Any,
    /// `?`, exactly one character.
    One,
    Plain(char),
}

impl FolderPattern {
    fn push(&mut self, text: &str, is_literal: bool) {
        self.0.extend(text.chars().map(|letter| match letter {
            '*' if !is_literal => Letter::Any,
            '?' if !is_literal => Letter::One,
            letter => Letter::Plain(letter),
        }));
    }

    /// True for a name without wildcards.
    pub fn is_plain(&self) -> bool {
        self.text().is_some()
    }

    /// Returns the name as text; `None` for one with wildcards.
    pub fn text(&self) -> Option<String> {
        self.0.iter().map(|letter| if let Letter::Plain(letter) = letter { Some(*letter) } else { None }).collect()
    }

    pub fn matches(&self, name: &str) -> bool {
        matches(&self.0, &name.chars().collect::<Vec<_>>())
    }
}

/// Matches `text` against `pattern`, in which `*` stands for any number of any characters.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let letters: Vec<Letter> =
        pattern.chars().map(|letter| if letter == '*' { Letter::Any } else { Letter::Plain(letter) }).collect();
    matches(&letters, &text.chars().collect::<Vec<_>>())
}

/// Takes at most `pattern × text` steps, because a mismatch only makes the last `*` consume one more character.
fn matches(pattern: &[Letter], text: &[char]) -> bool {
    let mut at = 0;
    let mut read = 0;
    let mut star = None;
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

    const VALUES: TemplateValues<'_> = TemplateValues { application: "shop", profile: "dev", label: "feature/x" };

    fn folders(text: &str, values: TemplateValues<'_>) -> Result<Vec<FolderPattern>, BackendError> {
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
    fn a_value_is_never_a_wildcard_and_never_leads_upwards() {
        let star = folders("x/{application}", TemplateValues { application: "*", ..VALUES }).unwrap();
        assert!(star[1].is_plain() && star[1].matches("*") && !star[1].matches("other"));
        for evil in ["..", "a/../b", "/etc", "", ".git", "a\\b"] {
            let values = TemplateValues { application: evil, ..VALUES };
            assert!(matches!(folders("x/{application}", values), Err(BackendError::Refused(_))), "{evil}");
        }
        // Two parts that are harmless alone.
        assert!(folders("x/.{application}", TemplateValues { application: ".", ..VALUES }).is_err());
        assert!(folders("{application}{profile}", TemplateValues { application: "-", profile: "b", ..VALUES }).is_ok());
        assert!(folders("../x", VALUES).is_err());
    }

    #[test]
    fn uris_take_names_only() {
        let template = Template::new("https://host/{application}-config");
        assert_eq!(template.fill(VALUES).unwrap(), "https://host/shop-config");
        for evil in ["..", "a@b", "a:b", "a?b", "a#b", "%2e", "-o", "a b"] {
            assert!(template.fill(TemplateValues { application: evil, ..VALUES }).is_err(), "{evil}");
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
    fn folders_that_are_the_same_for_every_request() {
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
