//! Remedies for engines that answer and refuse: what to do about each refusal, with the engine's own commands.

use percent_encoding::percent_decode_str;

/// Returns the remedy for `text`, with which the engine at `url` refused the service; `None` when it is no refusal of a
/// user, a database or a certificate.
pub fn of_store(url: &str, text: &str) -> Option<String> {
    let login = Login::of(url);
    match url.split(':').next().unwrap_or_default() {
        "postgres" | "postgresql" => of_postgres(&login, text),
        "mysql" => of_mysql(&login, text),
        "mssql" => of_mssql(&login, text),
        "redis" | "rediss" => of_redis(&login, text),
        _ => None,
    }
}

/// User and database, or virtual host, that a URL names; neither is a secret.
struct Login {
    user: String,
    database: String,
}

impl Login {
    fn of(url: &str) -> Self {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let Ok(url) = url::Url::parse(url) else { return Self { user: String::new(), database: String::new() } };
        Self { user: decoded(url.username()), database: decoded(url.path().trim_start_matches('/')) }
    }
}

/// Matches SQLSTATEs, since a server may send its texts in another language.
fn of_postgres(Login { user, database }: &Login, text: &str) -> Option<String> {
    if text.contains("SQLSTATE 3D000") {
        return Some(format!(
            "the database does not exist: create it with CREATE DATABASE \"{database}\" OWNER \"{user}\""
        ));
    }
    if text.contains("SQLSTATE 28P01") {
        return Some(format!(
            "the user or the password is wrong: correct store-url (special characters are percent-encoded), or set the \
             password with ALTER ROLE \"{user}\" PASSWORD '…'"
        ));
    }
    if text.contains("SQLSTATE 28000") && text.contains("pg_hba.conf") {
        return Some(format!("pg_hba.conf of the server does not admit {user} from this machine: add a line for it"));
    }
    if text.contains("SQLSTATE 28000") {
        return Some(format!(
            "the role does not exist or may not log in: correct the user in store-url, or create the role with \
             CREATE ROLE \"{user}\" LOGIN PASSWORD '…'"
        ));
    }
    if text.contains("SQLSTATE 42501") {
        return Some(format!(
            "the role may not use the database: GRANT ALL ON DATABASE \"{database}\" TO \"{user}\", or make it the owner"
        ));
    }
    is_untrusted_certificate(text).then(|| {
        "the server's certificate is not trusted: name its CA with sslrootcert=FILE in store-url; sslmode=require \
         encrypts without a check, for a network that you trust"
            .to_owned()
    })
}

/// Matches error numbers as the driver writes them: `1045 (28000): Access denied …`.
fn of_mysql(Login { user, database }: &Login, text: &str) -> Option<String> {
    if text.contains("1049 (") {
        return Some(format!(
            "the database does not exist: create it with CREATE DATABASE `{database}`, then \
             GRANT ALL ON `{database}`.* TO '{user}'"
        ));
    }
    if text.contains("1045 (") {
        return Some(format!(
            "the user or the password is wrong, or the user may not log in from this machine: correct store-url \
             (special characters are percent-encoded), or create the user with \
             CREATE USER '{user}'@'%' IDENTIFIED BY '…'"
        ));
    }
    if text.contains("1698 (") {
        return Some(format!(
            "the server admits '{user}' by its socket only: use a user with a password, such as \
             CREATE USER 'souk'@'%' IDENTIFIED BY '…'"
        ));
    }
    if text.contains("1044 (") {
        return Some(format!("the user may not use the database: GRANT ALL ON `{database}`.* TO '{user}'"));
    }
    is_untrusted_certificate(text).then(|| {
        "the server's certificate is not trusted: name its CA with ssl-ca=FILE in store-url; ssl-mode=required \
         encrypts without a check, for a network that you trust"
            .to_owned()
    })
}

/// Matches the numbers that payment's store appends to the server's texts.
fn of_mssql(Login { user, database }: &Login, text: &str) -> Option<String> {
    if text.contains("(error 18456)") {
        return Some(format!(
            "the user or the password is wrong: correct store-url (special characters are percent-encoded), or set the \
             password with ALTER LOGIN [{user}] WITH PASSWORD = '…'. The server's error log has the reason, as a state"
        ));
    }
    if text.contains("(error 4060)") {
        return Some(format!(
            "the database does not exist, or the login may not open it: create it with CREATE DATABASE [{database}], \
             then in it CREATE USER [{user}] FOR LOGIN [{user}], and add the user to the roles db_datareader, \
             db_datawriter and db_ddladmin"
        ));
    }
    is_untrusted_certificate(text).then(|| {
        "the server's certificate is not trusted: install its CA on this machine, or name its file with the variable \
         SSL_CERT_FILE, and use a host that the certificate names. On a network that you trust, \
         trust_server_certificate=true in store-url turns the check off"
            .to_owned()
    })
}

fn of_redis(Login { user, .. }: &Login, text: &str) -> Option<String> {
    if text.contains("NOAUTH") {
        return Some("the server requires a password: put it into store-url, redis://:PASSWORD@HOST:PORT/0".to_owned());
    }
    // The driver replaces the server's WRONGPASS by a text of its own.
    if text.contains("WRONGPASS") || text.contains("AuthenticationFailed") {
        let user = if user.is_empty() { "default" } else { user };
        return Some(format!(
            "the user or the password is wrong: correct store-url (special characters are percent-encoded), or read the \
             server's requirepass and ACL GETUSER {user}"
        ));
    }
    text.contains("NOPERM").then(|| {
        format!(
            "the user may not run these commands: ACL SETUSER {user} ~PREFIX* +@all -@admin on the server, then retry"
        )
    })
}

