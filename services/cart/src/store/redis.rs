//! Carts in Redis 7 or Valkey. Users fall into partitions; one script changes everything of a user
//! together: cart, index, inbox and outbox. It saves what was decided here, if nothing that this was
//! decided on has changed meanwhile.

mod act;
mod address;
mod due;
mod facts;
mod health;
mod keys;
mod link;
mod outbox;
mod products;
mod scripts;
mod wishes;

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde::Serialize;
use souk_bus::inbox;
use souk_sql::{Access, Connections, SqlError};
use souk_values::{Currency, Id, ProductId, Timestamp, UserId};
use tokio::sync::{Mutex, MutexGuard, Notify};

pub(crate) use address::is_redis;
pub(crate) use facts::read_facts;
pub use health::{Health, health};
pub use outbox::RedisOutbox;

use keys::{Keys, PARTITIONS};
use link::Link;

use super::{CartStore, Done, Due, Occasion, Pulse, StoreError, Telling};
use crate::{
    cart::{Act, Cart},
    product::{KnownProduct, Notice, ProductNews, Wish},
};

/// How often something is decided again because another replica was faster.
const ATTEMPTS: u32 = 16;
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(32);
/// How long one waits in this process for others who act on the same cart.
const TURN: Duration = Duration::from_secs(5);
/// Users of this process who act at the same time, more or less.
const TURNS: u16 = 256;

/// The Redis store.
#[derive(Debug)]
pub struct RedisCartStore {
    link: Arc<Link>,
    currency: Currency,
    written: Arc<Notify>,
    /// Those who act on one cart in this process take turns, so that only replicas race.
    turns: HashMap<u16, Mutex<()>>,
}

/// Opens the store at `url`, whose prices are in `currency`, with its outbox.
///
/// Errors: the URL is none; the Redis does not answer; it keeps carts in another number of partitions.
pub async fn open(url: &str, currency: Currency) -> Result<(RedisCartStore, RedisOutbox), SqlError> {
    open_in(url, currency, PARTITIONS).await
}

/// The same, with another number of partitions than this build's own.
pub async fn open_in(
    url: &str,
    currency: Currency,
    partitions: u16,
) -> Result<(RedisCartStore, RedisOutbox), SqlError> {
    let link = Arc::new(Link::open(url, Access::ReadWrite, partitions).await?);
    let written = Arc::new(Notify::new());
    let outbox = RedisOutbox::new(Arc::clone(&link), Arc::clone(&written));
    let turns = (0..TURNS).map(|turn| (turn, Mutex::default())).collect();
    Ok((RedisCartStore { link, currency, written, turns }, outbox))
}

/// Opens the outbox of the store at `url` for looking only.
pub(crate) async fn open_outbox(url: &str) -> Result<RedisOutbox, SqlError> {
    let link = Link::open(url, Access::ReadOnly, PARTITIONS).await?;
    Ok(RedisOutbox::new(Arc::new(link), Arc::default()))
}

/// What is kept cannot be read: somebody else wrote it, or it was changed by hand.
fn damaged(what: &str, cause: &dyn std::fmt::Display) -> SqlError {
    SqlError::Failed(format!("{what} in Redis is damaged: {cause}"))
}

fn json(value: &impl Serialize) -> Result<String, SqlError> {
    serde_json::to_string(value).map_err(|error| SqlError::Failed(error.to_string()))
}

fn busy(what: &str) -> StoreError {
    SqlError::Busy(format!("others were faster to change this {what}, {ATTEMPTS} times")).into()
}

/// Lets others finish. Real time: the pace of trying, not a term of the business.
async fn pause(attempt: u32) {
    tokio::time::sleep(Duration::from_millis(1 << attempt.min(8)).min(LONGEST_PAUSE)).await;
}

impl RedisCartStore {
    fn keys(&self) -> &Keys {
        &self.link.keys
    }

    /// Errors: others held the turn for too long.
    async fn turn(&self, user: UserId) -> Result<Option<MutexGuard<'_, ()>>, SqlError> {
        let number = u16::try_from(user.get().rem_euclid(i64::from(TURNS))).unwrap_or(0);
        let Some(turn) = self.turns.get(&number) else { return Ok(None) };
        let waited = tokio::time::timeout(TURN, turn.lock()).await;
        waited.map(Some).map_err(|_| SqlError::Busy("others act on this cart for too long".into()))
    }
}

#[async_trait::async_trait]
impl CartStore for RedisCartStore {
    async fn ping(&self, now: Timestamp) -> Result<Pulse, StoreError> {
        let keyspace = Some(self.probe(now).await?);
        // One connection, on which everybody's commands are on their way side by side.
        Ok(Pulse { connections: Connections { used: 1, idle: 0 }, keyspace })
    }

    async fn cart(&self, user: UserId) -> Result<Cart, StoreError> {
        self.kept_cart(user).await
    }

    async fn act(&self, user: UserId, act: Act, occasion: Occasion) -> Result<Done, StoreError> {
        let _turn = self.turn(user).await?;
        for attempt in 0..ATTEMPTS {
            if let Some(done) = self.try_act(user, &act, &occasion).await? {
                return Ok(done);
            }
            pause(attempt).await;
        }
        Err(busy("cart"))
    }

    async fn due(&self, now: Timestamp, limit: u64) -> Result<Due, StoreError> {
        self.due_carts(now, limit).await
    }

    async fn active_carts(&self) -> Result<u64, StoreError> {
        self.count_active().await
    }

    async fn forget_old(&self, now: Timestamp) -> Result<(), StoreError> {
        self.forget_events_before(now.minus(inbox::REMEMBERED)).await
    }

    async fn products(&self, products: &[ProductId]) -> Result<HashMap<ProductId, KnownProduct>, StoreError> {
        self.known_products(products).await
    }

    async fn learn(&self, news: ProductNews) -> Result<(KnownProduct, bool), StoreError> {
        for attempt in 0..ATTEMPTS {
            if let Some(learnt) = self.try_learn(&news).await? {
                return Ok(learnt);
            }
            pause(attempt).await;
        }
        Err(busy("product"))
    }

    async fn wishes(&self, user: UserId) -> Result<Vec<Wish>, StoreError> {
        self.wishes_of(user).await
    }

    async fn wish(&self, user: UserId, product: ProductId, revision: i64, now: Timestamp) -> Result<(), StoreError> {
        self.add_wish(user, product, revision, now).await
    }

    async fn unwish(&self, user: UserId, product: ProductId) -> Result<(), StoreError> {
        self.remove_wish(user, product).await
    }

    async fn untold(
        &self,
        product: ProductId,
        news: (Notice, i64),
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<UserId>, StoreError> {
        self.untold_of(product, news, after, limit).await
    }

    async fn tell(&self, telling: Telling) -> Result<bool, StoreError> {
        for attempt in 0..ATTEMPTS {
            if let Some(is_told) = self.try_tell(&telling).await? {
                return Ok(is_told);
            }
            pause(attempt).await;
        }
        Err(busy("wish"))
    }
}
