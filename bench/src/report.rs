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

    /// Writes the parts between the marks of a document, in place of the same parts of an earlier run. Errors: it has no
    /// marks.
    pub fn write_into(&self, path: &Path) -> Result<(), BenchError> {
        let document = fs::read_to_string(path)?;
        let on = format!("{}; {}.", self.machine, self.versions.join("; "));
        let part = |(title, figures): &(&'static str, Vec<Figures>)| {
            (*title, format!("{}\n\n{on}\n", figures::table(&self.binaries, figures)))
        };
        let parts: Vec<(&str, String)> = self.parts.iter().map(part).collect();
        let replaced = replace(&document, &parts)
            .ok_or_else(|| format!("{} has no {BEGIN} with {END} behind it", path.display()))?;
        Ok(fs::write(path, replaced)?)
    }
}

fn replace(document: &str, parts: &[(&str, String)]) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (earlier, after) = rest.split_once(END)?;
    let earlier = earlier.split("\n### ").skip(1).filter_map(|part| part.split_once('\n'));
    let mut all: Vec<(&str, &str)> = earlier.map(|(title, text)| (title, text.trim())).collect();
    for (title, text) in parts {
        match all.iter_mut().find(|(known, _)| known == title) {
            Some((_, old)) => *old = text.trim(),
            None => all.push((title, text.trim())),
        }
    }
    let mut replaced = format!("{before}{BEGIN}\n");
    for (title, text) in all {
        replaced.extend(["\n### ", title, "\n\n", text, "\n"]);
    }
    replaced.extend(["\n", END, after]);
    Some(replaced)
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
    fn the_report_stands_between_its_marks_and_keeps_the_parts_of_other_runs() {
        let write = |document: &str, part: &str, text: &str| replace(document, &[(part, text.to_owned())]);
        let first = write("a\n<!-- bench -->\n<!-- /bench -->\nb", "One", "1").unwrap();
        assert_eq!(first, "a\n<!-- bench -->\n\n### One\n\n1\n\n<!-- /bench -->\nb");
        let both = write(&first, "Two", "2\n").unwrap();
        let again = write(&both, "One", "| 3 |").unwrap();
        assert_eq!(again, "a\n<!-- bench -->\n\n### One\n\n| 3 |\n\n### Two\n\n2\n\n<!-- /bench -->\nb");
        assert_eq!(write("a", "One", "1"), None);
    }
}
