//! Webhooks: the files of a repository that changed, and the applications that they configure.

mod event;
mod payload;
mod signature;

pub use event::RefreshEvent;

pub(crate) use event::destination;
pub(crate) use payload::changed_paths;
pub(crate) use signature::is_authentic;

/// Limit on the names of one webhook; beyond it, every application is refreshed.
const MAX_NAMES: usize = 256;

/// Returns the applications that `paths` may configure, each once. `*` is every application.
pub(crate) fn affected_applications(paths: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in paths.iter().flat_map(|path| applications_of(path)) {
        if !names.contains(&name) {
            names.push(name);
        }
        if names.len() > MAX_NAMES {
            return vec!["*".to_owned()];
        }
    }
    names
}

/// Returns every possible reading of a file name: `config/shop-eu-dev.yml` may be that of `shop-eu-dev`, of `shop-eu`
/// under the profile `dev`, or of `shop`.
fn applications_of(path: &str) -> Vec<String> {
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
    fn a_path_names_the_applications_that_it_may_configure() {
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
            assert_eq!(affected_applications(&[path.to_owned()]), expected, "{path}");
        }
        assert_eq!(affected_applications(&["shop-dev.yml".to_owned(), "shop.yml".to_owned()]), ["shop-dev", "shop"]);
    }

    #[test]
    fn very_many_names_become_all_applications() {
        let paths: Vec<String> = (0..10_000).map(|number| format!("app{number}.yml")).collect();
        assert_eq!(affected_applications(&paths), ["*"]);
    }
}
