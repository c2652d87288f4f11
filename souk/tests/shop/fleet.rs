//! A distributed shop: one process or more for each service, on engines, which tests kill and start again.

use std::{
    collections::BTreeMap,
    fs::File,
    process::{Child, Command, Stdio},
    time::Duration,
};

use souk_testkit::Client;
use tempfile::TempDir;

use crate::{
    Engines,
    process::{ADMIN_EMAIL, ADMIN_PASSWORD, BINARY, free_ports},
};

/// Services that sell, and the gateway.
const SERVICES: [&str; 7] = ["gateway", "auth", "product", "order", "cart", "payment", "notification"];

/// Services that configure and register the others.
const PLATFORM: [&str; 2] = ["config-server", "discovery"];

/// The processes of one shop.
#[derive(Debug)]
pub struct Fleet {
    /// Variables of every process and command.
    pub environment: BTreeMap<String, String>,
    /// Variables of the config server and the registry; empty for a fleet without them.
    platform: BTreeMap<String, String>,
    processes: BTreeMap<(&'static str, usize), Process>,
    /// Number of kills by [`Fleet::kill_next`].
    kills: usize,
    folder: TempDir,
    /// Dropped last, when the processes have ended.
    engines: Engines,
}

/// One replica of a service.
#[derive(Debug)]
struct Process {
    port: u16,
    child: Child,
}

impl Fleet {
    /// Starts `replicas` processes of the services named there, and one of each other service.
    pub fn start(engines: Engines, replicas: &[(&str, usize)]) -> Self {
        let mut fleet = Self::closed(engines, replicas);
        fleet.open();
        fleet
    }

