//! Checks how well secrets are kept: examples that were left in place, open servers, connections between machines without
//! TLS, and files that others may read.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use souk_kit::{config::Sources, environment};

use super::finding::{Finding, State};
use crate::{
    address,
    services::with_store,
    settings::{DISCOVERY_URL, Settings},
    sqlite_file,
};

/// Parts of secrets that are printed in documents and examples. The keys in `config-repo/` are made of them.
const EXAMPLES: [&str; 6] =
    ["example", "development secret", "changeme", "change-me", "souk-example-key", "your-secret"];
/// Length below which a secret between services can be guessed.
const SHORTEST: usize = 16;

/// Secrets by section and key.
const SECRETS: [(&str, &str); 7] = [
    ("shop", "service_secret"),
    ("auth", "operator_secret"),
    ("auth", "admin_password"),
    ("config_server", "encrypt.key"),
    ("config_server", "security.password"),
    ("discovery", "security.password"),
    ("payment", "sandbox_webhook_secret"),
];

/// Settings that open a server which has no credentials.
const OPENINGS: [(&str, &str); 3] =
    [("discovery", "insecure"), ("config_server", "insecure"), ("gateway", "management_insecure")];

pub fn check(settings: &Settings) -> Vec<Finding> {
    let sources = settings.sources();
    // A developer's own shop may do with examples.
    let public = sources.text("shop", "public_url").and_then(|text| url::Url::parse(&text).ok());
    let is_public = public.and_then(|url| url.host_str().map(is_this_machine)).is_some_and(|is_local| !is_local);
    let mut findings = examples(sources, is_public);
    findings.extend(open_servers(sources));
    findings.extend(addresses(settings).iter().flat_map(|(name, url)| check_address(name, url)));
    findings.extend(files(settings).iter().filter_map(|file| check_file(file)));
    if findings.is_empty() {
        findings.push(Finding::good(
            "secrets",
            "",
            "no example, open server, bare connection or readable file was found",
        ));
    }
    findings
}

fn dotted(section: &str, key: &str) -> String {
    format!("{section}.{key}").replace('_', "-")
}

fn examples(sources: &Sources, is_public: bool) -> Vec<Finding> {
    let set = SECRETS.iter().filter_map(|(section, key)| Some((section, key, sources.text(section, key)?)));
    set.filter(|(.., value)| !value.is_empty())
        .filter_map(|(section, key, value)| {
            let name = dotted(section, key);
            let advice = "choose a random one, such as 'openssl rand -hex 32', for all services that share it";
            if is_example(&value) {
                let state = if is_public { State::Wrong } else { State::Warning };
                let finding = Finding::wrong("secrets", name, "it is a public example").with_advice(advice);
                return Some(Finding { state, ..finding });
            }
            let is_short = value.chars().count() < SHORTEST && *key != "admin_password";
            is_short.then(|| {
                Finding::warning("secrets", name, format!("it has fewer than {SHORTEST} characters"))
                    .with_advice(advice)
            })
        })
        .collect()
}

fn is_example(value: &str) -> bool {
    let value = value.to_lowercase();
    EXAMPLES.iter().any(|example| value.contains(example))
}

fn open_servers(sources: &Sources) -> Vec<Finding> {
    let is_open = |(section, key): &&(&str, &str)| sources.text(section, key).is_some_and(|text| text == "true");
    let opened = OPENINGS.iter().filter(is_open).map(|(section, key)| {
        let message = "it answers everyone in its network, without credentials";
        let advice =
            "unset it and configure user and password, or keep its network closed to all but the shop's processes";
        Finding::warning("secrets", dotted(section, key), message).with_advice(advice)
    });
    opened.collect()
}

