//! A RabbitMQ of a test's own, for tests that stop it.

use std::{net::TcpListener as Free, path::PathBuf, process::Stdio, time::Duration};

use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

/// How long it may take to answer on its port.
const START: Duration = Duration::from_secs(60);

/// A broker on a free port. It is killed when this is dropped.
#[derive(Debug)]
pub struct Broker {
    folder: TempDir,
    port: u16,
    distribution: u16,
    process: Option<Child>,
}

impl Broker {
    /// Starts a new, empty broker, and waits until it answers.
    pub async fn start() -> Self {
        let mut broker =
            Self { folder: tempfile::tempdir().unwrap(), port: free_port(), distribution: free_port(), process: None };
        broker.resume().await;
        broker
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    /// Starts it again with everything it had stored.
    pub async fn resume(&mut self) {
        assert!(self.process.is_none(), "it runs");
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let child = Command::new(program())
            // Its own node, files and ports; nothing of a broker that runs on this machine.
            .env("RABBITMQ_NODENAME", format!("souk{}@localhost", self.port))
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_DIST_PORT", self.distribution.to_string())
            .env("RABBITMQ_MNESIA_BASE", at("mnesia"))
            .env("RABBITMQ_LOG_BASE", at("logs"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("plugins"))
            .env("RABBITMQ_CONFIG_FILE", at("rabbitmq"))
            .env("RABBITMQ_PID_FILE", at("pid"))
            .env("HOME", self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("rabbitmq-server cannot be started: {error}"));
        self.process = Some(child);
        let answers = async {
            while !self.answers().await {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let waited = tokio::time::timeout(START, answers).await;
        assert!(waited.is_ok(), "{}", std::fs::read_to_string(self.folder.path().join("log")).unwrap());
    }

    /// Whether it speaks AMQP: it answers a wrong greeting with the right one.
    async fn answers(&self) -> bool {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let asking = async {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            stream.write_all(b"AMQP\x00\x00\x00\x00").await?;
            let mut greeting = [0; 4];
            stream.read_exact(&mut greeting).await?;
            Ok::<_, std::io::Error>(&greeting == b"AMQP")
        };
        matches!(tokio::time::timeout(Duration::from_secs(1), asking).await, Ok(Ok(true)))
    }

    /// Stops it at once, as a pulled plug does.
    pub async fn kill(&mut self) {
        let mut process = self.process.take().expect("it does not run");
        let group = process.id().unwrap();
        // The server is a script with the virtual machine below it: all of its group goes.
        let killed = Command::new("kill").args(["-9", "--", &format!("-{group}")]).status().await.unwrap();
        assert!(killed.success());
        process.wait().await.unwrap();
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(group) = self.process.as_ref().and_then(Child::id) {
            let _ = std::process::Command::new("kill").args(["-9", "--", &format!("-{group}")]).status();
        }
    }
}

/// The server itself rather than Debian's wrapper, which would change to another user.
fn program() -> PathBuf {
    let direct = PathBuf::from("/usr/lib/rabbitmq/bin/rabbitmq-server");
    if direct.exists() { direct } else { PathBuf::from("rabbitmq-server") }
}

fn free_port() -> u16 {
    Free::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_stops_and_comes_back() {
        if !crate::needs_engines() {
            return;
        }
        let mut broker = Broker::start().await;
        assert!(broker.answers().await);
        broker.kill().await;
        assert!(!broker.answers().await);
        broker.resume().await;
        assert!(broker.answers().await);
    }
}
