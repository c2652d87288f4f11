//! The bus's promises: nothing committed is lost, a duplicate has no effect, a poison message does
//! not block its queue, an engine that is away is waited for.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod consuming;
mod dead_letters;
mod outbox;

use std::{future::Future, sync::Arc, time::Duration};

use sea_orm_migration::MigratorTrait;
use souk_bus::{LocalTransport, Stamper, service_migrations};
use souk_events::{CartExpired, Envelope, StockReserved};
use souk_sql::{Access, Db};
use souk_values::{Id, IdGen, OrderId, ShiftedClock, UserId};
use tempfile::TempDir;

struct Tables;

impl MigratorTrait for Tables {
    fn migrations() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> {
        service_migrations()
    }
}

/// A folder with a service's store and a bus.
struct Bench {
    folder: TempDir,
    clock: Arc<ShiftedClock>,
    stamper: Stamper,
    db: Db,
    bus: LocalTransport,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ShiftedClock::new(Duration::ZERO);
        let db = Db::open(&url(&folder, "service"), Access::ReadWrite).await.unwrap();
        db.migrate::<Tables>().await.unwrap();
        let bus = open_bus(&folder, &clock).await;
        let stamper = Stamper::new(IdGen::new(clock.clone()), clock.clone());
        Self { folder, clock, stamper, db, bus }
    }

    /// The bus as a process that starts anew finds it.
    async fn bus_after_restart(&self) -> LocalTransport {
        open_bus(&self.folder, &self.clock).await
    }

    fn reserved(&self, order: i64) -> Envelope {
        let event = StockReserved { order_id: OrderId::new(order).unwrap(), order_version: 1 };
        self.stamper.stamp(&event).unwrap()
    }

    fn expired(&self, user: i64) -> Envelope {
        let event = CartExpired { user_id: UserId::new(user).unwrap(), lines: Vec::new(), version: 1 };
        self.stamper.stamp(&event).unwrap()
    }
}

fn url(folder: &TempDir, name: &str) -> String {
    format!("sqlite:{}/{name}.db", folder.path().display())
}

async fn open_bus(folder: &TempDir, clock: &Arc<ShiftedClock>) -> LocalTransport {
    LocalTransport::open(&url(folder, "bus"), Access::ReadWrite, clock.clone()).await.unwrap()
}

async fn eventually<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    for _ in 0..1_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to be: {what}");
}
