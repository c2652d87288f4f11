//! Dumps of a shop's engines by their own programs, as `docs/backup.md` has them.

use std::{fs::File, path::Path, process::Command};

use souk_testkit::RedisServer;
use tempfile::TempDir;
use url::Url;

use crate::{Engines, Shop};

/// Stores on PostgreSQL.
pub const ON_POSTGRES: [&str; 5] = ["auth", "order", "payment", "notification", "sandbox"];

/// Everything that a shop on engines has, at one instant at which it rested.
#[derive(Debug)]
pub struct Dumps {
    folder: TempDir,
}

impl Dumps {
    /// Dumps every store of `shop`, and copies its pictures from `pictures`.
    pub fn of(shop: &Shop, carts: &RedisServer, pictures: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for store in ON_POSTGRES {
            let mut dump = Command::new("pg_dump");
            dump.arg("--format=custom").arg(shop.store_url(store));
            run(dump.stdout(File::create(folder.path().join(format!("{store}.dump"))).unwrap()));
        }
        let (mut dump, database) = mysql_program("mysqldump", &shop.store_url("product"));
        dump.args(["--single-transaction", &database]);
        run(dump.stdout(File::create(folder.path().join("product.sql")).unwrap()));
        let mut dump = Command::new("redis-cli");
        dump.args(["-p", &carts.port().to_string(), "--rdb"]).arg(folder.path().join("cart.rdb"));
        run(&mut dump);
        copy(pictures, &folder.path().join("pictures"));
        Self { folder }
    }

    /// Restores what is on PostgreSQL and MySQL into the empty databases of `engines`.
    pub fn restore(&self, engines: &Engines) {
        for store in ON_POSTGRES {
            let mut restore = Command::new("pg_restore");
            restore.args(["--exit-on-error", "--dbname", &engines.store_url(store)]);
            run(restore.arg(self.folder.path().join(format!("{store}.dump"))));
        }
        restore_product(&self.folder.path().join("product.sql"), engines);
    }

    /// Starts a Redis server with the carts.
    pub async fn restore_carts(&self) -> RedisServer {
        RedisServer::restore(&self.folder.path().join("cart.rdb")).await
    }

    /// Copies the pictures into the folder `pictures`.
    pub fn restore_pictures(&self, pictures: &Path) {
        copy(&self.folder.path().join("pictures"), pictures);
    }
}

/// Restores the store of product from an SQL dump into the empty database of `engines`.
pub fn restore_product(dump: &Path, engines: &Engines) {
    let (mut restore, database) = mysql_program("mysql", &engines.store_url("product"));
    run(restore.arg(database).stdin(File::open(dump).unwrap()));
}

/// Returns a client's program with the options of the server at `url`, and the name of the database there.
fn mysql_program(program: &str, url: &str) -> (Command, String) {
    let url = Url::parse(url).unwrap();
    let mut command = Command::new(program);
    command.args(["--protocol=tcp", "--host", url.host_str().unwrap()]);
    command.args(["--port", &url.port().unwrap_or(3306).to_string(), "--user", url.username()]);
    command.env("MYSQL_PWD", url.password().unwrap_or_default());
    (command, url.path().trim_start_matches('/').to_owned())
}

/// Runs a program to its end. Panics when it fails or is not installed.
pub fn run(command: &mut Command) {
    let name = command.get_program().to_string_lossy().into_owned();
    let ended = command.status();
    let status = ended.unwrap_or_else(|error| panic!("{name} must be installed for back-ups of engines: {error}"));
    assert!(status.success(), "{name} has failed: {status}");
}

fn copy(from: &Path, to: &Path) {
    run(Command::new("cp").arg("--archive").arg("--no-target-directory").args([from, to]));
}
