//! A source of configuration: a Git repository with branches and a tag, or a folder with the same files.

use std::{path::Path, process::Command};

use tempfile::TempDir;

/// Properties of every application.
const APPLICATION: &str = "\
greeting: shared
shared:
  currency: EUR
  retries: 3
  strict: true
";
const APPLICATION_DEV: &str = "shared:\n  currency: CHF\n";
/// Properties of the shop: several kinds of scalars, two kinds of lists, and placeholders.
const SHOP: &str = "\
greeting: shop
level: base
server:
  port: 8085
payment:
  methods:
    - card
    - invoice
  carriers:
    - name: dhl
      days: 2
    - name: ups
      days: 3
home: ${greeting} in ${shared.currency:USD} and ${absent:nothing}
";
const SHOP_DEV: &str = "level: dev\nonly-dev: 1\npayment:\n  methods:\n    - paypal\n";
const SHOP_DB: &str = "level: db\nonly-db: 2\n";
const PRICES: &str = "prices.tax=19\nprices.rounding=half-even\n";
const NGINX: &str = "\
server_name ${server.name:shop.example};
listen ${server.port};
proxy_set_header Host \\${host};
";

/// A temporary folder of configuration files, under Git or not.
#[derive(Debug)]
pub struct Repository {
    folder: TempDir,
    is_git: bool,
}

impl Repository {
    /// Creates a repository. `main` has the files above, `feature/x` has different ones, `v1` is the first commit.
    #[must_use]
    pub fn git() -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap(), is_git: true };
        repository.run(&["init", "--quiet", "--initial-branch", "main"]);
        repository.fill();
        repository.run(&["tag", "v1"]);
        repository.run(&["switch", "--quiet", "--create", "feature/x"]);
        repository.write("shop.yml", &SHOP.replace("level: base", "level: feature"));
        repository.write("branch.conf", "a branch's\n");
        repository.run(&["switch", "--quiet", "main"]);
        repository.write("shop-late.yml", "level: late\n");
        repository
    }

    /// Creates a folder with the same files. Those of the label `feature/x` are in a subfolder.
    #[must_use]
    pub fn folder() -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap(), is_git: false };
        repository.fill();
        repository.write("feature/x/shop.yml", "level: feature\n");
        repository.write("feature/x/branch.conf", "a branch's\n");
        repository
    }

    fn fill(&self) {
        for (name, text) in [
            ("application.yml", APPLICATION),
            ("application-dev.yml", APPLICATION_DEV),
            ("shop.yml", SHOP),
            ("shop-dev.yml", SHOP_DEV),
            ("shop-db.yml", SHOP_DB),
            ("prices.properties", PRICES),
            ("nginx.conf", NGINX),
            ("nginx-dev.conf", "listen ${server.port} of ${level};\n"),
            ("mails/welcome.txt", "Welcome to the ${greeting}\n"),
        ] {
            self.write(name, text);
        }
    }

    /// Writes a file, and commits it under Git.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        if self.is_git {
            self.run(&["add", "--all"]);
            self.run(&["commit", "--quiet", "--message", name]);
        }
    }

    /// Creates `branch` at `from`.
    pub fn branch(&self, branch: &str, from: &str) {
        self.run(&["branch", branch, from]);
    }

    /// Returns the variable that makes a config server use it.
    #[must_use]
    pub fn setting(&self) -> (&'static str, String) {
        let path = self.folder.path().display();
        if self.is_git {
            ("SOUK_CONFIG_SERVER__GIT__URI", format!("file://{path}"))
        } else {
            ("SOUK_CONFIG_SERVER__NATIVE__SEARCH_LOCATIONS", format!("file:{path}"))
        }
    }

    /// Returns the commit id of `revision`.
    #[must_use]
    pub fn commit(&self, revision: &str) -> String {
        self.run(&["rev-parse", revision])
    }

    fn run(&self, args: &[&str]) -> String {
        let output = git(self.folder.path()).args(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

/// Returns a Git command in `folder` that ignores the configuration of this machine.
fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").args([
        "-c",
        "user.name=Tester",
        "-c",
        "user.email=tester@example.com",
        "-c",
        "commit.gpgsign=false",
    ]);
    git
}