    /// Like [`Fleet::start`] without the gateway, so that no customer reaches the shop before [`Fleet::open`].
    pub fn closed(engines: Engines, replicas: &[(&str, usize)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut ports: BTreeMap<(&'static str, usize), u16> = BTreeMap::new();
        for service in SERVICES {
            let count = replicas.iter().find(|(name, _)| *name == service).map_or(1, |(_, count)| *count);
            ports.extend((0..count).map(|replica| ((service, replica), port_for(service))));
        }
        let environment = environment(&engines, &ports, &folder);
        let mut fleet = Self::empty(engines, folder, environment);
        for ((service, replica), port) in ports {
            if service != "gateway" {
                fleet.start_process(service, replica, port);
            }
        }
        fleet
    }

    /// Starts the gateway of a closed fleet.
    pub fn open(&mut self) {
        let port = self.environment["SOUK_SERVICES__GATEWAY"].rsplit(':').next().unwrap().parse().unwrap();
        self.start_process("gateway", 0, port);
    }

    /// Stops the gateway with SIGTERM, so that customers change nothing. [`Fleet::open`] starts it again.
    pub fn close(&mut self) {
        assert_eq!(self.terminate("gateway", 0), Some(0));
        self.processes.remove(&("gateway", 0));
    }

    /// Stops all processes with SIGTERM.
    pub fn stop(&mut self) {
        let all: Vec<_> = self.processes.keys().copied().collect();
        for (service, replica) in all {
            assert_eq!(self.terminate(service, replica), Some(0), "{service}");
        }
    }

    /// Returns an operator's command with the variables of this fleet.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(args).arg("--distributed").envs(&self.environment).current_dir(self.folder.path());
        command
    }

    /// Returns a fleet without processes. Each will have the variables `environment`.
    pub fn empty(engines: Engines, folder: TempDir, environment: BTreeMap<String, String>) -> Self {
        Self { environment, platform: BTreeMap::new(), processes: BTreeMap::new(), kills: 0, folder, engines }
    }

    /// Starts one process of each service, the config server and the registry included. Only those two have the
    /// variables `platform`; the others know nothing but their addresses. `gateway` is the port that customers use.
    pub fn start_configured(&mut self, platform: BTreeMap<String, String>, gateway: u16) {
        self.platform = platform;
        // The other services first, to test that they wait for the config server.
        for service in SERVICES.into_iter().chain(PLATFORM) {
            let port = if service == "gateway" { gateway } else { self.own_port(service) };
            self.start_process(service, 0, port);
        }
    }

    /// Returns the port that the environment's addresses assign to a service, otherwise a free one.
    fn own_port(&self, service: &str) -> u16 {
        let variable = match service {
            "config-server" => "SOUK_CONFIG_URL",
            "discovery" => "SOUK_DISCOVERY_URL",
            _ => return port_for(service),
        };
        self.environment[variable].trim_end_matches("/eureka").rsplit(':').next().unwrap().parse().unwrap()
    }

    pub fn start_process(&mut self, service: &'static str, replica: usize, port: u16) {
        let child = self.spawn(service, replica, port);
        self.processes.insert((service, replica), Process { port, child });
    }

    /// Stops a process with SIGTERM, and starts it on another port.
    pub fn move_to_another_port(&mut self, service: &'static str) {
        assert_eq!(self.terminate(service, 0), Some(0));
        self.start_process(service, 0, free_ports(1));
    }

    /// Returns a client of the first replica of `service`.
    pub fn at(&self, service: &'static str) -> Client {
        Client::new(format!("http://127.0.0.1:{}", self.processes[&(service, 0)].port))
    }

    /// Returns the port that customers use.
    pub fn gateway_port(&self) -> u16 {
        self.processes[&("gateway", 0)].port
    }

    /// Returns the URL of the store of the service `name`.
    pub fn store_url(&self, name: &str) -> String {
        self.engines.store_url(name)
    }

    fn spawn(&self, service: &str, replica: usize, port: u16) -> Child {
        let log = File::options().create(true).append(true).open(self.log_path(service, replica)).unwrap();
        Command::new(BINARY)
            .args(["serve", service, "--port", &port.to_string()])
            .envs(if PLATFORM.contains(&service) { &self.platform } else { &self.environment })
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    fn log_path(&self, service: &str, replica: usize) -> std::path::PathBuf {
        self.folder.path().join(format!("{service}-{replica}.log"))
    }

    /// Returns the output of one process.
    pub fn log(&self, service: &str, replica: usize) -> String {
        std::fs::read_to_string(self.log_path(service, replica)).unwrap()
    }

    /// Returns the output of all processes.
    pub fn logs(&self) -> String {
        let one = |(service, replica): &(&'static str, usize)| {
            format!("== {service} {replica}\n{}", self.log(service, *replica))
        };
        self.processes.keys().map(one).collect()
    }

    /// Waits until every process is ready. Panics with the log of one that is not.
    pub async fn wait_until_ready(&self) {
        for ((service, replica), process) in &self.processes {
            let own = Client::new(format!("http://127.0.0.1:{}", process.port));
            assert!(
                is_ready_within_a_minute(&own).await,
                "{service} {replica} is not ready: {}",
                self.log(service, *replica)
            );
        }
    }

    /// Sends SIGKILL to one process.
    pub fn kill(&mut self, service: &'static str, replica: usize) {
        let process = self.processes.get_mut(&(service, replica)).unwrap();
        process.child.kill().unwrap();
        process.child.wait().unwrap();
    }

    /// Sends SIGKILL to the next process in turn.
    pub fn kill_next(&mut self) {
        let all: Vec<(&'static str, usize)> = self.processes.keys().copied().collect();
        let (service, replica) = all[self.kills % all.len()];
        self.kills += 1;
        println!("{service} {replica} is killed");
        self.kill(service, replica);
    }

    /// Restarts every process that has ended.
    pub fn restart_ended(&mut self) {
        let has_ended = |process: &mut Process| process.child.try_wait().unwrap().is_some();
        let ended: Vec<_> =
            self.processes.iter_mut().filter_map(|(key, process)| has_ended(process).then_some(*key)).collect();
        for (service, replica) in ended {
            self.restart(service, replica);
        }
    }

    /// Sends SIGTERM to one process, and returns its exit code.
    pub fn terminate(&mut self, service: &'static str, replica: usize) -> Option<i32> {
        let process = self.processes.get_mut(&(service, replica)).unwrap();
        assert!(Command::new("kill").args(["-TERM", &process.child.id().to_string()]).status().unwrap().success());
        // `wait` blocks: give the runtime another thread meanwhile.
        tokio::task::block_in_place(|| process.child.wait().unwrap()).code()
    }

    /// Restarts one process that has ended.
    pub fn restart(&mut self, service: &'static str, replica: usize) {
        let port = self.processes[&(service, replica)].port;
        let child = self.spawn(service, replica, port);
        self.processes.insert((service, replica), Process { port, child });
    }
}

/// Returns a free port for `service`. The one below the gateway's, for its management, is free too.
pub fn port_for(service: &str) -> u16 {
    if service == "gateway" { free_ports(2) + 1 } else { free_ports(1) }
}

/// Polls the readiness of a process. Returns false when it is not ready within a minute.
async fn is_ready_within_a_minute(own: &Client) -> bool {
    for _ in 0..3_000 {
        let response = own.try_send(reqwest::Method::GET, "/health/ready", None).await;
        if response.is_ok_and(|response| response.status == 200) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

impl Drop for Fleet {
    /// Ends every process before its engines are removed.
    fn drop(&mut self) {
        for process in self.processes.values_mut() {
            // Fails when the process has ended already.
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}

fn environment(
    engines: &Engines,
    ports: &BTreeMap<(&'static str, usize), u16>,
    folder: &TempDir,
) -> BTreeMap<String, String> {
    let mut variables = engines.environment();
    // Tests run two fleets of eighteen processes at once, and PostgreSQL takes 100 connections by default.
    for url in variables.values_mut().filter(|url| url.starts_with("postgres:") || url.starts_with("mysql:")) {
        url.push_str("?connections=3");
    }
    for service in SERVICES {
        let bases =
            ports.iter().filter(|((name, _), _)| *name == service).map(|(_, port)| format!("http://127.0.0.1:{port}"));
        variables.insert(format!("SOUK_SERVICES__{}", service.to_uppercase()), bases.collect::<Vec<_>>().join(","));
    }
    let gateway = ports[&("gateway", 0)];
    let at = |name: &str| folder.path().join(name).display().to_string();
    let own = [
        ("SOUK_SHOP__SERVICE_SECRET", "a secret of all services".to_owned()),
        ("SOUK_SERVE__HOST", "127.0.0.1".to_owned()),
        ("SOUK_GATEWAY__MANAGEMENT_PORT", (gateway - 1).to_string()),
        ("SOUK_AUTH__ADMIN_EMAIL", ADMIN_EMAIL.to_owned()),
        ("SOUK_AUTH__ADMIN_PASSWORD", ADMIN_PASSWORD.to_owned()),
        // All shoppers of a test come from one address.
        ("SOUK_GATEWAY__RATE_LIMIT__ENABLED", "false".to_owned()),
        ("SOUK_NOTIFICATION__MAILBOX_DIR", at("mailbox")),
        ("SOUK_PRODUCT__PICTURES_DIR", at("pictures")),
    ];
    variables.extend(own.map(|(name, value)| (name.to_owned(), value)));
    variables
}
