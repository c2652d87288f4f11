//! Reads the facts for `souk audit`: one partition at a time, each in one transaction.

use souk_sql::{Access, SqlError};
use souk_values::UserId;

use super::{
    client::RedisClient,
    index::user_id,
    keys::{PARTITIONS, Partition},
    save::stored_cart,
};
use crate::audit::CartAuditFacts;

/// Attempts to read a partition in which carts are created at the same time.
const MAX_ATTEMPTS: u32 = 20;

/// Reads the facts of the store at `url`, which is opened read-only.
pub(crate) async fn read_facts(url: &str) -> Result<CartAuditFacts, SqlError> {
    let client = RedisClient::open(url, Access::ReadOnly, PARTITIONS).await?;
    let mut facts = CartAuditFacts::default();
    for partition in client.keys.partitions() {
        read_partition(&client, partition, &mut facts).await?;
    }
    Ok(facts.sorted())
}

async fn read_partition(
    client: &RedisClient,
    partition: Partition,
    facts: &mut CartAuditFacts,
) -> Result<(), SqlError> {
    let due = client.keys.due(partition);
    let listed: Vec<String> = client.query(redis::cmd("ZRANGE").arg(&due).arg(0).arg(-1)).await?;
    let mut users = owners(&listed)?;
    for _ in 0..MAX_ATTEMPTS {
        let mut read = redis::pipe();
        read.atomic().cmd("ZRANGE").arg(&due).arg(0).arg(-1);
        read.cmd("XLEN").arg(client.keys.outbox(partition));
        for user in &users {
            read.cmd("HMGET").arg(client.keys.cart(*user)).arg("version").arg("contents");
        }
        let mut replies = client.pipe::<Vec<redis::Value>>(&read).await?.into_iter();
        let (Some(listed), Some(pending)) = (replies.next(), replies.next()) else {
            return Err(unreadable(&"too few replies"));
        };
        // A transaction must name its keys before it reads the index. If the index has changed since, it is repeated.
        let current = owners(&value::<Vec<String>>(listed)?)?;
        if current != users {
            users = current;
            continue;
        }
        facts.outbox_pending += value::<u64>(pending)?;
        for (user, reply) in users.iter().zip(replies) {
            let (version, contents): (Option<i64>, Option<String>) = value(reply)?;
            facts.add_cart(*user, stored_cart(*user, version, contents.as_deref())?.contents().items());
        }
        return Ok(());
    }
    Err(SqlError::Busy(format!("carts of partition {} kept changing during {MAX_ATTEMPTS} attempts", partition.0)))
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
    SqlError::Failed(format!("a reply of Redis cannot be read: {cause}"))
}
