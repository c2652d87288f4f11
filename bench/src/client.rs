//! One connection of one customer. It parses no more of a response than it needs, so that the load costs little.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::BenchError;

const DESPITE_OVERLOAD: Duration = Duration::from_secs(30);

pub(crate) struct Client {
    sender: http1::SendRequest<Full<Bytes>>,
    host: String,
    token: Option<String>,
}

impl Client {
    /// Returns the token of a client that is signed in.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub async fn connect(port: u16) -> Result<Self, BenchError> {
        let host = format!("127.0.0.1:{port}");
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host, token: None })
    }

    /// Sends this token with each request from now on.
    pub fn sign_in(&mut self, token: String) {
        self.token = Some(token);
    }

    /// Sends a request and returns its JSON. Errors: a status from 300 on, with the body.
    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Result<Value, BenchError> {
        let response = self.exchange(method, path, body, headers).await?;
        let (status, body) = (response.status(), response.into_body());
        if status.as_u16() >= 300 {
            return Err(format!("{method} {path}: {status} {}", String::from_utf8_lossy(&body)).into());
        }
        Ok(if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? })
    }

    /// Sends a request and returns the response, whatever its status. To a shop that cannot serve it now (503 with
    /// `Retry-After`) it is sent again when that is over, for half a minute.
    pub async fn exchange(
        &mut self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Result<Response<Bytes>, BenchError> {
        let deadline = Instant::now() + DESPITE_OVERLOAD;
        let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
        loop {
            let response = self.exchange_once(method, path, body.clone(), headers).await?;
            let pause = response
                .headers()
                .get("retry-after")
                .map(|seconds| Ok::<u64, BenchError>(seconds.to_str()?.parse()?))
                .transpose()?;
            match pause {
                Some(seconds) if response.status() == 503 && Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                }
                _ => return Ok(response),
            }
        }
    }

    async fn exchange_once(
        &mut self,
        method: &str,
        path: &str,
        body: Bytes,
        headers: &[(&str, &str)],
    ) -> Result<Response<Bytes>, BenchError> {
        let mut request = Request::builder().method(method).uri(format!("/api{path}")).header("host", &self.host);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.sender.ready().await?;
        let response = self.sender.send_request(request.body(Full::new(body))?).await?;
        let (head, body) = response.into_parts();
        Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
    }
}
