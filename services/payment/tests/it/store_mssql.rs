//! A database for one test, on the SQL Server that `SOUK_TEST_MSSQL` names.
//!
//! `SOUK_TEST_MSSQL` is `mssql://user:password@host:port/master?…`; the user may create databases.

use souk_testkit::engine::{block_on, unique_name};
use tiberius::{AuthMethod, Client, Config, EncryptionLevel};
use tokio::net::TcpStream;
use tokio_util::compat::TokioAsyncWriteCompatExt;
use url::Url;

/// An empty database, dropped with this value.
pub struct Database {
    pub url: String,
    server: Url,
    name: String,
}

impl Database {
    /// Creates the database; `None` without `SOUK_TEST_MSSQL`.
    pub fn create() -> Option<Self> {
        let address = std::env::var("SOUK_TEST_MSSQL").ok().filter(|address| !address.is_empty())?;
        let server: Url = address.parse().unwrap();
        let name = unique_name();
        send(server.clone(), format!("CREATE DATABASE {name};"));
        let mut own = server.clone();
        own.set_path(&name);
        Some(Self { url: own.to_string(), server, name })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let name = &self.name;
        let end = format!("ALTER DATABASE {name} SET SINGLE_USER WITH ROLLBACK IMMEDIATE; DROP DATABASE {name};");
        if std::thread::panicking() {
            // A second panic while a failed test unwinds would abort the process, and with it the other tests; one on
            // a thread of its own does not.
            let server = self.server.clone();
            if std::thread::spawn(move || send(server, end)).join().is_err() {
                eprintln!("the database {name} of a failed test is left behind");
            }
            return;
        }
        send(self.server.clone(), end);
    }
}

fn send(server: Url, sql: String) {
    block_on(async move {
        let mut config = Config::new();
        config.host(server.host_str().unwrap());
        config.port(server.port().unwrap_or(1_433));
        let password = percent_encoding::percent_decode_str(server.password().unwrap_or_default());
        config.authentication(AuthMethod::sql_server(server.username(), password.decode_utf8().unwrap()));
        let is_set = |option: &str| server.query_pairs().any(|(key, value)| key == option && value == "true");
        config.encryption(if is_set("encrypt") { EncryptionLevel::Required } else { EncryptionLevel::Off });
        if is_set("trust_server_certificate") {
            config.trust_cert();
        }
        let stream = TcpStream::connect(config.get_addr()).await.unwrap();
        let mut client = Box::pin(Client::connect(config, stream.compat_write())).await.unwrap();
        client.simple_query(sql).await.unwrap().into_results().await.unwrap();
    });
}

#[test]
#[should_panic(expected = "the failure of the test")]
fn a_failed_test_whose_server_is_gone_does_not_abort_the_others() {
    let server = "mssql://sa:x@127.0.0.1:1".parse().unwrap();
    let _database = Database { url: String::new(), server, name: "t".to_owned() };
    panic!("the failure of the test");
}
