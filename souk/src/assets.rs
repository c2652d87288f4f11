//! Files inside the binary: the web shop, and the sample catalogue with its pictures.

use std::borrow::Cow;

use rust_embed::RustEmbed;
use souk_gateway::Asset;

/// The built web shop (docs/web.md).
pub const STOREFRONT: &[u8] = include_bytes!("../../web/shop.tar");

#[derive(RustEmbed)]
#[folder = "../catalogue"]
#[include = "*.csv"]
#[include = "pictures/*.svg"]
struct Catalogue;

/// Returns the CSV files of the sample catalogue, sorted by name.
pub fn catalogue() -> Vec<(String, Cow<'static, [u8]>)> {
    let mut files: Vec<_> = Catalogue::iter()
        .filter(|name| name.ends_with(".csv"))
        .filter_map(|name| Catalogue::get(&name).map(|file| (name.into_owned(), file.data)))
        .collect();
    files.sort_by(|one, other| one.0.cmp(&other.0));
    files
}

/// Returns the picture of the catalogue at `path`, which has no leading slash.
pub fn asset(path: &str) -> Option<Asset> {
    // Everything under this prefix is a picture: the embedded folder includes nothing else there.
    let file = path.starts_with("pictures/").then(|| Catalogue::get(path)).flatten()?;
    Some(Asset { content_type: "image/svg+xml", body: file.data, cache: "public, max-age=86400" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_and_its_pictures_are_embedded() {
        assert!(catalogue().len() >= 4);
        assert!(asset("pictures/cookware.svg").is_some());
        assert!(asset("pictures/../kitchen.csv").is_none());
        assert!(asset("kitchen.csv").is_none());
    }
}
