//! Reads the facts for `souk audit`, in one snapshot.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use souk_bus::{Outbox, SqlOutbox};
use souk_sql::{Access, Db, SqlError};

use super::user_id;
use crate::{
    audit::CartAuditFacts,
    store::entities::cart::{Column, Entity},
};

/// Carts read per query.
const PAGE: u64 = 500;

/// Reads the facts of the store at `url`, which is opened read-only.
pub(crate) async fn read_facts(url: &str) -> Result<CartAuditFacts, SqlError> {
    let db = Db::open(url, Access::ReadOnly).await?;
    let outbox = SqlOutbox::new(db.clone()).backlog().await.map_err(|error| SqlError::Failed(error.to_string()))?;
    let snapshot = db.snapshot().await?;
    let mut facts = CartAuditFacts { outbox_pending: outbox.pending, ..CartAuditFacts::default() };
    let mut last = 0;
    loop {
        let behind = Entity::find().filter(Column::UserId.gt(last)).order_by_asc(Column::UserId).limit(PAGE);
        let carts = behind.all(&snapshot).await?;
        let Some(latest) = carts.last() else { break };
        last = latest.user_id;
        for cart in carts {
            facts.add_cart(user_id(cart.user_id)?, cart.contents.0.items());
        }
    }
    snapshot.commit().await?;
    Ok(facts.sorted())
}
