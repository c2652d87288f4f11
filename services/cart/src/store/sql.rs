//! Carts in a SQL store. A cart is one row, saved under its version.

mod act;
mod facts;
mod products;
mod wishes;

use std::collections::HashMap;

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use souk_bus::inbox;
use souk_sql::{Access, Db, SqlError};
use souk_values::{Currency, Id, ProductId, Timestamp, UserId};

pub(crate) use facts::read_facts;

use super::{
    CartStore, Done, Due, Occasion, Pulse, StoreError, Telling,
    entities::cart::{Column, Entity},
    migrations::Migrations,
};
use crate::{
    cart::{Act, Cart},
    product::{KnownProduct, Notice, ProductNews, Wish},
};

/// The SQL store.
#[derive(Debug)]
pub struct SqlCartStore {
    db: Db,
    currency: Currency,
}

impl SqlCartStore {
    /// Opens and migrates the store at `url`; prices in it are in `currency`.
    pub async fn open(url: &str, currency: Currency) -> Result<Self, SqlError> {
        let db = Db::open(url, Access::ReadWrite).await?;
        db.migrate::<Migrations>().await?;
        Ok(Self { db, currency })
    }

    /// Where the outbox is too.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.db
    }
}

/// What a column holds is no id. Errors: always.
fn damaged(what: &str, number: i64) -> SqlError {
    SqlError::Failed(format!("{number} in the store is no {what}"))
}

fn user_id(number: i64) -> Result<UserId, SqlError> {
    UserId::new(number).map_err(|_| damaged("user's id", number))
}

/// Another transaction changed or made the row between our reading and writing it: run again.
fn raced(what: &str) -> StoreError {
    SqlError::Busy(format!("another transaction was faster to change this {what}")).into()
}

/// A row that another transaction made meanwhile is a race too.
fn raced_if_there(error: sea_orm::DbErr, what: &str) -> StoreError {
    match SqlError::from(error) {
        SqlError::Unique(_) => raced(what),
        error => error.into(),
    }
}

#[async_trait::async_trait]
impl CartStore for SqlCartStore {
    async fn ping(&self, _now: Timestamp) -> Result<Pulse, StoreError> {
        self.db.ping().await?;
        Ok(Pulse { connections: self.db.reader().connections(), keyspace: None })
    }

    async fn cart(&self, user: UserId) -> Result<Cart, StoreError> {
        let row = Entity::find_by_id(user.get()).one(self.db.reader()).await?;
        Ok(row.map_or_else(|| Cart::empty(user), |row| Cart::kept(user, row.version, row.contents.0)))
    }

    async fn act(&self, user: UserId, act: Act, occasion: Occasion) -> Result<Done, StoreError> {
        let args = (user, act, occasion);
        self.db.write(args, |tx, (user, act, occasion)| Box::pin(act::perform(tx, *user, act, occasion))).await
    }

    async fn due(&self, now: Timestamp, limit: u64) -> Result<Due, StoreError> {
        let due: Vec<(i64, i64)> = Entity::find()
            .select_only()
            .columns([Column::UserId, Column::DueAt])
            .filter(Column::DueAt.is_not_null())
            .order_by_asc(Column::DueAt)
            .limit(limit.max(1))
            .into_tuple()
            .all(self.db.reader())
            .await?;
        let next = due.first().map(|(_, at)| Timestamp::from_millis(*at)).filter(|at| *at > now);
        let over = due.into_iter().filter(|(_, at)| *at <= now.millis());
        Ok(Due { users: over.map(|(user, _)| user_id(user)).collect::<Result<_, _>>()?, next })
    }

    async fn active_carts(&self) -> Result<u64, StoreError> {
        Ok(Entity::find().filter(Column::ActiveItems.gt(0)).count(self.db.reader()).await?)
    }

    async fn forget_old(&self, now: Timestamp) -> Result<(), StoreError> {
        inbox::forget_old(&self.db, now).await?;
        Ok(())
    }

    async fn products(&self, products: &[ProductId]) -> Result<HashMap<ProductId, KnownProduct>, StoreError> {
        self.known_products(products).await
    }

    async fn learn(&self, news: ProductNews) -> Result<(KnownProduct, bool), StoreError> {
        self.learn_news(news).await
    }

    async fn wishes(&self, user: UserId) -> Result<Vec<Wish>, StoreError> {
        self.wishes_of(user).await
    }

    async fn wish(&self, user: UserId, product: ProductId, revision: i64, now: Timestamp) -> Result<(), StoreError> {
        self.add_wish(user, product, revision, now).await
    }

    async fn unwish(&self, user: UserId, product: ProductId) -> Result<(), StoreError> {
        self.db.write((user, product), |tx, &(user, product)| Box::pin(wishes::remove(tx, user, product))).await
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
        self.db.write(telling, |tx, telling| Box::pin(wishes::tell(tx, telling))).await
    }
}
