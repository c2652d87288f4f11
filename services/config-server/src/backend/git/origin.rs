//! A repository's URI: the address, its displayed form, and the credentials, which are taken out of it immediately.

use std::{fmt, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use souk_values::{Secret, error_chain};

/// The address of a repository.
#[derive(Clone)]
pub(super) struct Origin {
    pub source: Source,
    /// The URI without credentials.
    pub display_uri: String,
    pub credentials: Option<Credentials>,
}

#[derive(Debug, Clone)]
pub(super) enum Source {
    /// A repository on this machine.
    Folder(PathBuf),
    /// A repository on another host; an HTTP URL is without user and password.
    Remote(gix::Url),
}

#[derive(Debug, Clone)]
pub(super) struct Credentials {
    pub username: String,
    pub password: Secret,
}

impl Origin {
    /// Parses `uri`. The `configured` credentials win over those in it.
    ///
    /// Errors: it is not the URI of a repository. The sentence does not quote it, because it may contain a password.
    pub fn parse(uri: &str, configured: Option<Credentials>) -> Result<Self, String> {
        if let Some(path) = uri.strip_prefix("file:") {
            return Self::folder(uri, local_path(path)?);
        }
        let scheme = uri.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("http" | "https") => Self::http(uri, configured),
            Some("ssh" | "git") => Self::ssh_or_git(uri, configured),
            Some(_) => Err("its scheme is not one of file, http, https, ssh and git".to_owned()),
            None if is_scp_like(uri) => Self::ssh_or_git(uri, configured),
            None if uri.is_empty() => Err("it is empty".to_owned()),
            None => Self::folder(uri, PathBuf::from(uri)),
        }
    }

    fn folder(uri: &str, path: PathBuf) -> Result<Self, String> {
        let path = std::path::absolute(path).map_err(|error| error.to_string())?;
        Ok(Self { source: Source::Folder(path), display_uri: uri.to_owned(), credentials: None })
    }

    fn http(uri: &str, configured: Option<Credentials>) -> Result<Self, String> {
        let mut url = parse_url(uri)?;
        let username = url.set_user(None);
        let password = url.set_password(None);
        let in_uri =
            username.map(|username| Credentials { username, password: Secret::new(password.unwrap_or_default()) });
        let display_uri = url.to_bstring().to_string();
        // A query may carry a token.
        let display_uri = display_uri.split(['?', '#']).next().unwrap_or_default().to_owned();
        Ok(Self { source: Source::Remote(url), display_uri, credentials: configured.or(in_uri) })
    }

    /// These schemes have a user, but no password: keys and agents belong to the system.
    fn ssh_or_git(uri: &str, configured: Option<Credentials>) -> Result<Self, String> {
        let mut url = parse_url(uri)?;
        if url.set_password(None).is_some() {
            return Err("a password is of no use for ssh and git; keys and agents are the system's".to_owned());
        }
        if let Some(credentials) = configured
            && url.scheme == gix::url::Scheme::Ssh
            && url.user().is_none()
        {
            url.set_user(Some(credentials.username));
        }
        Ok(Self { display_uri: url.to_bstring().to_string(), source: Source::Remote(url), credentials: None })
    }

    /// Returns the credentials for a server that requires them at `requesting`; `None` unless it is the host of this
    /// origin, so that a redirect cannot collect them.
    pub fn account_for(&self, requesting: Option<&[u8]>) -> Option<gix::sec::identity::Account> {
        let Source::Remote(own) = &self.source else { return None };
        let requesting = gix::url::parse(gix::bstr::BStr::new(requesting?)).ok()?;
        let is_own = requesting.scheme == own.scheme
            && requesting.host() == own.host()
            && requesting.port_or_default() == own.port_or_default();
        let credentials = self.credentials.as_ref().filter(|_| is_own)?;
        Some(gix::sec::identity::Account {
            username: credentials.username.clone(),
            password: credentials.password.expose().clone(),
            oauth_refresh_token: None,
        })
    }

    /// Returns the `Authorization` header for a remote without TLS; `None` for any other.
    pub fn clear_text_authorization(&self) -> Option<String> {
        let Source::Remote(gix::Url { scheme: gix::url::Scheme::Http, .. }) = &self.source else { return None };
        let credentials = self.credentials.as_ref()?;
        let text = format!("{}:{}", credentials.username, credentials.password.expose());
        Some(format!("Authorization: Basic {}", STANDARD.encode(text)))
    }

    /// Removes the password from `text`, in case a library has quoted it.
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
        f.write_str(&self.display_uri)
    }
}

