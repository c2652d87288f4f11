//! Requests as fast as they are answered. The generator has one thread, and reads of a response no more than it needs to
//! find its end, so that little of the machine is its own.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::LocalSet,
};

use crate::{BenchError, figures::millis, processes::own_cpu_ms};

/// Requests that are sent one after another on each connection, in turn.
pub(crate) struct Load {
    pub port: u16,
    /// Paths with their query.
    pub paths: Vec<String>,
    /// Token of a customer.
    pub token: Option<String>,
    pub connections: u32,
    pub lasts: Duration,
}

/// Result of a load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    pub requests: f64,
    pub per_second: f64,
    pub p99_ms: f64,
    /// CPU time of the generator for each request, in microseconds.
    pub own_cpu_us: f64,
}

impl Load {
    /// Runs the load on a thread of its own. Errors: a response is not 200.
    pub async fn run(self) -> Result<Outcome, BenchError> {
        tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            LocalSet::new().block_on(&runtime, self.run_here())
        })
        .await?
    }

    async fn run_here(self) -> Result<Outcome, BenchError> {
        let head = |path: &String| {
            let token =
                self.token.as_ref().map_or_else(String::new, |token| format!("authorization: Bearer {token}\r\n"));
            format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n{token}\r\n", self.port).into_bytes()
        };
        let requests: Rc<[Vec<u8>]> = self.paths.iter().map(head).collect();
        let (cpu_before, began) = (own_cpu_ms()?, Instant::now());
        let connections: Vec<_> = (0..self.connections)
            .map(|number| {
                let requests = Rc::clone(&requests);
                let (port, until, all) = (self.port, began + self.lasts, self.connections);
                tokio::task::spawn_local(async move {
                    let mut connection = Connection::open(port).await?;
                    let mut times = Vec::new();
                    // Together the connections send each request in turn.
                    let turns = requests.iter().cycle().skip(usize::try_from(number)?).step_by(usize::try_from(all)?);
                    for request in turns {
                        let began = Instant::now();
                        if began >= until {
                            break;
                        }
                        connection.exchange(request).await?;
                        times.push(began.elapsed());
                    }
                    Ok::<_, BenchError>(times)
                })
            })
            .collect();
        let mut times = Vec::new();
        for connection in connections {
            times.extend(connection.await??);
        }
        let took = began.elapsed().as_secs_f64();
        let requests = f64::from(u32::try_from(times.len())?);
        let own_cpu_us = (own_cpu_ms()? - cpu_before) * 1_000.0 / requests;
        times.sort_unstable();
        Ok(Outcome { requests, per_second: requests / took, p99_ms: millis(&times, 99), own_cpu_us })
    }
}

/// A connection that reads responses with a `Content-Length`.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(port: u16) -> Result<Self, BenchError> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1_024) })
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<(), BenchError> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let mut whole = None;
        loop {
            if whole.is_some_and(|whole| self.buffer.len() >= whole) {
                return Ok(());
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the connection was closed within a response".into());
            }
            if whole.is_none() {
                whole = length(&self.buffer)?;
            }
        }
    }
}

/// Returns the length of a response with its head; `None` while the head is not whole.
fn length(response: &[u8]) -> Result<Option<usize>, BenchError> {
    let Some(head) = response.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(response.get(..head).unwrap_or_default())?;
    let mut lines = text.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        return Err(format!("a request under load was answered with {status}").into());
    }
    let (_, value) = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .ok_or("a response without a Content-Length")?;
    Ok(Some(head + 4 + value.trim().parse::<usize>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_response_is_that_of_head_and_body() {
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nx: y\r\n\r\n{";
        assert_eq!(length(response).ok(), Some(Some(response.len() - 1 + 12)));
        assert_eq!(length(b"HTTP/1.1 200 OK\r\nContent-").ok(), Some(None));
        assert!(length(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").is_err());
    }
}
