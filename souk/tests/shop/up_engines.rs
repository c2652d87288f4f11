//! The script that runs a shop on engines for development, from its start to Ctrl-C.

use std::{fs::File, io::ErrorKind, net::TcpStream, path::Path, process::Stdio, time::Duration};

use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process_group, test_kill_process_group},
};
use souk_testkit::{Client, needs_engines};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{
    Engines, Shopper,
    process::{BINARY, ports_of_a_shop},
};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/up-engines.sh");
/// Limit for nine services to create their tables on a busy machine.
const READY_TIMEOUT: Duration = Duration::from_secs(120);
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// The running script, leader of a process group with everything that it starts.
struct Script {
    child: Child,
    group: Pid,
    output: BufReader<ChildStdout>,
}

impl Script {
    fn start(data: &Path, port: u16, engines: &Engines) -> Self {
        let errors = File::create(data.join("errors")).unwrap();
        let mut child = bash()
            .arg(SCRIPT)
            .envs(engines.environment())
            .env("SOUK_SERVE__HOST", "127.0.0.1")
            .env("SOUK_BIN", BINARY)
            .env("EMPTY", "1")
            .env("PORT", port.to_string())
            .env("DATA", data)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let group = Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, group, output }
    }

    /// Reads the output up to the line that reports the shop as ready.
    async fn wait_until_ready(&mut self, data: &Path) {
        let mut text = String::new();
        let ready = async {
            while !text.ends_with("Ready. Ctrl-C stops it.\n") {
                if self.output.read_line(&mut text).await.unwrap() == 0 {
                    return false;
                }
            }
            true
        };
        let is_ready = timeout(READY_TIMEOUT, ready).await.unwrap_or(false);
        assert!(is_ready, "the shop is not ready: {text}{}", std::fs::read_to_string(data.join("errors")).unwrap());
    }

    /// Sends SIGINT to the whole group, as Ctrl-C in a terminal does. Returns the exit code and the last output.
    async fn interrupt(&mut self) -> (Option<i32>, String) {
        kill_process_group(self.group, Signal::INT).unwrap();
        let ended = timeout(STOP_TIMEOUT, async {
            let mut text = String::new();
            self.output.read_to_string(&mut text).await.unwrap();
            (self.child.wait().await.unwrap().code(), text)
        });
        ended.await.unwrap_or_else(|_| panic!("the script takes over {} s to stop", STOP_TIMEOUT.as_secs()))
    }
}

impl Drop for Script {
    /// Leaves no process behind when the test fails.
    fn drop(&mut self) {
        // Fails when all have ended, as they should.
        let _ = kill_process_group(self.group, Signal::KILL);
    }
}

/// Returns a bash that can trap SIGINT. A shell cannot trap a signal that its parent ignores, and the processes in the
/// background of a script ignore it.
fn bash() -> Command {
    if cfg!(target_os = "linux") {
        let mut command = Command::new("env");
        command.args(["--default-signal=INT", "bash"]);
        command
    } else {
        Command::new("bash")
    }
}

/// Returns the ports of the gateway, its management, the six services, discovery and the config server.
fn ports(port: u16) -> impl Iterator<Item = u16> {
    (port - 1..port + 7).chain([port + 681, port + 808])
}

/// Returns those of the ports at which no process listens.
fn closed(port: u16) -> Vec<u16> {
    let is_closed = |port: &u16| {
        TcpStream::connect(("127.0.0.1", *port)).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    };
    ports(port).filter(is_closed).collect()
}

#[tokio::test]
async fn the_script_runs_a_shop_until_ctrl_c_and_leaves_no_process() {
    if !needs_engines() {
        return;
    }
    souk_kit::install_crypto();
    let (engines, folder, port) = (Engines::new(), tempfile::tempdir().unwrap(), ports_of_a_shop());
    let data = folder.path();
    let mut script = Script::start(data, port, &engines);
    script.wait_until_ready(data).await;
    assert_eq!(closed(port), [0; 0], "every service listens");
    Shopper::register_at(&Client::new(format!("http://127.0.0.1:{port}/api")), "ada").await;
    let environment = std::fs::read_to_string(data.join("engines.env")).unwrap();
    assert!(environment.contains(&engines.prefix()), "the test's own engines are used");

    let (code, output) = script.interrupt().await;
    assert_eq!(code, Some(0), "{output}");
    assert!(output.contains("Stopped."), "{output}");
    assert_eq!(test_kill_process_group(script.group), Err(Errno::SRCH), "no process is left");
    assert_eq!(closed(port), ports(port).collect::<Vec<_>>());
}
