//! Addresses: as they may be shown, without user, password and options; and whether anything is there.

use std::time::Duration;

/// How long a connection attempt may take.
const KNOCK: Duration = Duration::from_secs(2);

/// `scheme://host:port/path` of `url`; a file's URL as it is.
pub fn shown(url: &str) -> String {
    if url.starts_with("sqlite:") {
        return url.split('?').next().unwrap_or(url).to_owned();
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        let scheme = url.split(':').next().unwrap_or_default();
        return if scheme == url { "an address without a scheme".to_owned() } else { format!("{scheme}:…") };
    };
    // A password may hold '/', '?' and '@' unescaped; then nothing but the scheme is sure.
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let place = match rest.rsplit_once('@') {
        Some((_, place)) => place,
        None => rest,
    };
    if url.matches('@').count() > 1 || (url.contains('@') && !rest.contains('@')) {
        return format!("{scheme}://…");
    }
    format!("{scheme}://{place}")
}

/// Whether anything listens at the host and port of `url`. Drivers try a refused connection again for a while,
/// and then say only that it took too long; this says why.
pub async fn knock(url: &str) -> std::io::Result<()> {
    // What cannot be read is for the driver to refuse, in its own words.
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
    // Real time: who asks this waits for the answer.
    match tokio::time::timeout(KNOCK, tokio::net::TcpStream::connect((host, port))).await {
        Ok(connected) => connected.map(drop),
        Err(_) => Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer to a connection attempt")),
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn nothing_secret_is_shown() {
        for (url, as_shown) in [
            ("postgres://souk:geheim@db:5432/souk_order?sslmode=require", "postgres://db:5432/souk_order"),
            ("redis://:geheim@cache:6379/0?prefix=a:", "redis://cache:6379/0"),
            ("amqp://guest:guest@mq:5672/%2f", "amqp://mq:5672/%2f"),
            ("mysql://root@127.0.0.1:3306/x", "mysql://127.0.0.1:3306/x"),
            ("sqlite:data/order.db", "sqlite:data/order.db"),
            ("postgres://souk:gehe@im@db/x", "postgres://…"),
            ("postgres://souk:ge?heim@db/x", "postgres://…"),
            ("geheim", "an address without a scheme"),
        ] {
            assert_eq!(shown(url), as_shown);
        }
    }
}
