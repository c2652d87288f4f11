//! Files that replicas of a service do not share: SQLite stores, which are locked, and folders, which are warned of.

use std::fs::File;

use souk_notification::NotificationConfig;
use souk_product::ProductConfig;

use crate::{command_error::CommandError, services::Section, sqlite_file};

/// Locks every SQLite file that `sections` name for this process.
pub fn lock_stores(sections: &[Section]) -> Result<Vec<File>, CommandError> {
    let mut locks = Vec::new();
    for section in sections {
        for path in section.store_urls().into_iter().filter_map(sqlite_file::path_of) {
            locks.push(sqlite_file::lock(&path)?);
            tracing::warn!(
                service = section.name(),
                file = %path.display(),
                "this store is a file: right for one replica on one machine; with more, name an engine that they share"
            );
        }
    }
    Ok(locks)
}

/// Logs a warning for each folder that every replica would have for itself.
pub fn warn_about_folders(sections: &[Section]) {
    for (section, key) in sections.iter().filter_map(|section| Some((section, unshared_folder(section)?))) {
        tracing::warn!(
            service = section.name(),
            "{key} is not set: this process writes to a folder of its own; replicas need one that they share"
        );
    }
}

/// Returns the key of a folder that is not configured although the store is on an engine, which replicas share.
fn unshared_folder(section: &Section) -> Option<&'static str> {
    if section.store_urls().into_iter().any(|url| sqlite_file::path_of(url).is_some()) {
        return None;
    }
    if let Some(config) = section.config::<ProductConfig>() {
        return config.pictures_dir.is_empty().then_some("product.pictures-dir");
    }
    let config = section.config::<NotificationConfig>()?;
    let is_default = config.mailbox_dir == NotificationConfig::default().mailbox_dir;
    (config.smtp_url.expose().is_empty() && is_default).then_some("notification.mailbox-dir")
}

#[cfg(test)]
mod tests {
    use souk_kit::config::Sources;

    use super::*;
    use crate::{services::with_store, settings::Settings};

    #[test]
    fn a_folder_that_replicas_would_not_share_is_named() {
        let folder = |name: &str, pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
            let settings = Settings::distributed(Sources::default().with_env(pairs));
            let service = with_store().find(|service| service.name == name).unwrap();
            unshared_folder(&settings.section(service).ok().unwrap())
        };
        let product = ("SOUK_PRODUCT__STORE_URL", "mysql://h/d");
        assert_eq!(folder("product", &[product]), Some("product.pictures-dir"));
        assert_eq!(folder("product", &[product, ("SOUK_PRODUCT__PICTURES_DIR", "/shared")]), None);
        assert_eq!(folder("product", &[("SOUK_PRODUCT__STORE_URL", "sqlite:p.db")]), None);
        let notification = ("SOUK_NOTIFICATION__STORE_URL", "postgres://h/d");
        assert_eq!(folder("notification", &[notification]), Some("notification.mailbox-dir"));
        assert_eq!(folder("notification", &[notification, ("SOUK_NOTIFICATION__MAILBOX_DIR", "/shared")]), None);
        assert_eq!(folder("notification", &[notification, ("SOUK_NOTIFICATION__SMTP_URL", "smtp://mail")]), None);
    }
}
