//! What a webhook tells: which files of the repository changed, and whose configuration that is.

mod event;
mod payload;
mod proof;

pub use event::{RefreshEvent, destination};
pub use payload::changed_paths;
pub use proof::is_proven;

/// More names than this are one: everybody.
const MANY: usize = 256;

/// The applications that `paths` may concern, without repetition. `*` is every application.
pub fn names(paths: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in paths.iter().flat_map(|path| names_of(path)) {
        if !names.contains(&name) {
            names.push(name);
        }
        if names.len() > MANY {
            return vec!["*".to_owned()];
        }
    }
    names
}

/// `config/shop-eu-dev.yml` may be that of `shop-eu-dev`, of `shop-eu` with the profile `dev`, or of `shop`.
fn names_of(path: &str) -> Vec<String> {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    if stem.is_empty() {
        return Vec::new();
    }
    let prefixes = stem.rmatch_indices('-').filter_map(|(at, _)| stem.get(..at)).filter(|prefix| !prefix.is_empty());
    std::iter::once(stem)
        .chain(prefixes)
        .map(|name| if name == "application" { "*".to_owned() } else { name.to_owned() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_whom_it_may_concern() {
        for (path, expected) in [
            ("shop-dev.yml", vec!["shop-dev", "shop"]),
            ("config/eu/shop.properties", vec!["shop"]),
            ("application.yml", vec!["*"]),
            ("application-dev.yml", vec!["application-dev", "*"]),
            ("foo-bar-dev.yaml", vec!["foo-bar-dev", "foo-bar", "foo"]),
            ("a\\b\\shop.yml", vec!["shop"]),
            ("README", vec!["README"]),
            ("-x.yml", vec!["-x"]),
            (".gitignore", vec![]),
            ("folder/", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(names(&[path.to_owned()]), expected, "{path}");
        }
        assert_eq!(names(&["shop-dev.yml".to_owned(), "shop.yml".to_owned()]), ["shop-dev", "shop"]);
    }

    #[test]
    fn very_many_are_everybody() {
        let paths: Vec<String> = (0..10_000).map(|number| format!("app{number}.yml")).collect();
        assert_eq!(names(&paths), ["*"]);
    }
}
