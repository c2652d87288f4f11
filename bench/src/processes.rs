//! Use of the machine by processes, from `/proc` (see proc(5)).

use std::{fs, time::Duration};

use tokio::time::Instant;

use crate::BenchError;

/// Interval in which processes at rest use no more than [`BUSY_AT_REST`] of a processor.
const REST: Duration = Duration::from_millis(500);
const BUSY_AT_REST: f64 = 0.1;
const AT_REST_WITHIN: Duration = Duration::from_secs(120);

/// Processes that are measured together.
#[derive(Debug, Clone)]
pub(crate) struct Processes(pub Vec<u32>);

/// Use of the machine by processes since their start.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub cpu_ms: f64,
    pub thread_changes: f64,
    pub bytes_written: f64,
    pub writes: f64,
}

impl Processes {
    /// Finds the running processes of the programs with these names.
    pub fn of_programs(names: &[&str]) -> Result<Self, BenchError> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // A process may end meanwhile.
            let Ok(name) = read(pid, "comm") else { continue };
            if names.contains(&name.trim()) {
                found.push(pid);
            }
        }
        Ok(Self(found))
    }

    /// Finds a process and its children.
    pub fn with_children(parent: u32) -> Result<Self, BenchError> {
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
        let children = children.split_whitespace().map(str::parse).collect::<Result<Vec<u32>, _>>()?;
        Ok(Self(std::iter::once(parent).chain(children).collect()))
    }

    /// Returns their resident memory together, in MB.
    pub fn memory_mb(&self) -> Result<f64, BenchError> {
        self.sum(|pid| Ok(number_after(&read(pid, "status")?, "VmRSS:")? / 1_024.0))
    }

    /// Returns their CPU time together, in milliseconds; with that of their children that have ended.
    pub fn cpu_ms(&self) -> Result<f64, BenchError> {
        self.sum(|pid| cpu_ms(&read(pid, "stat")?))
    }

    pub fn counts(&self) -> Result<Counts, BenchError> {
        Ok(Counts {
            cpu_ms: self.cpu_ms()?,
            thread_changes: self.sum(thread_changes)?,
            bytes_written: self.sum(|pid| number_after(&read(pid, "io")?, "write_bytes:"))?,
            writes: self.sum(|pid| number_after(&read(pid, "io")?, "syscw:"))?,
        })
    }

    /// Waits until they have little more to do, for at most two minutes.
    pub async fn rest(&self) -> Result<(), BenchError> {
        let deadline = Instant::now() + AT_REST_WITHIN;
        let mut used = self.cpu_ms()?;
        loop {
            tokio::time::sleep(REST).await;
            let before = std::mem::replace(&mut used, self.cpu_ms()?);
            let of_each = REST.as_secs_f64() * 1_000.0 * BUSY_AT_REST;
            if used - before <= of_each * f64::from(u32::try_from(self.0.len())?) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err("the shop was still busy two minutes after the load".into());
            }
        }
    }

    fn sum(&self, of: impl Fn(u32) -> Result<f64, BenchError>) -> Result<f64, BenchError> {
        self.0.iter().map(|pid| of(*pid)).sum()
    }
}

/// Returns the CPU time of this program in milliseconds.
pub(crate) fn own_cpu_ms() -> Result<f64, BenchError> {
    cpu_ms(&fs::read_to_string("/proc/self/stat")?)
}

fn read(pid: u32, file: &str) -> Result<String, BenchError> {
    Ok(fs::read_to_string(format!("/proc/{pid}/{file}")).map_err(|error| format!("/proc/{pid}/{file}: {error}"))?)
}

fn thread_changes(pid: u32) -> Result<f64, BenchError> {
    let mut changes = 0.0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end meanwhile.
        let Ok(status) = fs::read_to_string(thread?.path().join("status")) else { continue };
        changes += number_after(&status, "\nvoluntary_ctxt_switches:")?;
        changes += number_after(&status, "nonvoluntary_ctxt_switches:")?;
    }
    Ok(changes)
}

fn number_after(text: &str, name: &str) -> Result<f64, BenchError> {
    let (_, rest) = text.split_once(name).ok_or_else(|| format!("no {name} in /proc"))?;
    Ok(rest.split_whitespace().next().unwrap_or_default().parse()?)
}

/// Returns the CPU time in `stat`, whose unit is a hundredth of a second on Linux (`USER_HZ`): user and system, of the
/// process and of its children that have ended.
fn cpu_ms(stat: &str) -> Result<f64, BenchError> {
    // The name of the program, in parentheses, may hold spaces.
    let (_, fields) = stat.rsplit_once(')').ok_or("an unknown form of /proc/PID/stat")?;
    let mut sum = 0.0;
    for field in fields.split_whitespace().skip(11).take(4) {
        sum += field.parse::<f64>()?;
    }
    Ok(sum * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_the_cpu_is_read_behind_the_name_of_the_program() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 100 0 0 0 11 12 3 4 20 0 1 0 100 0 0";
        assert!((cpu_ms(stat).unwrap_or_default() - 300.0).abs() < 0.01);
        assert!(cpu_ms("nothing").is_err());
    }
}
