//! A process of Python or Node with a client in it: asked by a line of JSON, it answers by one.

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::installed;

/// How long one act may take; clients try a server several times that does not answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Python.
    Python,
    /// JavaScript, in Node.
    JavaScript,
}

/// A running script of this folder.
#[derive(Debug)]
pub struct Script {
    child: Child,
    asks: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    said: NamedTempFile,
}

impl Script {
    /// Starts `name` in this language.
    #[must_use]
    pub fn start(language: Language, name: &str) -> Self {
        let (program, ending) = match language {
            Language::Python => (installed::folder().join("python/bin/python"), "py"),
            Language::JavaScript => ("node".into(), "mjs"),
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name).with_extension(ending);
        let said = NamedTempFile::new().unwrap();
        let mut child = Command::new(program)
            .arg(script)
            .env("SOUK_TEST_CLIENTS", installed::folder())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(said.reopen().unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (asks, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, asks, answers: BufReader::new(answers).lines(), said }
    }

    /// Has `act` done, and answers what the script says of it; the other way round, the client's error.
    ///
    /// # Errors
    /// When the client fails.
    pub async fn try_ask(&mut self, act: &str, mut with: Value) -> Result<Value, String> {
        if with.is_null() {
            with = serde_json::json!({});
        }
        with["do"] = act.into();
        self.asks.write_all(format!("{with}\n").as_bytes()).await.unwrap();
        let line = tokio::time::timeout(PATIENCE, self.answers.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("{act} takes too long: {}", self.said()));
        let line = line.unwrap().unwrap_or_else(|| panic!("{act} ended the script: {}", self.said()));
        let mut answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["ok"].take()),
        }
    }

    /// The same where the client must not fail.
    pub async fn ask(&mut self, act: &str, with: Value) -> Value {
        let asked = with.to_string();
        match self.try_ask(act, with).await {
            Ok(answer) => answer,
            Err(error) => panic!("{act} {asked}: {error}\n{}", self.said()),
        }
    }

    /// SIGKILL: the client says good-bye to nobody.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// What it wrote to its log.
    #[must_use]
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.said.path()).unwrap()
    }
}
