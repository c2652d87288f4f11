//! `souk probe`: one health check of a service on this machine, for containers without a shell or `curl`.

use std::time::Duration;

use crate::{cli::ProbeArgs, command_error::CommandError};

/// Characters of an answer that are shown: what is not ready, and why.
const SHOWN: usize = 500;

pub async fn run(args: ProbeArgs) -> Result<(), CommandError> {
    if !args.path.starts_with('/') {
        return Err(CommandError::failed("the path of a probe begins with /, such as /health/live"));
    }
    let port = args.port.unwrap_or(args.service.port);
    let url = format!("http://127.0.0.1:{port}{}", args.path);
    // A proxy of the environment is for the internet, not for a service on this machine.
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(args.timeout)).build();
    let response = client.map_err(CommandError::failed)?.get(&url).send().await;
    let response =
        response.map_err(|error| CommandError::failed(format!("{url} does not answer: {}", root(&error))))?;
    let status = response.status();
    if status == reqwest::StatusCode::OK {
        return Ok(());
    }
    let text: String = response.text().await.unwrap_or_default().chars().take(SHOWN).collect();
    Err(CommandError::failed(format!("{url} answers {status}: {text}")))
}

/// Returns the innermost cause: those around it repeat the URL.
fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
