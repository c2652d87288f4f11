//! The shop that is measured: embedded, in a process of its own on an empty folder, or one process for each service on the
//! engines of this machine.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::Stdio,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::{BenchError, client::Client, processes::Processes};

pub(crate) const ADMIN_EMAIL: &str = "admin@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery";

const READY_WITHIN: Duration = Duration::from_secs(60);
const ENGINES_READY_WITHIN: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(10);

/// The environment of each shop: an admin who is known, and no limits, since all customers come from one address.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("SOUK_AUTH__ADMIN_EMAIL", ADMIN_EMAIL),
    ("SOUK_AUTH__ADMIN_PASSWORD", PASSWORD),
    ("SOUK_GATEWAY__RATE_LIMIT__ENABLED", "false"),
];

/// Folders of shops that were measured, which are removed at the end of the run: for half a minute after the removal of many
/// files, ext4 spends more on each new one.
static DONE: Mutex<Vec<TempDir>> = Mutex::new(Vec::new());

/// Removes the folders of all shops that were measured.
pub(crate) fn remove_folders() {
    DONE.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

pub(crate) struct Shop {
    pub port: u16,
    /// Time from its start until it was ready.
    pub ready_after: Duration,
    pub processes: Processes,
    child: Child,
    folder: TempDir,
}

impl Shop {
    /// Starts `binary` on an empty folder and waits until it is ready.
    pub async fn start(binary: &Path, flags: &[&str], environment: &[(&str, String)]) -> Result<Self, BenchError> {
        Self::start_in(tempfile::tempdir()?, binary, flags, environment).await
    }

    /// Starts `binary` on a folder that lies in `folder`, as `data`.
    pub async fn start_in(
        folder: TempDir,
        binary: &Path,
        flags: &[&str],
        environment: &[(&str, String)],
    ) -> Result<Self, BenchError> {
        let port = free_port()?;
        let log = folder.path().join("shop.log");
        let mut command = command_of(binary, &folder, port);
        command
            .args(flags)
            .envs(environment.iter().map(|(name, value)| (*name, value)))
            .stderr(fs::File::create(&log)?);
        let started = start(&mut command, port).await;
        let (child, ready_after) =
            started.map_err(|error| format!("{error}\n{}", fs::read_to_string(log).unwrap_or_default()))?;
        let pid = child.id().ok_or("the shop ended at once")?;
        Ok(Self { port, ready_after, processes: Processes(vec![pid]), child, folder })
    }

    /// Stops the shop and starts `binary` on its folder.
    pub async fn restart(mut self, binary: &Path) -> Result<Self, BenchError> {
        self.child.kill().await?;
        Self::start_in(self.folder, binary, &[], &[]).await
    }

    /// Stops the shop. Its folder stays until [`remove_folders`].
    pub async fn stop(mut self) -> Result<(), BenchError> {
        self.child.kill().await?;
        DONE.lock().unwrap_or_else(PoisonError::into_inner).push(self.folder);
        Ok(())
    }
}

fn command_of(binary: &Path, folder: &TempDir, port: u16) -> Command {
    let mut command = Command::new(binary);
    command
        .args(["up", "--port", &port.to_string(), "--data"])
        .arg(folder.path().join("data"))
        .envs(ENVIRONMENT)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Starts a shop and waits until it is ready. Returns the time that it took as well.
async fn start(command: &mut Command, port: u16) -> Result<(Child, Duration), BenchError> {
    let began = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("the shop does not start: {error}"))?;
    let ready = timeout(READY_WITHIN, async {
        loop {
            if let Some(status) = child.try_wait()? {
                return Err(format!("the shop ended with {status}").into());
            }
            if let Ok(mut client) = Client::connect(port).await
                && client.send("GET", "/health/ready", None, &[]).await.is_ok()
            {
                return Ok::<(), BenchError>(());
            }
            tokio::time::sleep(POLL).await;
        }
    });
    ready.await.map_err(|_| "the shop was not ready within a minute")??;
    Ok((child, began.elapsed()))
}

/// Returns a free port below those that the system gives to connections, with room for the shop's others above it.
pub(crate) fn free_port() -> Result<u16, BenchError> {
    let taken = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    Ok(taken / 2 + 5_000)
}

/// A shop of one process for each service, by `scripts/on-engines.sh`, which removes its data at the end.
pub(crate) struct EngineShop {
    pub port: u16,
    /// The services.
    pub processes: Processes,
    script: Child,
}

impl EngineShop {
    pub async fn start(binary: &Path) -> Result<Self, BenchError> {
        // The command within reports where the shop is, and lasts until its input ends.
        let within = ["sh", "-c", "echo \"$SOUK_URL $SOUK_PROCESSES\" && cat"];
        let mut script = Command::new("bash")
            .arg("scripts/on-engines.sh")
            .args(within)
            .envs(ENVIRONMENT)
            .env("SOUK_BIN", binary)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("scripts/on-engines.sh: {error}"))?;
        let mut output = BufReader::new(script.stdout.take().ok_or("no output of scripts/on-engines.sh")?);
        let mut line = String::new();
        timeout(ENGINES_READY_WITHIN, output.read_line(&mut line))
            .await
            .map_err(|_| "the shop on engines was not ready within three minutes")??;
        let mut words = line.split_whitespace();
        let url = words.next().ok_or("the shop on engines does not start; scripts/on-engines.sh says why")?;
        let port = url.rsplit(':').next().unwrap_or_default().parse()?;
        let pids = words.map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { port, processes: Processes(pids), script })
    }

    /// Returns the CPU time of PostgreSQL, MariaDB or MySQL, Redis and RabbitMQ, in milliseconds.
    pub fn engines_cpu_ms() -> Result<f64, BenchError> {
        // A process that serves one connection ends with it; its parent then has its time.
        Processes::of_programs(&["postgres", "mariadbd", "mysqld", "redis-server", "beam.smp"])?.cpu_ms()
    }

    pub async fn stop(mut self) -> Result<(), BenchError> {
        drop(self.script.stdin.take());
        self.script.wait().await?;
        Ok(())
    }
}