/// Returns what connects this shop to other machines, with a name for each.
fn addresses(settings: &Settings) -> Vec<(String, String)> {
    let sources = settings.sources();
    let mut found: Vec<(String, String)> = with_store()
        .filter_map(|service| Some((format!("{}.store-url", service.name), settings.store_url(service.name).ok()?)))
        .collect();
    for (section, key) in
        [("bus", "url"), ("gateway", "redis_url"), ("notification", "smtp_url"), ("payment", "sandbox_ledger_url")]
    {
        found.extend(sources.text(section, key).map(|url| (dotted(section, key), url)));
    }
    for (name, urls) in sources.texts("services") {
        found.extend(urls.split(',').map(|url| (format!("services.{name}"), url.trim().to_owned())));
    }
    if settings.is_distributed() {
        for variable in ["SOUK_CONFIG_URL", DISCOVERY_URL] {
            let urls = environment::variable(variable).unwrap_or_default();
            found.extend(urls.split(',').map(|url| (variable.to_owned(), url.trim().to_owned())));
        }
    }
    found.retain(|(_, url)| !url.is_empty());
    found
}

fn check_address(name: &str, url: &str) -> Vec<Finding> {
    let Ok(parsed) = url::Url::parse(url) else { return Vec::new() };
    let shown = address::redacted(url);
    let password =
        parsed.password().map(|text| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned());
    let mut findings = Vec::new();
    let is_remote = parsed.host_str().is_some_and(|host| !is_this_machine(host));
    if password.as_deref().is_some_and(is_example) || (is_remote && parsed.username() == "guest") {
        let advice = "give the server a password of its own, and name it in the URL";
        findings
            .push(Finding::wrong("secrets", name, format!("{shown} has an example's password")).with_advice(advice));
    }
    if is_remote && !has_tls(&parsed) {
        let message =
            format!("{shown} is reached without TLS: whoever is on the way reads and changes what it carries");
        findings.push(Finding::warning("secrets", name, message).with_advice(tls_advice(parsed.scheme())));
    }
    findings
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// True if the connection is encrypted whatever the server says.
fn has_tls(url: &url::Url) -> bool {
    let option = |names: [&str; 2]| {
        let found = url.query_pairs().find(|(key, _)| names.contains(&key.as_ref()));
        found.map(|(_, value)| value.to_lowercase().replace('_', "-"))
    };
    match url.scheme() {
        "https" | "rediss" | "amqps" | "smtps" | "sqlite" | "file" => true,
        "postgres" | "postgresql" => option(["sslmode", "ssl-mode"])
            .is_some_and(|mode| ["require", "verify-ca", "verify-full"].contains(&mode.as_str())),
        "mysql" => option(["ssl-mode", "sslmode"])
            .is_some_and(|mode| ["required", "verify-ca", "verify-identity"].contains(&mode.as_str())),
        "smtp" => option(["tls", "tls"]).is_some_and(|tls| tls == "required"),
        // The driver always encrypts SQL Server's connections, unless configured otherwise.
        "mssql" | "sqlserver" => option(["encrypt", "encrypt"]).is_none_or(|encrypt| encrypt != "false"),
        _ => false,
    }
}

fn tls_advice(scheme: &str) -> &'static str {
    match scheme {
        "postgres" | "postgresql" => "add sslmode=verify-full to the URL, or keep the network between them closed",
        "mysql" => "add ssl-mode=verify_identity to the URL, or keep the network between them closed",
        "redis" => "use rediss://, or keep the network between them closed",
        "amqp" => "use amqps://, or keep the network between them closed",
        "smtp" => "add tls=required to the URL, or use smtps://",
        _ => "put them into one closed network, or behind proxies that speak TLS to one another",
    }
}

/// Returns the files of this machine that hold secrets.
fn files(settings: &Settings) -> Vec<PathBuf> {
    let stores = with_store().filter_map(|service| settings.store_url(service.name).ok());
    let mut files: Vec<PathBuf> = stores.filter_map(|url| sqlite_file::path_of(&url)).collect();
    if let Some(folder) = settings.folder() {
        files.extend(folder.secret_files());
    }
    files.sort();
    files.dedup();
    files
}

