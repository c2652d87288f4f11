//! A private RabbitMQ server for tests that stop and restart it.

use std::{net::TcpListener as Free, path::PathBuf, process::Stdio, time::Duration};

use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

/// Time limit of a start.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A RabbitMQ server on a free port, killed when this is dropped.
#[derive(Debug)]
pub struct Broker {
    folder: TempDir,
    port: u16,
    distribution: u16,
    process: Option<Child>,
}

impl Broker {
    /// Starts a new, empty server, and waits until it accepts connections.
    pub async fn start() -> Self {
        let mut broker =
            Self { folder: tempfile::tempdir().unwrap(), port: free_port(), distribution: free_port(), process: None };
        broker.resume().await;
        broker
    }

    /// Returns the AMQP URL with credentials.
    #[must_use]
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    /// Starts the server again with its stored messages.
    pub async fn resume(&mut self) {
        assert!(self.process.is_none(), "the server is running");
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let child = Command::new(program())
            // Node name, files and ports of its own, so that it does not meet an installed server.
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
        let started = async {
            while !self.speaks_amqp().await {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let waited = tokio::time::timeout(START_TIMEOUT, started).await;
        assert!(waited.is_ok(), "{}", std::fs::read_to_string(self.folder.path().join("log")).unwrap());
    }

    /// Returns true if the server replies to a protocol header of an unknown version with its own, as AMQP requires.
    async fn speaks_amqp(&self) -> bool {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let handshake = async {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            stream.write_all(b"AMQP\x00\x00\x00\x00").await?;
            let mut header = [0; 4];
            stream.read_exact(&mut header).await?;
            Ok::<_, std::io::Error>(&header == b"AMQP")
        };
        matches!(tokio::time::timeout(Duration::from_secs(1), handshake).await, Ok(Ok(true)))
    }

    /// Kills the server with SIGKILL, as a power failure would, and waits until its port is closed.
    pub async fn kill(&mut self) {
        let mut process = self.process.take().expect("the server is not running");
        let group = process.id().unwrap();
        // The process is a shell script, and Erlang's virtual machine is its child, hence the whole group.
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

/// Returns the server's own script if possible: Debian's wrapper in the path switches to another user.
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
    async fn it_stops_and_restarts() {
        if !crate::needs_engines() {
            return;
        }
        let mut broker = Broker::start().await;
        assert!(broker.speaks_amqp().await);
        broker.kill().await;
        assert!(!broker.speaks_amqp().await);
        broker.resume().await;
        assert!(broker.speaks_amqp().await);
    }
}
