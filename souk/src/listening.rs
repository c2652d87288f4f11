//! Binds the ports of a process, with advice when one is taken.

use std::net::IpAddr;

use tokio::net::TcpListener;

use crate::command_error::CommandError;

/// Binds `host:port` for `purpose`. `advice` is the sentence that says which option chooses another port.
pub async fn bind(purpose: &str, host: IpAddr, port: u16, advice: &str) -> Result<TcpListener, CommandError> {
    TcpListener::bind((host, port)).await.map_err(|error| {
        CommandError::failed(format!("{host}:{port}, for {purpose}, cannot be used: {error}. {advice}"))
    })
}
