//! One connection of one customer. It parses no more of a response than it needs, so that the load costs little.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::BenchError;

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

    /// Sends a request and returns the response, whatever its status.
    pub async fn exchange(
        &mut self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Result<Response<Bytes>, BenchError> {
        let mut request = Request::builder().method(method).uri(format!("/api{path}")).header("host", &self.host);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
        self.sender.ready().await?;
        let response = self.sender.send_request(request.body(Full::new(body))?).await?;
        let (head, body) = response.into_parts();
        Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
    }
}
