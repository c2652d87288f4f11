//! Address of a SQL Server database: `mssql://user:password@host:port/database?encrypt=true`.

use percent_encoding::percent_decode_str;
use souk_sql::SqlError;
use souk_values::Secret;
use tiberius::{AuthMethod, Config, EncryptionLevel};
use url::Url;

const DEFAULT_PORT: u16 = 1_433;
const DEFAULT_CONNECTIONS: u32 = 8;

/// Address and credentials of a database, and the options of its connections.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
    pub password: Secret,
    pub encryption: Encryption,
    pub trusts_certificate: bool,
    pub connections: u32,
}

/// Extent of the encryption by TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    All,
    /// The login; requests and responses are sent in the clear.
    Login,
    /// None, for the fake servers of tests, which speak no TLS.
    #[cfg(test)]
    Nothing,
}

impl Address {
    /// Parses a URL. Errors never contain it, because it contains the password.
    pub fn parse(text: &str) -> Result<Self, SqlError> {
        let url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
        if url.scheme() != "mssql" {
            return Err(invalid("it does not start with mssql://"));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| invalid("it names no host"))?;
        let database = decoded(url.path().trim_start_matches('/'), "database")?;
        if database.is_empty() || database.contains('/') {
            return Err(invalid("it names no database: mssql://user:password@host:port/database"));
        }
        let user = decoded(url.username(), "user")?;
        if user.is_empty() {
            return Err(invalid("it names no user"));
        }
        let password = decoded(url.password().unwrap_or_default(), "password")?;
        let mut address = Self {
            // The brackets of an IPv6 address belong to the URL.
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port().unwrap_or(DEFAULT_PORT),
            database,
            user,
            password: Secret::new(password),
            encryption: Encryption::All,
            trusts_certificate: false,
            connections: DEFAULT_CONNECTIONS,
        };
        for (key, value) in url.query_pairs() {
            address.set(&key, &value)?;
        }
        Ok(address)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), SqlError> {
        match key {
            "encrypt" => {
                self.encryption = if yes_or_no(key, value)? { Encryption::All } else { Encryption::Login };
            }
            "trust_server_certificate" => self.trusts_certificate = yes_or_no(key, value)?,
            "connections" => {
                let count = value.parse().ok().filter(|count| (1..=1_000).contains(count));
                self.connections = count.ok_or_else(|| invalid("connections is not a number from 1 to 1000"))?;
            }
            _ => {
                return Err(invalid("a parameter is not one of encrypt, trust_server_certificate and connections"));
            }
        }
        Ok(())
    }

    pub fn config(&self) -> Config {
        let mut config = Config::new();
        config.host(&self.host);
        config.port(self.port);
        config.database(&self.database);
        config.application_name("souk-payment");
        config.authentication(AuthMethod::sql_server(&self.user, self.password.expose()));
        config.encryption(match self.encryption {
            Encryption::All => EncryptionLevel::Required,
            Encryption::Login => EncryptionLevel::Off,
            #[cfg(test)]
            Encryption::Nothing => EncryptionLevel::NotSupported,
        });
        if self.trusts_certificate {
            config.trust_cert();
        }
        config
    }
}

fn yes_or_no(key: &str, value: &str) -> Result<bool, SqlError> {
    value.parse().map_err(|_| invalid(&format!("{key} is neither true nor false")))
}

fn decoded(text: &str, what: &str) -> Result<String, SqlError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| invalid(&format!("its {what} is not UTF-8")))
}

fn invalid(why: &str) -> SqlError {
    SqlError::Failed(format!("the address of the SQL Server is invalid: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_an_address_is_read() {
        let address = Address::parse(
            "mssql://shop:p%40ss%2Fw%3Ard@db.example:1444/souk_payment?encrypt=false&trust_server_certificate=true&connections=3",
        )
        .unwrap();
        assert_eq!((address.host.as_str(), address.port), ("db.example", 1444));
        assert_eq!((address.user.as_str(), address.database.as_str()), ("shop", "souk_payment"));
        assert_eq!(address.password.expose(), "p@ss/w:rd");
        assert_eq!(address.encryption, Encryption::Login);
        assert!(address.trusts_certificate);
        assert_eq!(address.connections, 3);
        assert_eq!(address.config().get_addr(), "db.example:1444");
    }

    #[test]
    fn connections_are_encrypted_and_verified_by_default() {
        let address = Address::parse("mssql://sa:x@[::1]/souk").unwrap();
        assert_eq!((address.host.as_str(), address.port, address.connections), ("::1", 1433, 8));
        assert_eq!(address.encryption, Encryption::All);
        assert!(!address.trusts_certificate);
    }

    #[test]
    fn an_invalid_address_is_refused_without_being_repeated() {
        for wrong in [
            "mssql://",
            "mssql:///souk",
            "mssql://sa:hunter2@host",
            "mssql://sa:hunter2@host/",
            "mssql://sa:hunter2@host/a/b",
            "mssql://:hunter2@host/souk",
            "mssql://sa:hunter2@host:99999/souk",
            "mssql://sa:hunter2@host/souk?encrypt=yes",
            "mssql://sa:hunter2@host/souk?password=hunter2",
            "mssql://sa:hunter2@host/souk?connections=0",
            "mssql://sa:hunter2%ff@host/souk",
            "postgres://sa:hunter2@host/souk",
        ] {
            let error = Address::parse(wrong).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        let address = Address::parse("mssql://sa:hunter2@host/souk").unwrap();
        assert!(!format!("{address:?}").contains("hunter2"));
    }
}
