//! Serves repositories over smart HTTP, with `git http-backend`, and over Git's own protocol, with `git daemon`.

use std::{
    net::{SocketAddr, TcpListener},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, Response, StatusCode, Uri, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt as _;

/// Credentials that the server accepts.
pub const USER: &str = "joe";
pub const PASSWORD: &str = "s3cret@pass";

/// A server of the repositories below one folder.
#[derive(Clone)]
pub struct HttpRemote {
    pub address: SocketAddr,
    root: PathBuf,
    requires_credentials: bool,
    /// Number of requests for the list of branches.
    pub listings: Arc<AtomicUsize>,
    /// Holds back responses to requests for data while true.
    pub holds: Arc<tokio::sync::watch::Sender<bool>>,
    /// Number of responses that were held back.
    pub held: Arc<AtomicUsize>,
    /// Leaves requests without a response while true.
    pub hangs: Arc<AtomicBool>,
    /// Answers requests with 503 while true.
    pub fails: Arc<AtomicBool>,
}

impl HttpRemote {
    /// Starts a server, which may require [`USER`] and [`PASSWORD`].
    pub async fn start(root: &Path, requires_credentials: bool) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let remote = Self {
            address: listener.local_addr().unwrap(),
            root: root.to_owned(),
            requires_credentials,
            listings: Arc::default(),
            holds: Arc::default(),
            held: Arc::default(),
            hangs: Arc::default(),
            fails: Arc::default(),
        };
        let router = Router::new().fallback(serve).with_state(remote.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        remote
    }

    /// Returns the URI of the repository in the folder itself.
    pub fn uri(&self) -> String {
        format!("http://{}/.git", self.address)
    }
}

async fn serve(
    State(remote): State<HttpRemote>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<axum::body::Body> {
    let response = |status: StatusCode| Response::builder().status(status);
    let header = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if uri.path().ends_with("/info/refs") {
        remote.listings.fetch_add(1, Ordering::SeqCst);
    }
    if remote.hangs.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    if remote.fails.load(Ordering::SeqCst) {
        return response(StatusCode::SERVICE_UNAVAILABLE).body(Bytes::new().into()).unwrap();
    }
    let expected = format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
    if remote.requires_credentials && header(header::AUTHORIZATION) != expected {
        let challenge = response(StatusCode::UNAUTHORIZED).header("www-authenticate", "Basic realm=\"git\"");
        return challenge.body(Bytes::new().into()).unwrap();
    }
    let mut command = tokio::process::Command::new("git");
    command.arg("http-backend").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    command.env("GIT_PROJECT_ROOT", &remote.root).env("GIT_HTTP_EXPORT_ALL", "1").env("REMOTE_ADDR", "127.0.0.1");
    command.env("PATH_INFO", uri.path()).env("QUERY_STRING", uri.query().unwrap_or_default());
    command.env("REQUEST_METHOD", method.as_str()).env("CONTENT_TYPE", header(header::CONTENT_TYPE));
    command
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header(header::CONTENT_ENCODING));
    command.env("GIT_PROTOCOL", headers.get("git-protocol").and_then(|value| value.to_str().ok()).unwrap_or_default());
    command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "safe.directory").env("GIT_CONFIG_VALUE_0", "*");
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let written = tokio::spawn(async move { input.write_all(&body).await });
    let output = child.wait_with_output().await.unwrap().stdout;
    let _ = written.await;
    if method == Method::POST && *remote.holds.borrow() {
        let mut holds = remote.holds.subscribe();
        remote.held.fetch_add(1, Ordering::SeqCst);
        let _ = holds.wait_for(|holds| !holds).await;
    }
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let mut response = Response::builder();
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let (name, value) = line.split_once(": ").unwrap();
        response = match name {
            "Status" => response.status(value[..3].parse::<u16>().unwrap()),
            _ => response.header(name, value),
        };
    }
    response.body(Bytes::copy_from_slice(&output[end + 4..]).into()).unwrap()
}

/// A `git daemon` process, killed when this value is dropped.
pub struct Daemon {
    child: Child,
    pub uri: String,
}

impl Daemon {
    /// Serves the repository whose `.git` is in `folder`. It accepts connections after a short time.
    pub fn start(folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("git");
        command.args(["daemon", "--export-all", "--reuseaddr", "--listen=127.0.0.1", &format!("--port={port}")]);
        command.arg(format!("--base-path={}", folder.display())).arg(folder);
        command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "safe.directory").env("GIT_CONFIG_VALUE_0", "*");
        // A group of its own: `git` starts the daemon as another process.
        let child = command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { child, uri: format!("git://127.0.0.1:{port}/.git") }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Fails when the processes have ended already.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}
