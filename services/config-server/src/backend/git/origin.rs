//! A repository's URI: where it is, how it is shown, and who asks. Credentials are taken out of it at once.

use std::{fmt, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use souk_values::Secret;

use super::why;

/// Where a repository is.
#[derive(Clone)]
pub(super) struct Origin {
    pub place: Place,
    /// Without credentials.
    pub shown: String,
    pub credentials: Option<Credentials>,
}

#[derive(Debug, Clone)]
pub(super) enum Place {
    /// On this machine.
    Folder(PathBuf),
    /// Elsewhere; for HTTP without user and password.
    Remote(gix::Url),
}

#[derive(Debug, Clone)]
pub(super) struct Credentials {
    pub username: String,
    pub password: Secret,
}

impl Origin {
    /// `uri` with `configured` credentials, which win over those in it. Errors: it is no repository's, in a sentence
    /// without its text, which may hold a password.
    pub fn parse(uri: &str, configured: Option<Credentials>) -> Result<Self, String> {
        if let Some(path) = uri.strip_prefix("file:") {
            return Self::folder(uri, local_path(path)?);
        }
        let scheme = uri.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("http" | "https") => Self::http(uri, configured),
            Some("ssh" | "git") => Self::other(uri, configured),
            Some(_) => Err("its scheme is not one of file, http, https, ssh and git".to_owned()),
            None if is_user_at_host(uri) => Self::other(uri, configured),
            None if uri.is_empty() => Err("it is empty".to_owned()),
            None => Self::folder(uri, PathBuf::from(uri)),
        }
    }

    fn folder(uri: &str, path: PathBuf) -> Result<Self, String> {
        let path = std::path::absolute(path).map_err(|error| error.to_string())?;
        Ok(Self { place: Place::Folder(path), shown: uri.to_owned(), credentials: None })
    }

    fn http(uri: &str, configured: Option<Credentials>) -> Result<Self, String> {
        let mut url = parsed(uri)?;
        let (username, password) = (url.set_user(None), url.set_password(None));
        let in_uri =
            username.map(|username| Credentials { username, password: Secret::new(password.unwrap_or_default()) });
        let shown = url.to_bstring().to_string();
        let shown = shown.split(['?', '#']).next().unwrap_or_default().to_owned();
        Ok(Self { place: Place::Remote(url), shown, credentials: configured.or(in_uri) })
    }

    /// These know a user, but ask for no password: keys are the system's business.
    fn other(uri: &str, configured: Option<Credentials>) -> Result<Self, String> {
        let mut url = parsed(uri)?;
        if url.set_password(None).is_some() {
            return Err("a password is of no use for ssh and git; keys and agents are the system's".to_owned());
        }
        if let Some(credentials) = configured
            && url.scheme == gix::url::Scheme::Ssh
            && url.user().is_none()
        {
            url.set_user(Some(credentials.username));
        }
        Ok(Self { shown: url.to_bstring().to_string(), place: Place::Remote(url), credentials: None })
    }

    /// What is told to whoever asks at `asking`: nothing, when that is another host than the one meant.
    pub fn account_for(&self, asking: Option<&[u8]>) -> Option<gix::sec::identity::Account> {
        let Place::Remote(own) = &self.place else { return None };
        let asking = gix::url::parse(gix::bstr::BStr::new(asking?)).ok()?;
        let is_meant = asking.scheme == own.scheme
            && asking.host() == own.host()
            && asking.port_or_default() == own.port_or_default();
        let credentials = self.credentials.as_ref().filter(|_| is_meant)?;
        Some(gix::sec::identity::Account {
            username: credentials.username.clone(),
            password: credentials.password.expose().clone(),
            oauth_refresh_token: None,
        })
    }

    /// The header that tells who asks, for a remote without TLS.
    pub fn clear_text_authorization(&self) -> Option<String> {
        let Place::Remote(gix::Url { scheme: gix::url::Scheme::Http, .. }) = &self.place else { return None };
        let credentials = self.credentials.as_ref()?;
        let text = format!("{}:{}", credentials.username, credentials.password.expose());
        Some(format!("Authorization: Basic {}", STANDARD.encode(text)))
    }

    /// `text` without the password, should anything have put it there.
    pub fn without_password(&self, text: String) -> String {
        let password = self.credentials.as_ref().map(|credentials| credentials.password.expose().as_str());
        match password.filter(|password| !password.is_empty()) {
            Some(password) => text.replace(password, "(secret)"),
            None => text,
        }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// How a URI with placeholders is shown before it is known what they stand for.
pub(in super::super) fn shown(template: &str) -> String {
    let Some((scheme, rest)) = template.split_once("://") else { return template.to_owned() };
    if scheme.eq_ignore_ascii_case("ssh") {
        return template.to_owned();
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{}", path.split(['?', '#']).next().unwrap_or_default())
}

fn parsed(uri: &str) -> Result<gix::Url, String> {
    let url = gix::url::parse(uri)
        .map_err(|_| "it is no URI; a user's name or password in it must be percent-encoded".to_owned())?;
    if url.host().is_none_or(str::is_empty) {
        return Err("it names no host".to_owned());
    }
    Ok(url)
}

/// What follows `file:`.
fn local_path(after: &str) -> Result<PathBuf, String> {
    let path = match after.strip_prefix("//") {
        Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
        None => after,
    };
    let path = percent_decode_str(path).decode_utf8().map_err(|error| why(&error))?;
    if path.is_empty() { Err("it names no folder".to_owned()) } else { Ok(PathBuf::from(path.as_ref())) }
}

/// `user@host:path` or `host:path`: a colon before any slash.
fn is_user_at_host(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(host, path)| host.len() > 1 && !host.contains('/') && !path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(uri: &str) -> Origin {
        Origin::parse(uri, None).unwrap()
    }

    #[test]
    fn folders() {
        for uri in ["file:///srv/my%20repo", "file:/srv/my%20repo", "file://localhost/srv/my%20repo", "/srv/my repo"] {
            let origin = origin(uri);
            assert!(matches!(&origin.place, Place::Folder(path) if path == "/srv/my repo"), "{uri}: {origin:?}");
            assert_eq!(origin.shown, uri);
        }
    }

    #[test]
    fn credentials_leave_the_uri() {
        let origin = origin("https://joe:s%40crit@git.example.com:8443/a/b.git?token=s@crit");
        let credentials = origin.credentials.clone().unwrap();
        assert_eq!((credentials.username.as_str(), credentials.password.expose().as_str()), ("joe", "s@crit"));
        assert_eq!(origin.shown, "https://git.example.com:8443/a/b.git");
        for text in
            [format!("{origin:?}"), format!("{:?}", origin.place), origin.without_password("is s@crit".to_owned())]
        {
            assert!(!text.contains("crit") || text.contains("token="), "{text}");
        }
        assert_eq!(shown("https://joe:secret@host/{application}"), "https://host/{application}");
    }

    #[test]
    fn credentials_go_to_no_other_host() {
        let origin = origin("https://joe:secret@git.example.com/a");
        let asked = |url: &str| origin.account_for(Some(url.as_bytes())).is_some();
        assert!(asked("https://git.example.com/a") && asked("https://git.example.com:443/other"));
        for other in ["https://evil.example.com/a", "http://git.example.com/a", "https://git.example.com:444/a"] {
            assert!(!asked(other), "{other}");
        }
        assert!(origin.account_for(None).is_none());
    }

    #[test]
    fn other_schemes() {
        assert_eq!(origin("git@github.com:a/b.git").shown, "git@github.com:a/b.git");
        assert_eq!(origin("ssh://git@host/a").shown, "ssh://git@host/a");
        for wrong in ["ext::sh -c x", "ftp://host/a", "ext://x", "", "ssh://git:secret@host/a", "https://"] {
            let refused = Origin::parse(wrong, None);
            assert!(refused.as_ref().is_err_and(|error| !error.contains("secret")), "{wrong}: {refused:?}");
        }
    }
}
