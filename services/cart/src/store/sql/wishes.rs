//! Wishlists, and who was told what.

use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use souk_bus::outbox;
use souk_sql::{SqlError, Tx, insert_unless_there};
use souk_values::{Id, ProductId, Timestamp, UserId};

use super::{SqlCartStore, damaged, user_id};
use crate::{
    cart::Refusal,
    product::{MAX_WISHES, Notice, Wish},
    store::{
        StoreError, Telling,
        entities::wish::{ActiveModel, Column, Entity, Model},
    },
};

impl SqlCartStore {
    pub(super) async fn wishes_of(&self, user: UserId) -> Result<Vec<Wish>, StoreError> {
        let rows = Entity::find()
            .filter(Column::UserId.eq(user.get()))
            .order_by_desc(Column::AddedAt)
            .order_by_desc(Column::ProductId)
            .all(self.db.reader())
            .await?;
        let wish = |row: Model| {
            let product_id = ProductId::new(row.product_id).map_err(|_| damaged("product's id", row.product_id))?;
            Ok(Wish { product_id, added_at: Timestamp::from_millis(row.added_at) })
        };
        Ok(rows.into_iter().map(wish).collect::<Result<_, SqlError>>()?)
    }

    pub(super) async fn add_wish(
        &self,
        user: UserId,
        product: ProductId,
        revision: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let row = Model {
            user_id: user.get(),
            product_id: product.get(),
            added_at: now.millis(),
            told_back: revision,
            told_price: revision,
        };
        self.db.write(row, |tx, row| Box::pin(add(tx, row))).await
    }

    pub(super) async fn untold_of(
        &self,
        product: ProductId,
        (notice, revision): (Notice, i64),
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<UserId>, StoreError> {
        let users: Vec<i64> = Entity::find()
            .select_only()
            .column(Column::UserId)
            .filter(Column::ProductId.eq(product.get()))
            .filter(told(notice).lt(revision))
            .filter(Column::UserId.gt(after.map_or(0, Id::get)))
            .order_by_asc(Column::UserId)
            .limit(limit)
            .into_tuple()
            .all(self.db.reader())
            .await?;
        Ok(users.into_iter().map(user_id).collect::<Result<_, _>>()?)
    }
}

/// The column that remembers up to which revision a notice was told.
fn told(notice: Notice) -> Column {
    match notice {
        Notice::Back => Column::ToldBack,
        Notice::PriceDrop => Column::ToldPrice,
    }
}

async fn add(tx: &Tx, row: &Model) -> Result<(), StoreError> {
    let new = ActiveModel {
        user_id: Set(row.user_id),
        product_id: Set(row.product_id),
        added_at: Set(row.added_at),
        told_back: Set(row.told_back),
        told_price: Set(row.told_price),
    };
    let inserted = insert_unless_there(tx, [new]).await?;
    let own = Entity::find().filter(Column::UserId.eq(row.user_id));
    if inserted == 1 && own.count(tx).await? > MAX_WISHES {
        return Err(Refusal::TooManyWishes.into());
    }
    Ok(())
}

pub(super) async fn remove(tx: &Tx, user: UserId, product: ProductId) -> Result<(), StoreError> {
    let is_meant = Condition::all().add(Column::UserId.eq(user.get())).add(Column::ProductId.eq(product.get()));
    let removed = Entity::delete_many().filter(is_meant).exec(tx).await?.rows_affected;
    if removed == 1 { Ok(()) } else { Err(Refusal::NotWished.into()) }
}

pub(super) async fn tell(tx: &Tx, telling: &Telling) -> Result<bool, StoreError> {
    let column = told(telling.notice);
    let noted = match telling.notice {
        Notice::Back => ActiveModel { told_back: Set(telling.revision), ..ActiveModel::default() },
        Notice::PriceDrop => ActiveModel { told_price: Set(telling.revision), ..ActiveModel::default() },
    };
    let is_untold = Condition::all()
        .add(Column::UserId.eq(telling.user_id.get()))
        .add(Column::ProductId.eq(telling.product_id.get()))
        .add(column.lt(telling.revision));
    let is_first = Entity::update_many().set(noted).filter(is_untold).exec(tx).await?.rows_affected == 1;
    if is_first {
        outbox::add(tx, std::slice::from_ref(&telling.envelope)).await?;
    }
    Ok(is_first)
}
