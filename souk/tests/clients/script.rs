//! A process of Python or Node that runs a client. It takes a call as a line of JSON and returns the result as another.

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::Value;
use souk_testkit::eventually;
use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::installed;

/// Limit of one call. Clients retry several times when a server does not answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Programming language of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Python,
    /// Run by Node.
    JavaScript,
}

/// A running script from this folder.
#[derive(Debug)]
pub struct Script {
    child: Child,
    calls: ChildStdin,
    results: Lines<BufReader<ChildStdout>>,
    log: NamedTempFile,
}

impl Script {
    /// Starts the script `name` in `language`.
    #[must_use]
    pub fn start(language: Language, name: &str) -> Self {
        let (program, ending) = match language {
            Language::Python => (installed::folder().join("python/bin/python"), "py"),
            Language::JavaScript => ("node".into(), "mjs"),
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name).with_extension(ending);
        let log = NamedTempFile::new().unwrap();
        let mut child = Command::new(program)
            .arg(script)
            .env("SOUK_TEST_CLIENTS", installed::folder())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.reopen().unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let calls = child.stdin.take().unwrap();
        let results = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, calls, results, log }
    }

    /// Calls `act` with the arguments `with`, and returns its result.
    ///
    /// # Errors
    /// The client's error.
    pub async fn try_call(&mut self, act: &str, mut with: Value) -> Result<Value, String> {
        if with.is_null() {
            with = serde_json::json!({});
        }
        with["do"] = act.into();
        self.calls.write_all(format!("{with}\n").as_bytes()).await.unwrap();
        let line = tokio::time::timeout(CALL_TIMEOUT, self.results.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("{act} takes too long: {}", self.log()));
        let line = line.unwrap().unwrap_or_else(|| panic!("{act} ended the script: {}", self.log()));
        let mut result: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        match result["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(result["ok"].take()),
        }
    }

    /// Calls `act`. Panics with the log when the client fails.
    pub async fn call(&mut self, act: &str, with: Value) -> Value {
        let arguments = with.to_string();
        match self.try_call(act, with).await {
            Ok(result) => result,
            Err(error) => panic!("{act} {arguments}: {error}\n{}", self.log()),
        }
    }

    /// Sends SIGKILL, so that the client cannot deregister.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits until its log contains `text`. py-eureka-client writes it from a thread of its own.
    pub async fn has_logged(&self, text: &str) {
        eventually(&format!("{text:?} in the log"), || async { self.log().contains(text) }).await;
    }

    /// Returns the content of its log.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }
}
