//! Starts gateways, raw clients, and raw services.

use std::{future::Future, net::SocketAddr, time::Duration};

use souk_gateway::{Extras, GatewayConfig};
use souk_kit::Running;
use souk_testkit::{Client, World};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

pub struct Rig {
    pub world: World,
    pub client: Client,
    pub management: Client,
    pub address: SocketAddr,
    pub running: Running,
    pub shop_is_ready: watch::Sender<bool>,
}

impl Rig {
    pub async fn new() -> Self {
        Self::with(GatewayConfig::default()).await
    }

    pub async fn with(config: GatewayConfig) -> Self {
        Self::with_extras(config, |_| {}).await
    }

    pub async fn with_extras(config: GatewayConfig, change: impl FnOnce(&mut Extras)) -> Self {
        Self::within(World::new().await, config, change).await
    }

    pub async fn within(world: World, config: GatewayConfig, change: impl FnOnce(&mut Extras)) -> Self {
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let management = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (shop_is_ready, receiver) = watch::channel(true);
        let mut extras = Extras {
            test_clock: None,
            storefront: None,
            assets: None,
            shop_is_ready: receiver,
            registry: None,
            services: vec!["order", "product"],
        };
        change(&mut extras);
        let operators = Client::new(format!("http://{}", management.local_addr().unwrap()));
        let running = souk_gateway::start(config, &world.deps, public, management, extras).await.unwrap();
        let address = running.address;
        let client = Client::new(format!("http://{address}"));
        Self { world, client, management: operators, address, running, shop_is_ready }
    }

    /// Returns a client with a customer's token.
    pub fn customer(&self) -> Client {
        self.client.with_token(self.world.customer(self.world.user()))
    }

    /// Returns the `Authorization` line of a customer.
    pub fn authorization(&self) -> String {
        format!("Authorization: Bearer {}\r\n", self.world.customer(self.world.user()))
    }

    /// Starts a service `name` that runs `script` on each connection.
    pub async fn raw_peer<F: Future<Output = ()> + Send>(
        &self,
        name: &str,
        script: impl Fn(TcpStream) -> F + Clone + Send + 'static,
    ) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        self.world.deps.peers.directory().set(name, [base]);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let script = script.clone();
                tokio::spawn(async move { script(stream).await });
            }
        });
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `request` unchanged, and returns everything received until the gateway closes the connection.
    pub async fn raw(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read_to_end(&mut stream).await
    }
}

/// Reads until the other side closes the connection, which it must do within 10 s.
pub async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await;
    read.expect("the connection was not closed").unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads until the received text contains `end`.
pub async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut bytes = Vec::new();
    while !String::from_utf8_lossy(&bytes).contains(end) {
        let mut piece = [0; 4096];
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut piece)).await;
        let count = read.expect("nothing was received").unwrap();
        assert!(count > 0, "the connection closed after {:?}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&piece[..count]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Asserts a problem response with this status and code.
#[track_caller]
pub fn is_rejected(answer: &str, status: u16, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(answer.to_lowercase().contains("content-type: application/problem+json"), "{answer}");
    assert!(answer.contains(&format!("\"code\":\"{code}\"")), "{answer}");
}
