//! nginx, beside which souk is measured: a server of static files, and a proxy.

use std::{fs, path::Path, process::Stdio, time::Duration};

use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

use crate::{BenchError, processes::Processes, shop::free_port};

const LISTENING_WITHIN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

pub(crate) struct Nginx {
    pub port: u16,
    child: Child,
    _folder: TempDir,
}

impl Nginx {
    /// Serves `files`, name and content of each, as JSON.
    pub async fn with_files(files: &[(&str, Vec<u8>)]) -> Result<Self, BenchError> {
        let folder = tempfile::tempdir()?;
        let root = folder.path().join("www");
        fs::create_dir(&root)?;
        for (name, content) in files {
            fs::write(root.join(name), content)?;
        }
        Self::start(folder, &format!("root {};", root.display()), "").await
    }

    /// Passes every request on to `upstream`, over connections that it keeps.
    pub async fn before(upstream: u16) -> Result<Self, BenchError> {
        let location =
            "location / { proxy_pass http://upstream; proxy_http_version 1.1; proxy_set_header Connection ''; }";
        let pool =
            format!("upstream upstream {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 1000000; }}");
        Self::start(tempfile::tempdir()?, location, &pool).await
    }

    async fn start(folder: TempDir, server: &str, http: &str) -> Result<Self, BenchError> {
        let port = free_port()?;
        let path = folder.path();
        let user = if is_root() { "user root;" } else { "" };
        let configuration = format!(
            "worker_processes auto; daemon off; {user} pid {0}/pid; error_log {0}/errors crit;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; keepalive_requests 1000000000; default_type application/json; {http}\n\
             client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u; scgi_temp_path {0}/s;\n\
             server {{ listen 127.0.0.1:{port} backlog=1024; {server} }} }}\n",
            path.display(),
        );
        let file = path.join("nginx.conf");
        fs::write(&file, configuration)?;
        let child = Command::new("nginx")
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("nginx, beside which souk is measured, does not start: {error}"))?;
        let listening = tokio::time::timeout(LISTENING_WITHIN, async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(POLL).await;
            }
        });
        listening.await.map_err(|_| "nginx does not listen after ten seconds")?;
        Ok(Self { port, child, _folder: folder })
    }

    /// Returns the CPU time of its processes, in milliseconds.
    pub fn cpu_ms(&self) -> Result<f64, BenchError> {
        let parent = self.child.id().ok_or("nginx has ended")?;
        Processes::with_children(parent)?.cpu_ms()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it after SIGTERM, unlike after SIGKILL.
        let Some(pid) = self.child.id() else { return };
        if let Err(error) = std::process::Command::new("kill").arg(pid.to_string()).status() {
            eprintln!("nginx goes on with number {pid}: {error}");
        }
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(Path::new("/proc/self")).is_ok_and(|process| process.uid() == 0)
}