/// Returns a finding if anyone but its owner may read the file: it and all folders up to the first closed one are open.
fn check_file(file: &Path) -> Option<Finding> {
    let mode = |path: &Path| std::fs::metadata(path).ok().map(|metadata| metadata.permissions().mode());
    let of_file = mode(file)?;
    let folder = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_readable = of_file & 0o044 != 0 && mode(folder).is_none_or(|mode| mode & 0o011 != 0);
    is_readable.then(|| {
        let message = format!("others on this machine may read it (mode {:03o})", of_file & 0o777);
        let advice = format!("chmod 600 {}", file.display());
        Finding::wrong("secrets", file.display().to_string(), message).with_advice(advice)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(pairs: &[(&str, &str)]) -> Sources {
        Sources::default().with_env(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())))
    }

    #[test]
    fn examples_and_short_secrets_are_found_and_never_shown() {
        let sources = sources(&[
            ("SOUK_SHOP__SERVICE_SECRET", "example-service-secret"),
            ("SOUK_AUTH__OPERATOR_SECRET", "geheim"),
            ("SOUK_CONFIG_SERVER__ENCRYPT__KEY", "souk-example-key"),
            ("SOUK_DISCOVERY__SECURITY__PASSWORD", "0123456789abcdef0123456789abcdef"),
        ]);
        let found = examples(&sources, true);
        let states: Vec<_> = found.iter().map(|finding| (finding.address.as_str(), finding.state)).collect();
        let wanted = [
            ("shop.service-secret", State::Wrong),
            ("auth.operator-secret", State::Warning),
            ("config-server.encrypt.key", State::Wrong),
        ];
        assert_eq!(states, wanted);
        assert!(!format!("{found:?}").contains("geheim"));
        let at_home = examples(&sources, false);
        assert!(at_home.iter().all(|finding| finding.state == State::Warning), "{at_home:?}");
    }

    #[test]
    fn open_servers_are_found() {
        let opened = open_servers(&sources(&[
            ("SOUK_GATEWAY__MANAGEMENT_INSECURE", "true"),
            ("SOUK_DISCOVERY__INSECURE", "false"),
        ]));
        assert_eq!(
            opened.iter().map(|finding| finding.address.as_str()).collect::<Vec<_>>(),
            ["gateway.management-insecure"]
        );
    }

    #[test]
    fn connections_between_machines_need_tls_and_a_password_of_their_own() {
        let states = |url: &str| check_address("x", url).iter().map(|finding| finding.state).collect::<Vec<_>>();
        for url in [
            "sqlite:auth.db",
            "postgres://souk:a-long-one@127.0.0.1:5432/a",
            "amqp://guest:guest@localhost:5672/%2f",
            "postgres://souk:a-long-one@db:5432/a?sslmode=verify-full",
            "mysql://souk:a-long-one@db:3306/a?ssl-mode=VERIFY_IDENTITY",
            "rediss://:a-long-one@cache:6379",
            "amqps://souk:a-long-one@mq:5671/%2f",
            "smtp://u:p@mail:587?tls=required",
            "mssql://souk:a-long-one@db:1433",
            "http://[::1]:8081",
        ] {
            assert!(states(url).is_empty(), "{url}");
        }
        for url in [
            "postgres://souk:a-long-one@db:5432/a?sslmode=prefer",
            "mysql://souk@db:3306/a",
            "redis://cache:6379",
            "amqp://souk:a-long-one@mq:5672/%2f",
            "smtp://mail:25",
            "http://10.0.0.7:8081",
        ] {
            assert_eq!(states(url), [State::Warning], "{url}");
        }
        assert_eq!(states("rediss://:example-redis@cache:6379"), [State::Wrong]);
        assert_eq!(states("amqps://guest:guest@mq:5671"), [State::Wrong]);
    }

    #[test]
    fn a_file_is_open_if_its_folder_is_too() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets.json");
        std::fs::write(&file, "{}").unwrap();
        let set = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        for (of_folder, of_file, is_found) in
            [(0o755, 0o644, true), (0o755, 0o640, true), (0o755, 0o600, false), (0o700, 0o644, false)]
        {
            set(folder.path(), of_folder);
            set(&file, of_file);
            assert_eq!(check_file(&file).is_some(), is_found, "{of_folder:o} {of_file:o}");
        }
        assert_eq!(check_file(&folder.path().join("absent")), None);
    }
}
