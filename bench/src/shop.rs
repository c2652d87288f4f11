//! The shop that is measured, in a process of its own on an empty folder.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{BenchError, client::Client};

pub(crate) const ADMIN_EMAIL: &str = "admin@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery";

const READY_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);
/// Interval in which a shop at rest uses no more than [`BUSY_AT_REST`] of a processor.
const REST: Duration = Duration::from_millis(500);
const BUSY_AT_REST: f64 = 0.1;

pub(crate) struct Shop {
    pub port: u16,
    /// Time from its start until it was ready.
    pub ready_after: Duration,
    child: Child,
    pid: u32,
    folder: TempDir,
}

/// Use of the machine by a process since its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    pub cpu_ms: f64,
    pub thread_changes: f64,
    pub bytes_written: f64,
    pub writes: f64,
}

impl Shop {
    /// Starts `binary` on an empty folder and waits until it is ready.
    pub async fn start(binary: &Path) -> Result<Self, BenchError> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let (child, ready_after) = start(binary, folder.path(), port).await?;
        let pid = child.id().ok_or("the shop ended at once")?;
        Ok(Self { port, ready_after, child, pid, folder })
    }

    /// Stops the shop and starts `binary` on its folder.
    pub async fn restart(&mut self, binary: &Path) -> Result<(), BenchError> {
        self.child.kill().await?;
        (self.child, self.ready_after) = start(binary, self.folder.path(), self.port).await?;
        self.pid = self.child.id().ok_or("the shop ended at once")?;
        Ok(())
    }

    /// Returns its resident memory, in MB.
    pub fn memory_mb(&self) -> Result<f64, BenchError> {
        Ok(number_after(&self.read("status")?, "VmRSS:")? / 1_024.0)
    }

    /// Reads what the process has used, from `/proc` (see proc(5)).
    pub fn counts(&self) -> Result<Counts, BenchError> {
        let io = self.read("io")?;
        Ok(Counts {
            cpu_ms: cpu_ms(&self.read("stat")?)?,
            thread_changes: self.thread_changes()?,
            bytes_written: number_after(&io, "write_bytes:")?,
            writes: number_after(&io, "syscw:")?,
        })
    }

    /// The same once the process has little more to do, within a minute.
    pub async fn counts_at_rest(&self) -> Result<Counts, BenchError> {
        let deadline = Instant::now() + READY_WITHIN;
        let mut counts = self.counts()?;
        loop {
            tokio::time::sleep(REST).await;
            let before = std::mem::replace(&mut counts, self.counts()?);
            if counts.cpu_ms - before.cpu_ms <= REST.as_secs_f64() * 1_000.0 * BUSY_AT_REST {
                return Ok(counts);
            }
            if Instant::now() > deadline {
                return Err("the shop was still busy a minute after the last order".into());
            }
        }
    }

    fn thread_changes(&self) -> Result<f64, BenchError> {
        let mut changes = 0.0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.pid))? {
            // A thread may end meanwhile.
            let Ok(status) = fs::read_to_string(thread?.path().join("status")) else { continue };
            changes += number_after(&status, "\nvoluntary_ctxt_switches:")?;
            changes += number_after(&status, "nonvoluntary_ctxt_switches:")?;
        }
        Ok(changes)
    }

    fn read(&self, file: &str) -> Result<String, BenchError> {
        Ok(fs::read_to_string(format!("/proc/{}/{file}", self.pid))?)
    }

    pub async fn stop(mut self) -> Result<(), BenchError> {
        Ok(self.child.kill().await?)
    }
}

/// Starts `binary` and waits until it is ready. Returns the time that it took as well.
async fn start(binary: &Path, folder: &Path, port: u16) -> Result<(Child, Duration), BenchError> {
    let began = Instant::now();
    let mut child = Command::new(binary)
        .args(["up", "--port", &port.to_string(), "--data"])
        .arg(folder)
        .env("SOUK_AUTH__ADMIN_EMAIL", ADMIN_EMAIL)
        .env("SOUK_AUTH__ADMIN_PASSWORD", PASSWORD)
        // All customers come from one address.
        .env("SOUK_GATEWAY__RATE_LIMIT__ENABLED", "false")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{}: {error}", binary.display()))?;
    let ready = tokio::time::timeout(READY_WITHIN, async {
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

fn number_after(text: &str, name: &str) -> Result<f64, BenchError> {
    let (_, rest) = text.split_once(name).ok_or_else(|| format!("no {name} in /proc"))?;
    Ok(rest.split_whitespace().next().unwrap_or_default().parse()?)
}

/// Returns the CPU time in `stat`, whose unit is a hundredth of a second on Linux (`USER_HZ`).
pub(crate) fn cpu_ms(stat: &str) -> Result<f64, BenchError> {
    // The name of the program, in parentheses, may hold spaces.
    let (_, fields) = stat.rsplit_once(')').ok_or("an unknown form of /proc/PID/stat")?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || -> Result<f64, BenchError> { Ok(fields.next().unwrap_or_default().parse()?) };
    Ok((next()? + next()?) * 10.0)
}

/// Returns a free port below those that the system gives to connections, with room for the shop's others above it.
fn free_port() -> Result<u16, BenchError> {
    let taken = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    Ok(taken / 2 + 5_000)
}