/// Returns the remedy for `text`, with which the broker at `url` refused the connection, likewise.
pub fn of_broker(url: &str, text: &str) -> Option<String> {
    let Login { user, database: vhost } = Login::of(url);
    let vhost = if vhost.is_empty() { "/".to_owned() } else { vhost };
    let permissions = format!("rabbitmqctl set_permissions -p '{vhost}' '{user}' '.*' '.*' '.*'");
    if text.contains("ACCESS_REFUSED") && text.contains("Login was refused") {
        return Some(format!(
            "the user or the password is wrong: correct bus.url (special characters are percent-encoded), or set the \
             password with rabbitmqctl change_password '{user}'. The user guest may log in from the broker's own \
             machine only"
        ));
    }
    if text.contains("NOT_ALLOWED") && text.contains("not found") {
        return Some(format!(
            "the virtual host does not exist: correct the path of bus.url, or create it with rabbitmqctl add_vhost \
             '{vhost}' and {permissions}"
        ));
    }
    let is_refused = text.contains("ACCESS_REFUSED") || (text.contains("NOT_ALLOWED") && text.contains("refused"));
    if is_refused {
        return Some(format!("the user lacks permissions in the virtual host: {permissions}"));
    }
    is_untrusted_certificate(text).then(|| {
        "the broker's certificate is not trusted: install its CA on this machine, and use a host that it names"
            .to_owned()
    })
}

/// True for the texts with which the drivers' TLS library refuses a certificate.
fn is_untrusted_certificate(text: &str) -> bool {
    ["invalid peer certificate", "certificate was rejected", "UnknownIssuer", "NotValidForName"]
        .iter()
        .any(|refusal| text.contains(refusal))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Refusals in the engines' own words, each with a part of its remedy.
    #[test]
    fn each_refusal_has_its_remedy() {
        let postgres = "postgres://shop:geheim@db/souk_order";
        let mysql = "mysql://shop:geheim@db/souk_product";
        let sql_server = "mssql://shop:geheim@db/souk_payment";
        let redis = "redis://shop:geheim@cache/0";
        for (url, text, expected) in [
            (postgres, "password authentication failed for user \"shop\" (SQLSTATE 28P01)", "ALTER ROLE \"shop\""),
            (postgres, "role \"shop\" does not exist (SQLSTATE 28000)", "CREATE ROLE \"shop\" LOGIN"),
            (postgres, "no pg_hba.conf entry for host \"10.0.0.7\" (SQLSTATE 28000)", "add a line"),
            (
                postgres,
                "database \"souk_order\" does not exist (SQLSTATE 3D000)",
                "CREATE DATABASE \"souk_order\" OWNER",
            ),
            (postgres, "Datenbank »souk_order« existiert nicht (SQLSTATE 3D000)", "CREATE DATABASE"),
            (postgres, "permission denied for database souk_order (SQLSTATE 42501)", "GRANT ALL ON DATABASE"),
            (postgres, "invalid peer certificate: UnknownIssuer", "sslrootcert"),
            (mysql, "1045 (28000): Access denied for user 'shop'@'10.0.0.7'", "CREATE USER 'shop'"),
            (mysql, "1049 (42000): Unknown database 'souk_product'", "CREATE DATABASE `souk_product`"),
            (mysql, "1044 (42000): Access denied for user 'shop'@'%' to database 'souk_product'", "GRANT ALL"),
            (mysql, "1698 (28000): Access denied for user 'root'@'localhost'", "socket only"),
            (sql_server, "Login failed for user 'shop'. (error 18456)", "ALTER LOGIN [shop]"),
            (
                sql_server,
                "Cannot open database \"souk_payment\" requested by the login. (error 4060)",
                "CREATE DATABASE [",
            ),
            (
                sql_server,
                "the server's certificate was rejected during the TLS handshake: …",
                "trust_server_certificate",
            ),
            (redis, "\"NOAUTH\": Authentication required.", "redis://:PASSWORD@"),
            (redis, "Password authentication failed - AuthenticationFailed", "ACL GETUSER shop"),
            (redis, "\"WRONGPASS\": invalid username-password pair", "ACL GETUSER shop"),
            (redis, "\"NOPERM\": User shop has no permissions", "ACL SETUSER shop"),
        ] {
            let remedy = of_store(url, text).unwrap_or_default();
            assert!(remedy.contains(expected), "{text}: {remedy}");
            assert!(!remedy.contains("geheim"));
        }
    }

    #[test]
    fn each_refusal_of_the_broker_has_its_remedy() {
        let url = "amqp://shop:geheim@mq:5672/%2fshop";
        for (text, expected) in [
            ("ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN.", "change_password 'shop'"),
            ("NOT_ALLOWED - vhost /shop not found", "add_vhost '/shop' and rabbitmqctl set_permissions -p '/shop'"),
            ("NOT_ALLOWED - access to vhost '/shop' refused for user 'shop'", "lacks permissions"),
            ("ACCESS_REFUSED - configure access to exchange 'souk' in vhost '/' refused", "lacks permissions"),
        ] {
            let remedy = of_broker(url, text).unwrap_or_default();
            assert!(remedy.contains(expected), "{text}: {remedy}");
            assert!(!remedy.contains("geheim"));
        }
        assert_eq!(Login::of("amqp://guest@mq").database, "");
    }

    #[test]
    fn other_errors_have_none() {
        for url in ["postgres://db/x", "mysql://db/x", "mssql://db/x", "redis://db/0", "sqlite:x.db"] {
            assert_eq!(of_store(url, "Connection refused (os error 111)"), None);
        }
        assert_eq!(of_broker("amqp://mq", "IO error: Connection refused (os error 111)"), None);
    }
}
