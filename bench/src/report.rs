//! The report of a run: the machine, the versions, and the figures of each part.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread::available_parallelism,
};

use serde_json::{Value, json};

use crate::{
    BenchError,
    figures::{self, Figures},
};

/// Marks in a document between which the report stands.
const BEGIN: &str = "<!-- bench -->";
const END: &str = "<!-- /bench -->";

pub(crate) struct Report {
    binaries: Vec<PathBuf>,
    machine: String,
    versions: Vec<String>,
    parts: Vec<(&'static str, Vec<Figures>)>,
}

impl Report {
    pub fn new(binaries: &[PathBuf]) -> Result<Self, BenchError> {
        let processor = fs::read_to_string("/proc/cpuinfo")?;
        let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let processor = processor.map_or("unknown processor", |(_, name)| name);
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
        // That of a machine may say whose it is.
        let kernel = kernel.trim().split(['-', '+']).next().unwrap_or_default();
        let machine = format!("{} × {processor}, Linux {kernel}", available_parallelism()?);
        let mut versions = Vec::new();
        for binary in binaries {
            versions.push(version(binary, "--version").unwrap_or_else(|| binary.display().to_string()));
        }
        for (program, flag) in
            [("nginx", "-v"), ("postgres", "--version"), ("mariadbd", "--version"), ("redis-server", "--version")]
        {
            versions.extend(version(Path::new(program), flag));
        }
        Ok(Self { binaries: binaries.to_vec(), machine, versions, parts: Vec::new() })
    }

    pub fn add(&mut self, title: &'static str, figures: Vec<Figures>) {
        self.parts.push((title, figures));
    }

    pub fn write_json(&self, path: &Path) -> Result<(), BenchError> {
        let part = |(title, figures): &(&str, Vec<Figures>)| -> Value {
            let binaries = self.binaries.iter().zip(figures);
            let of_each = binaries
                .map(|(binary, figures)| json!({"binary": binary, "figures": figures.iter().collect::<Vec<_>>()}));
            json!({"part": title, "binaries": of_each.collect::<Vec<_>>()})
        };
        let parts: Vec<Value> = self.parts.iter().map(part).collect();
        let report = json!({"machine": self.machine, "versions": self.versions, "parts": parts});
        Ok(fs::write(path, serde_json::to_string_pretty(&report)? + "\n")?)
    }

    /// Replaces what stands between the marks of a document. Errors: it has none.
    pub fn write_into(&self, path: &Path) -> Result<(), BenchError> {
        let document = fs::read_to_string(path)?;
        let replaced = replace(&document, &self.text())
            .ok_or_else(|| format!("{} has no {BEGIN} with {END} behind it", path.display()))?;
        Ok(fs::write(path, replaced)?)
    }

    fn text(&self) -> String {
        let mut text = format!("{}; {}.\n", self.machine, self.versions.join("; "));
        for (title, figures) in &self.parts {
            text.extend(["\n### ", title, "\n\n", &figures::table(&self.binaries, figures), "\n"]);
        }
        text
    }
}

fn replace(document: &str, text: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{text}{END}{after}"))
}

/// Returns the first line that a program says of its version; `None` if there is no such program.
fn version(program: &Path, flag: &str) -> Option<String> {
    let output = Command::new(program).arg(flag).output().ok()?;
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    String::from_utf8_lossy(&text).lines().next().map(|line| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_stands_between_its_marks() {
        let document = "a\n<!-- bench -->\nold\n<!-- /bench -->\nb";
        assert_eq!(replace(document, "new\n").as_deref(), Some("a\n<!-- bench -->\nnew\n<!-- /bench -->\nb"));
        assert_eq!(replace("a", "new"), None);
    }
}
