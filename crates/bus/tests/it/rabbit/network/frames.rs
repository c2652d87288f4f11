//! A proxy that injects frames of the broker into its connections, such as `connection.blocked`.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedWriteHalf},
    sync::{Mutex, watch},
};

/// Forwards frames between clients and the broker.
pub struct FrameProxy {
    address: SocketAddr,
    holds: watch::Sender<bool>,
    clients: Arc<Mutex<Vec<OwnedWriteHalf>>>,
}

impl FrameProxy {
    pub async fn to(broker: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (holds, seen) = watch::channel(false);
        let clients: Arc<Mutex<Vec<OwnedWriteHalf>>> = Arc::default();
        let known = Arc::clone(&clients);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                client.set_nodelay(true).unwrap();
                let engine = TcpStream::connect(&broker).await.unwrap();
                engine.set_nodelay(true).unwrap();
                let (mut from_client, to_client) = client.into_split();
                let (from_engine, mut to_engine) = engine.into_split();
                let number = {
                    let mut clients = known.lock().await;
                    clients.push(to_client);
                    clients.len() - 1
                };
                tokio::spawn(async move {
                    let _ = tokio::io::copy(&mut from_client, &mut to_engine).await;
                    let _ = to_engine.shutdown().await;
                });
                tokio::spawn(forward_frames(from_engine, Arc::clone(&known), number, seen.clone()));
            }
        });
        Self { address, holds, clients }
    }

    pub fn instead_of(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.address.port())).unwrap();
        url.to_string()
    }

    /// Holds the replies of the broker back, or forwards them again.
    pub fn hold_replies(&self, hold: bool) {
        self.holds.send_replace(hold);
    }

    /// Sends `connection.blocked` on every connection.
    pub async fn blocked(&self, reason: &str) {
        let mut method = vec![0, 10, 0, 60, u8::try_from(reason.len()).unwrap()];
        method.extend(reason.as_bytes());
        self.say(&method).await;
    }

    /// Sends `connection.unblocked` on every connection.
    pub async fn unblocked(&self) {
        self.say(&[0, 10, 0, 61]).await;
    }

    async fn say(&self, method: &[u8]) {
        let mut frame = vec![1, 0, 0];
        frame.extend(u32::try_from(method.len()).unwrap().to_be_bytes());
        frame.extend(method);
        frame.push(0xce);
        for client in self.clients.lock().await.iter_mut() {
            // Fails for connections that have ended.
            let _ = client.write_all(&frame).await;
        }
    }
}

/// Forwards whole frames, so that others can be injected in between.
async fn forward_frames(
    mut from: tokio::net::tcp::OwnedReadHalf,
    clients: Arc<Mutex<Vec<OwnedWriteHalf>>>,
    number: usize,
    mut holds: watch::Receiver<bool>,
) {
    let mut head = [0; 7];
    while from.read_exact(&mut head).await.is_ok() {
        let length = usize::try_from(u32::from_be_bytes([head[3], head[4], head[5], head[6]])).unwrap();
        let mut rest = vec![0; length + 1];
        if from.read_exact(&mut rest).await.is_err() {
            break;
        }
        if holds.wait_for(|is_held| !is_held).await.is_err() {
            break;
        }
        let frame = [&head[..], &rest].concat();
        if clients.lock().await[number].write_all(&frame).await.is_err() {
            break;
        }
    }
    let _ = clients.lock().await[number].shutdown().await;
}
