//! The index by due time: every cart that is kept is in its partition's.

use redis::{FromRedisValue, ParsingError, Value};
use souk_values::{Timestamp, UserId};

use super::{RedisCartStore, damaged, keys::Partition, scripts};
use crate::store::{Due, StoreError};

/// Events forgotten by one script.
const FORGET_AT_ONCE: u64 = 1_000;
/// How long a relay must have been silent, with nothing in hand, to be forgotten. Real time of the
/// server: no term of the business.
const RELAY_IS_GONE_MS: u64 = 86_400_000;

/// When a cart is due, as the index keeps it; `None` for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DueAt(pub Option<Timestamp>);

impl DueAt {
    pub fn score(self) -> String {
        self.0.map_or_else(|| "+inf".to_owned(), |due| due.millis().to_string())
    }
}

impl FromRedisValue for DueAt {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let score = f64::from_redis_value(value)?;
        if score.is_infinite() {
            return Ok(Self(None));
        }
        // Shown without a fraction it is the number that was written, digit by digit.
        let millis = format!("{score:.0}").parse();
        millis.map(|millis| Self(Some(Timestamp::from_millis(millis)))).map_err(|_| "a score is no time".into())
    }
}

impl RedisCartStore {
    pub(super) async fn due_carts(&self, now: Timestamp, limit: u64) -> Result<Due, StoreError> {
        let mut first = redis::pipe();
        for partition in self.keys().partitions() {
            first.cmd("ZRANGE").arg(self.keys().due(partition)).arg(0).arg(0).arg("WITHSCORES");
        }
        let firsts: Vec<Vec<(String, DueAt)>> = self.link.pipe(&first).await?;
        let first_of = |first: &Vec<(String, DueAt)>| first.first().and_then(|(_, due)| due.0);
        let next = firsts.iter().filter_map(first_of).min();
        if next.is_none_or(|next| next > now) {
            return Ok(Due { users: Vec::new(), next });
        }
        let over =
            |(partition, first): (Partition, &Vec<_>)| first_of(first).filter(|at| *at <= now).map(|_| partition);
        let mut read = redis::pipe();
        for partition in self.keys().partitions().zip(&firsts).filter_map(over) {
            read.cmd("ZRANGE").arg(self.keys().due(partition)).arg("-inf").arg(now.millis()).arg("BYSCORE");
            read.arg("LIMIT").arg(0).arg(limit.max(1)).arg("WITHSCORES");
        }
        let due: Vec<Vec<(String, DueAt)>> = self.link.pipe(&read).await?;
        let mut due: Vec<_> = due.into_iter().flatten().collect();
        due.sort_by_key(|(_, due)| due.0);
        due.truncate(usize::try_from(limit.max(1)).unwrap_or(usize::MAX));
        let users = due.into_iter().map(|(user, _)| user_id(&user)).collect::<Result<_, _>>()?;
        Ok(Due { users, next: None })
    }

    pub(super) async fn count_active(&self) -> Result<u64, StoreError> {
        let mut read = redis::pipe();
        for partition in self.keys().partitions() {
            read.cmd("SCARD").arg(self.keys().active(partition));
        }
        let counts: Vec<u64> = self.link.pipe(&read).await?;
        Ok(counts.into_iter().sum())
    }

    pub(super) async fn forget_events_before(&self, before: Timestamp) -> Result<(), StoreError> {
        for partition in self.keys().partitions() {
            loop {
                let mut forget = scripts::FORGET.prepare_invoke();
                forget.key(self.keys().inbox(partition)).key(self.keys().outbox(partition));
                forget.arg(before.millis()).arg(FORGET_AT_ONCE).arg(super::outbox::GROUP).arg(RELAY_IS_GONE_MS);
                let forgotten: u64 = self.link.run(&forget).await?;
                if forgotten < FORGET_AT_ONCE {
                    break;
                }
            }
        }
        Ok(())
    }
}

pub(super) fn user_id(text: &str) -> Result<UserId, souk_sql::SqlError> {
    text.parse().map_err(|_| damaged("an index of carts", &text))
}
