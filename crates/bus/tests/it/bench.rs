//! The store of a service and a bus for one test.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use sea_orm_migration::MigratorTrait;
use souk_bus::{
    Consumer, LocalTransport, RabbitConfig, RabbitTransport, Stamper, Transport, rabbit::Topology, service_migrations,
};
use souk_events::{CartExpired, Envelope, StockReserved};
use souk_sql::{Access, Db};
use souk_testkit::engine;
use souk_values::{Id, IdGen, OrderId, Secret, ShiftedClock, UserId};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub struct Tables;

impl MigratorTrait for Tables {
    fn migrations() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> {
        service_migrations()
    }
}

pub struct Bench {
    pub clock: Arc<ShiftedClock>,
    pub db: Db,
    pub bus: Arc<dyn Transport>,
    pub kind: Kind,
    /// Cancelled at the end of the test.
    pub stop: CancellationToken,
    stamper: Stamper,
    folder: TempDir,
}

pub enum Kind {
    Local(LocalTransport),
    Rabbit { prefix: String, bus: RabbitTransport },
}

impl Bench {
    pub async fn local() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ShiftedClock::new(Duration::ZERO);
        let bus = LocalTransport::open(&url(&folder, "bus"), Access::ReadWrite, clock.clone()).await.unwrap();
        Self::of(folder, clock, Arc::new(bus.clone()), Kind::Local(bus)).await
    }

    pub async fn rabbit() -> Self {
        let prefix = format!("{}.", engine::unique_name());
        Self::rabbit_at(&engine::rabbitmq(), &prefix).await
    }

    /// Returns a bench that connects by `url`, which must lead to the broker of this run.
    pub async fn rabbit_at(url: &str, prefix: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ShiftedClock::new(Duration::ZERO);
        let bus = RabbitTransport::open(config(url, prefix), clock.clone()).await.unwrap();
        let kind = Kind::Rabbit { prefix: prefix.to_owned(), bus: bus.clone() };
        let bench = Self::of(folder, clock, Arc::new(bus), kind).await;
        bench.ready().await;
        bench
    }

    async fn of(folder: TempDir, clock: Arc<ShiftedClock>, bus: Arc<dyn Transport>, kind: Kind) -> Self {
        let db = Db::open(&url(&folder, "service"), Access::ReadWrite).await.unwrap();
        db.migrate::<Tables>().await.unwrap();
        let stamper = Stamper::new(IdGen::new(clock.clone()), clock.clone());
        Self { clock, db, bus, kind, stop: CancellationToken::new(), stamper, folder }
    }

    /// Runs `test`, then removes its exchanges and queues even if it failed.
    pub async fn run<F: Future<Output = ()>>(self, test: impl FnOnce(Arc<Self>) -> F) {
        let bench = Arc::new(self);
        let outcome = AssertUnwindSafe(test(Arc::clone(&bench))).catch_unwind().await;
        bench.stop.cancel();
        if let Kind::Rabbit { bus, prefix } = &bench.kind {
            bus.close().await;
            // On a connection of its own, since the test may have left its proxy stalled.
            let clean = RabbitTransport::inspect(&secret(&engine::rabbitmq()), prefix, bench.clock.clone()).await;
            clean.unwrap().remove_everything().await.unwrap();
        }
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    }

    pub async fn ready(&self) {
        souk_testkit::eventually("the bus works", || async { self.bus.ping().await.is_ok() }).await;
    }

    pub fn consume(&self, consumer: Consumer) {
        tokio::spawn(consumer.run(Arc::clone(&self.bus), self.stop.clone()));
    }

    /// Opens the bus as another process would.
    pub async fn another(&self) -> Arc<dyn Transport> {
        match &self.kind {
            Kind::Local(_) => Arc::new(
                LocalTransport::open(&url(&self.folder, "bus"), Access::ReadWrite, self.clock.clone()).await.unwrap(),
            ),
            Kind::Rabbit { .. } => Arc::new(self.another_rabbit().await),
        }
    }

    pub async fn another_rabbit(&self) -> RabbitTransport {
        RabbitTransport::inspect(&secret(&engine::rabbitmq()), self.prefix(), self.clock.clone()).await.unwrap()
    }

    /// Returns the number of undelivered messages in queues, delayed ones included.
    pub async fn waiting(&self) -> u64 {
        match &self.kind {
            Kind::Local(bus) => u64::try_from(bus.queued(u64::from(u32::MAX)).await.unwrap().len()).unwrap(),
            Kind::Rabbit { bus, .. } => {
                let depths = bus.queue_depths().await.unwrap();
                let is_letters = |queue: &str| queue.rsplit('.').next() == Some("dead");
                depths.iter().filter(|depth| !is_letters(&depth.queue)).map(|depth| depth.waiting).sum()
            }
        }
    }

    /// Inserts a body that is no event into the queue `order.stock`.
    pub async fn insert_raw(&self, body: &str) {
        match &self.kind {
            Kind::Local(_) => {
                use sea_orm::ConnectionTrait;
                let db = sea_orm::Database::connect(url(&self.folder, "bus")).await.unwrap();
                let id = uuid::Uuid::from_u128(7);
                let row = format!(
                    "INSERT INTO bus_message (position, queue, event_id, attempts, due_at, envelope) \
                     VALUES (1000000, 'order.stock', '{id}', 0, 0, '{body}')"
                );
                db.execute_unprepared(&row).await.unwrap();
            }
            Kind::Rabbit { prefix, .. } => {
                crate::rabbit::send(&format!("{prefix}souk.events"), "stock.reserved.v1", body.as_bytes()).await;
            }
        }
    }

    pub fn prefix(&self) -> &str {
        match &self.kind {
            Kind::Local(_) => "",
            Kind::Rabbit { prefix, .. } => prefix,
        }
    }

    pub fn topology(&self) -> Topology {
        Topology::with_prefix(self.prefix())
    }

    pub fn reserved(&self, order: i64) -> Envelope {
        let event = StockReserved { order_id: OrderId::new(order).unwrap(), order_version: 1 };
        self.stamper.stamp(&event).unwrap()
    }

    pub fn expired(&self, user: i64) -> Envelope {
        let event = CartExpired { user_id: UserId::new(user).unwrap(), lines: Vec::new(), version: 1 };
        self.stamper.stamp(&event).unwrap()
    }
}

pub fn secret(url: &str) -> Secret {
    Secret::new(url.to_owned())
}

pub fn config(url: &str, prefix: &str) -> RabbitConfig {
    RabbitConfig {
        url: secret(url),
        prefix: prefix.to_owned(),
        signal_types: vec!["stock."],
        connection_name: format!("test {prefix}"),
    }
}

fn url(folder: &TempDir, name: &str) -> String {
    format!("sqlite:{}/{name}.db", folder.path().display())
}
