//! Addresses of engines: without their secrets, for messages, and probed for a listener.

use std::time::Duration;

const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Returns `scheme://host:port/path` of `url`, without user, password and options.
pub fn redacted(url: &str) -> String {
    if url.starts_with("sqlite:") {
        return url.split('?').next().unwrap_or(url).to_owned();
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        let scheme = url.split(':').next().unwrap_or_default();
        return if scheme == url { "an address without a scheme".to_owned() } else { format!("{scheme}:…") };
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let host_and_path = match rest.rsplit_once('@') {
        Some((_, host_and_path)) => host_and_path,
        None => rest,
    };
    // A password may hold '/', '?' and '@' unescaped: then the end of the password is ambiguous.
    if url.matches('@').count() > 1 || (url.contains('@') && !rest.contains('@')) {
        return format!("{scheme}://…");
    }
    format!("{scheme}://{host_and_path}")
}

/// Connects to the host and port of `url`. Drivers retry a refused connection for a while and then report only a
/// timeout; this returns the reason.
pub async fn probe(url: &str) -> std::io::Result<()> {
    // The driver refuses a malformed URL with a better message.
    let Ok(address) = url::Url::parse(url) else { return Ok(()) };
    let port = address.port().or(match address.scheme() {
        "postgres" | "postgresql" => Some(5432),
        "mysql" => Some(3306),
        "redis" | "rediss" => Some(6379),
        "mssql" => Some(1433),
        _ => None,
    });
    let (Some(host), Some(port)) = (address.host_str(), port) else { return Ok(()) };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    // Real time: the caller waits for the result.
    match tokio::time::timeout(PROBE_TIMEOUT, tokio::net::TcpStream::connect((host, port))).await {
        Ok(connected) => connected.map(drop),
        Err(_) => Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer to a connection attempt")),
    }
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn no_secret_is_shown() {
        for (url, shown) in [
            ("postgres://souk:geheim@db:5432/souk_order?sslmode=require", "postgres://db:5432/souk_order"),
            ("redis://:geheim@cache:6379/0?prefix=a:", "redis://cache:6379/0"),
            ("amqp://guest:guest@mq:5672/%2f", "amqp://mq:5672/%2f"),
            ("mysql://root@127.0.0.1:3306/x", "mysql://127.0.0.1:3306/x"),
            ("sqlite:data/order.db", "sqlite:data/order.db"),
            ("postgres://souk:gehe@im@db/x", "postgres://…"),
            ("postgres://souk:ge?heim@db/x", "postgres://…"),
            ("geheim", "an address without a scheme"),
        ] {
            assert_eq!(redacted(url), shown);
        }
    }
}
