//! A small TCP proxy between a program and its engine, with which a test plays a bad network.

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

/// A proxy to one address. It ends, with its connections, when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    weather: Arc<Weather>,
    listener: tokio::task::JoinHandle<()>,
}

/// How the network is now.
#[derive(Debug)]
struct Weather {
    delay_ms: AtomicU64,
    is_refusing: AtomicBool,
    /// What becomes of connections: each change tells all that are open.
    order: watch::Sender<(u64, Order)>,
    is_stalled: watch::Sender<bool>,
    is_over: watch::Sender<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Flow,
    Cut,
    /// Towards the engine nothing flows any more and the engine is told so; its answers still come.
    HalfClose,
}

impl Proxy {
    /// A proxy to `target`, `host:port`, on a free port of loopback.
    pub async fn to(target: impl Into<String>) -> Self {
        let target = target.into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let weather = Arc::new(Weather {
            delay_ms: AtomicU64::new(0),
            is_refusing: AtomicBool::new(false),
            order: watch::Sender::new((0, Order::Flow)),
            is_stalled: watch::Sender::new(false),
            is_over: watch::Sender::new(false),
        });
        let seen = Arc::clone(&weather);
        let listener = tokio::spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { continue };
                if seen.is_refusing.load(Ordering::SeqCst) {
                    continue;
                }
                tokio::spawn(carry(client, target.clone(), Arc::clone(&seen)));
            }
        });
        Self { address, weather, listener }
    }

    /// Where it listens, `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// `url` with this proxy's address in place of its host and port.
    #[must_use]
    pub fn instead_of(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.address.port())).unwrap();
        url.to_string()
    }

    /// Ends all connections that are open. New ones are taken.
    pub fn cut(&self) {
        self.order(Order::Cut);
    }

    /// Closes the way towards the engine on all connections that are open, and leaves the way back.
    pub fn half_close(&self) {
        self.order(Order::HalfClose);
    }

    /// Holds each part of the stream back for so long, in both directions.
    pub fn delay(&self, by: Duration) {
        self.weather.delay_ms.store(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Carries nothing any more and closes nothing, as a network does that lost its way; or goes on.
    pub fn stall(&self, is_stalled: bool) {
        self.weather.is_stalled.send_replace(is_stalled);
    }

    /// Ends what is open and takes no new connection; or takes them again.
    pub fn refuse(&self, is_refusing: bool) {
        self.weather.is_refusing.store(is_refusing, Ordering::SeqCst);
        if is_refusing {
            self.cut();
        }
    }

    fn order(&self, order: Order) {
        self.weather.order.send_modify(|(number, now)| {
            *number += 1;
            *now = order;
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
        self.weather.is_over.send_replace(true);
    }
}

async fn carry(client: TcpStream, target: String, weather: Arc<Weather>) {
    // An engine that is away looks as it does without a proxy: the connection ends.
    let Ok(engine) = TcpStream::connect(&target).await else { return };
    client.set_nodelay(true).unwrap();
    engine.set_nodelay(true).unwrap();
    let (from_client, to_client) = client.into_split();
    let (from_engine, to_engine) = engine.into_split();
    let there = pump(from_client, to_engine, Arc::clone(&weather), true);
    let back = pump(from_engine, to_client, weather, false);
    tokio::join!(there, back);
}

/// Carries one direction until its source ends or the connection is cut.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, weather: Arc<Weather>, is_towards_engine: bool) {
    let mut orders = weather.order.subscribe();
    orders.mark_unchanged();
    let mut stalled = weather.is_stalled.subscribe();
    let mut over = weather.is_over.subscribe();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = tokio::select! {
            _ = over.changed() => return,
            changed = orders.changed() => {
                let order = orders.borrow_and_update().1;
                match order {
                    _ if changed.is_err() => return,
                    Order::Cut => return,
                    Order::HalfClose if is_towards_engine => {
                        let _ = to.shutdown().await;
                        return;
                    }
                    Order::HalfClose | Order::Flow => continue,
                }
            }
            count = from.read(&mut buffer) => count.unwrap_or(0),
        };
        if count == 0 {
            let _ = to.shutdown().await;
            return;
        }
        let delay = weather.delay_ms.load(Ordering::SeqCst);
        if delay > 0 {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        tokio::select! {
            is_clear = stalled.wait_for(|is_stalled| !is_stalled) => if is_clear.is_err() { return },
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

    async fn says(stream: &mut TcpStream, text: &str) -> std::io::Result<String> {
        stream.write_all(text.as_bytes()).await?;
        let mut heard = vec![0; text.len()];
        stream.read_exact(&mut heard).await?;
        Ok(String::from_utf8(heard).unwrap())
    }

    #[tokio::test]
    async fn it_carries_cuts_refuses_and_half_closes() {
        let proxy = Proxy::to(echo().await).await;
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(says(&mut stream, "hello").await.unwrap(), "hello");
        proxy.cut();
        assert!(says(&mut stream, "hello").await.is_err());
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(says(&mut stream, "again").await.unwrap(), "again");
        proxy.half_close();
        let mut last = Vec::new();
        stream.read_to_end(&mut last).await.unwrap();
        assert_eq!(last, b"bye", "the engine sees the end and its answer still comes");
        proxy.refuse(true);
        let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(says(&mut refused, "hello").await.is_err());
        proxy.refuse(false);
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(says(&mut stream, "back").await.unwrap(), "back");
    }

    #[tokio::test]
    async fn it_delays_and_stalls() {
        let proxy = Proxy::to(echo().await).await;
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        proxy.delay(Duration::from_millis(100));
        let begun = std::time::Instant::now();
        assert_eq!(says(&mut stream, "slow").await.unwrap(), "slow");
        assert!(begun.elapsed() >= Duration::from_millis(200), "held back both ways");
        proxy.delay(Duration::ZERO);
        proxy.stall(true);
        let nothing = tokio::time::timeout(Duration::from_millis(200), says(&mut stream, "x")).await;
        assert!(nothing.is_err(), "nothing is carried and nothing is closed");
        proxy.stall(false);
        let mut heard = [0];
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"x");
    }
}
