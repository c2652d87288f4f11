//! The signals that end a process of services: SIGINT (Ctrl-C) and SIGTERM.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::command_error::CommandError;

pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// Registers the handlers. Call it before anything is started, so that no signal is lost.
    pub fn register() -> Result<Self, CommandError> {
        let interrupt = signal(SignalKind::interrupt()).map_err(CommandError::failed)?;
        let terminate = signal(SignalKind::terminate()).map_err(CommandError::failed)?;
        Ok(Self { interrupt, terminate })
    }

    pub async fn received(&mut self) {
        tokio::select! { _ = self.interrupt.recv() => {}, _ = self.terminate.recv() => {} }
    }
}
