//! Reads the facts for `souk audit`: one partition at a time, each as it is at one moment.

use souk_sql::{Access, SqlError};
use souk_values::UserId;

use super::{
    act::kept,
    due::user_id,
    keys::{PARTITIONS, Partition},
    link::Link,
};
use crate::audit::Facts;

/// How often a partition is read again because carts were made meanwhile.
const ATTEMPTS: u32 = 20;

/// Facts about the store at `url`; writes nothing.
pub(crate) async fn read_facts(url: &str) -> Result<Facts, SqlError> {
    let link = Link::open(url, Access::ReadOnly, PARTITIONS).await?;
    let mut facts = Facts::default();
    for partition in link.keys.partitions() {
        read_partition(&link, partition, &mut facts).await?;
    }
    Ok(facts.finished())
}

async fn read_partition(link: &Link, partition: Partition, facts: &mut Facts) -> Result<(), SqlError> {
    let due = link.keys.due(partition);
    let listed: Vec<String> = link.query(redis::cmd("ZRANGE").arg(&due).arg(0).arg(-1)).await?;
    let mut users = owners(&listed)?;
    for _ in 0..ATTEMPTS {
        let mut read = redis::pipe();
        read.atomic().cmd("ZRANGE").arg(&due).arg(0).arg(-1);
        read.cmd("XLEN").arg(link.keys.outbox(partition));
        for user in &users {
            read.cmd("HMGET").arg(link.keys.cart(*user)).arg("version").arg("contents");
        }
        let mut answers = link.pipe::<Vec<redis::Value>>(&read).await?.into_iter();
        let (Some(there), Some(pending)) = (answers.next(), answers.next()) else {
            return Err(unreadable(&"too few answers"));
        };
        let there = owners(&value::<Vec<String>>(there)?)?;
        if there != users {
            users = there;
            continue;
        }
        facts.outbox_pending += value::<u64>(pending)?;
        for (user, answer) in users.iter().zip(answers) {
            let (version, contents): (Option<i64>, Option<String>) = value(answer)?;
            facts.note(*user, kept(*user, version, contents.as_deref())?.contents().items());
        }
        return Ok(());
    }
    Err(SqlError::Busy(format!("carts of partition {} were made all the time, {ATTEMPTS} looks long", partition.0)))
}

fn owners(texts: &[String]) -> Result<Vec<UserId>, SqlError> {
    let mut users = texts.iter().map(|text| user_id(text)).collect::<Result<Vec<_>, _>>()?;
    users.sort();
    Ok(users)
}

fn value<T: redis::FromRedisValue>(value: redis::Value) -> Result<T, SqlError> {
    redis::from_redis_value(value).map_err(|error| unreadable(&error))
}

fn unreadable(cause: &dyn std::fmt::Display) -> SqlError {
    SqlError::Failed(format!("an answer of Redis cannot be read: {cause}"))
}