/// Returns the displayed form of a configured URI, which may contain placeholders and so cannot be parsed yet.
pub(super) fn without_credentials(template: &str) -> String {
    let Some((scheme, rest)) = template.split_once("://") else { return template.to_owned() };
    if scheme.eq_ignore_ascii_case("ssh") {
        return template.to_owned();
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{}", path.split(['?', '#']).next().unwrap_or_default())
}

fn parse_url(uri: &str) -> Result<gix::Url, String> {
    let url = gix::url::parse(uri)
        .map_err(|_| "it is not a URI; a user name or password in it must be percent-encoded".to_owned())?;
    if url.host().is_none_or(str::is_empty) {
        return Err("it names no host".to_owned());
    }
    Ok(url)
}

/// Decodes the part of a `file:` URI after its scheme.
fn local_path(after: &str) -> Result<PathBuf, String> {
    let path = match after.strip_prefix("//") {
        Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
        None => after,
    };
    let path = percent_decode_str(path).decode_utf8().map_err(|error| error_chain(&error))?;
    if path.is_empty() { Err("it names no folder".to_owned()) } else { Ok(PathBuf::from(path.as_ref())) }
}

/// Recognises `user@host:path` and `host:path`: a colon before any slash.
fn is_scp_like(uri: &str) -> bool {
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
            assert!(matches!(&origin.source, Source::Folder(path) if path == "/srv/my repo"), "{uri}: {origin:?}");
            assert_eq!(origin.display_uri, uri);
        }
    }

    #[test]
    fn credentials_leave_the_uri() {
        let origin = origin("https://joe:s%40crit@git.example.com:8443/a/b.git?token=s@crit");
        let credentials = origin.credentials.clone().unwrap();
        assert_eq!((credentials.username.as_str(), credentials.password.expose().as_str()), ("joe", "s@crit"));
        assert_eq!(origin.display_uri, "https://git.example.com:8443/a/b.git");
        for text in
            [format!("{origin:?}"), format!("{:?}", origin.source), origin.without_password("is s@crit".to_owned())]
        {
            assert!(!text.contains("crit") || text.contains("token="), "{text}");
        }
        assert_eq!(without_credentials("https://joe:secret@host/{application}"), "https://host/{application}");
    }

    #[test]
    fn credentials_go_to_no_other_host() {
        let origin = origin("https://joe:secret@git.example.com/a");
        let has_account = |url: &str| origin.account_for(Some(url.as_bytes())).is_some();
        assert!(has_account("https://git.example.com/a") && has_account("https://git.example.com:443/other"));
        for other in ["https://evil.example.com/a", "http://git.example.com/a", "https://git.example.com:444/a"] {
            assert!(!has_account(other), "{other}");
        }
        assert!(origin.account_for(None).is_none());
    }

    #[test]
    fn other_schemes() {
        assert_eq!(origin("git@github.com:a/b.git").display_uri, "git@github.com:a/b.git");
        assert_eq!(origin("ssh://git@host/a").display_uri, "ssh://git@host/a");
        for wrong in ["ext::sh -c x", "ftp://host/a", "ext://x", "", "ssh://git:secret@host/a", "https://"] {
            let refused = Origin::parse(wrong, None);
            assert!(refused.as_ref().is_err_and(|error| !error.contains("secret")), "{wrong}: {refused:?}");
        }
    }
}
