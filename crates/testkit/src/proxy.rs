//! A TCP proxy between a program and its engine that simulates network failures.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// A proxy to one address, which ends with all of its connections when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    network: Arc<Network>,
    listener: tokio::task::JoinHandle<()>,
}

/// The simulated state of the network.
#[derive(Debug)]
struct Network {
    delay_ms: AtomicU64,
    is_refusing: AtomicBool,
    /// The last command to the open connections, with its number, so that the same command twice is a change.
    command: watch::Sender<(u64, Command)>,
    is_stalled: watch::Sender<bool>,
    is_over: watch::Sender<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Flow,
    Cut,
    /// Sends the end of the stream towards the engine, and still forwards its responses.
    HalfClose,
}

impl Proxy {
    /// Starts a proxy to `target` (`host:port`) on a free port of the loopback interface.
    pub async fn to(target: impl Into<String>) -> Self {
        let target = target.into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let network = Arc::new(Network {
            delay_ms: AtomicU64::new(0),
            is_refusing: AtomicBool::new(false),
            command: watch::Sender::new((0, Command::Flow)),
            is_stalled: watch::Sender::new(false),
            is_over: watch::Sender::new(false),
        });
        let current = Arc::clone(&network);
        let listener = tokio::spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { continue };
                if current.is_refusing.load(Ordering::SeqCst) {
                    continue;
                }
                tokio::spawn(forward(client, target.clone(), Arc::clone(&current)));
            }
        });
        Self { address, network, listener }
    }

    /// Returns the address on which it listens as `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Returns `url` with the address of this proxy in place of its host and port.
    #[must_use]
    pub fn instead_of(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.address.port())).unwrap();
        url.to_string()
    }

    /// Closes all open connections. New ones are accepted.
    pub fn cut(&self) {
        self.command(Command::Cut);
    }

    /// Closes all open connections towards the engine, and leaves the direction back open.
    pub fn half_close(&self) {
        self.command(Command::HalfClose);
    }

    /// Delays every chunk of data in both directions.
    pub fn delay(&self, by: Duration) {
        self.network.delay_ms.store(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Stops forwarding without closing connections, as a network that drops all packets; or resumes.
    pub fn stall(&self, is_stalled: bool) {
        self.network.is_stalled.send_replace(is_stalled);
    }

    /// Closes all connections and accepts no new ones; or accepts them again.
    pub fn refuse(&self, is_refusing: bool) {
        self.network.is_refusing.store(is_refusing, Ordering::SeqCst);
        if is_refusing {
            self.cut();
        }
    }

    fn command(&self, command: Command) {
        self.network.command.send_modify(|(number, latest)| {
            *number += 1;
            *latest = command;
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
        self.network.is_over.send_replace(true);
    }
}

async fn forward(client: TcpStream, target: String, network: Arc<Network>) {
    // Without an engine the client's connection is closed, as it would be without a proxy.
    let Ok(engine) = TcpStream::connect(&target).await else { return };
    client.set_nodelay(true).unwrap();
    engine.set_nodelay(true).unwrap();
    let (from_client, to_client) = client.into_split();
    let (from_engine, to_engine) = engine.into_split();
    let there = pump(from_client, to_engine, Arc::clone(&network), true);
    let back = pump(from_engine, to_client, network, false);
    tokio::join!(there, back);
}

/// Forwards one direction until its source ends or the connection is cut.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, network: Arc<Network>, is_towards_engine: bool) {
    let mut commands = network.command.subscribe();
    commands.mark_unchanged();
    let mut stalled = network.is_stalled.subscribe();
    let mut over = network.is_over.subscribe();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = tokio::select! {
            _ = over.changed() => return,
            changed = commands.changed() => {
                let command = commands.borrow_and_update().1;
                match command {
                    _ if changed.is_err() => return,
                    Command::Cut => return,
                    Command::HalfClose if is_towards_engine => {
                        let _ = to.shutdown().await;
                        return;
                    }
                    Command::HalfClose | Command::Flow => continue,
                }
            }
            count = from.read(&mut buffer) => count.unwrap_or(0),
        };
        if count == 0 {
            let _ = to.shutdown().await;
            return;
        }
        let delay = network.delay_ms.load(Ordering::SeqCst);
        if delay > 0 {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        tokio::select! {
            resumed = stalled.wait_for(|is_stalled| !is_stalled) => if resumed.is_err() { return },
            _ = over.changed() => return,
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                    let _ = write.write_all(b"bye").await;
                });
            }
        });
        address
    }

    async fn send(stream: &mut TcpStream, text: &str) -> std::io::Result<String> {
        stream.write_all(text.as_bytes()).await?;
        let mut echoed = vec![0; text.len()];
        stream.read_exact(&mut echoed).await?;
        Ok(String::from_utf8(echoed).unwrap())
    }

    #[tokio::test]
    async fn it_forwards_cuts_refuses_and_half_closes() {
        let proxy = Proxy::to(echo().await).await;
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(send(&mut stream, "hello").await.unwrap(), "hello");
        proxy.cut();
        assert!(send(&mut stream, "hello").await.is_err());
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(send(&mut stream, "again").await.unwrap(), "again");
        proxy.half_close();
        let mut last = Vec::new();
        stream.read_to_end(&mut last).await.unwrap();
        assert_eq!(last, b"bye", "the engine sees the end, and its response still arrives");
        proxy.refuse(true);
        let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(send(&mut refused, "hello").await.is_err());
        proxy.refuse(false);
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(send(&mut stream, "back").await.unwrap(), "back");
    }

    #[tokio::test]
    async fn it_delays_and_stalls() {
        let proxy = Proxy::to(echo().await).await;
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        proxy.delay(Duration::from_millis(100));
        let began = std::time::Instant::now();
        assert_eq!(send(&mut stream, "slow").await.unwrap(), "slow");
        assert!(began.elapsed() >= Duration::from_millis(200), "delayed in both directions");
        proxy.delay(Duration::ZERO);
        proxy.stall(true);
        let nothing = tokio::time::timeout(Duration::from_millis(200), send(&mut stream, "x")).await;
        assert!(nothing.is_err(), "nothing is forwarded and nothing is closed");
        proxy.stall(false);
        let mut echoed = [0];
        stream.read_exact(&mut echoed).await.unwrap();
        assert_eq!(&echoed, b"x");
    }
}
