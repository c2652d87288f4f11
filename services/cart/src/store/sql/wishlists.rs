//! Wishlists, each wish a row with the revisions up to which its user was alerted.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use souk_bus::outbox;
use souk_sql::{SqlError, Tx, insert_or_ignore};
use souk_values::{Id, Money, ProductId, Timestamp, UserId};

use super::{SqlCartStore, damaged, user_id};
use crate::{
    cart::Refusal,
    product::{AlertKind, MAX_WISHES, SeenProduct, Wish},
    store::{
        StoreError, WishAlert, Wishlists,
        entities::wish::{Column, Entity, Model},
    },
};

#[async_trait::async_trait]
impl Wishlists for SqlCartStore {
    async fn wishes(&self, user: UserId) -> Result<Vec<Wish>, StoreError> {
        let rows = Entity::find()
            .filter(Column::UserId.eq(user.get()))
            .order_by_desc(Column::AddedAt)
            .order_by_desc(Column::ProductId)
            .all(self.db.reader())
            .await?;
        let wish = |row: Model| {
            let product_id = ProductId::new(row.product_id).map_err(|_| damaged("product id", row.product_id))?;
            let price_when_added = row.price_minor.map(|minor| Money::new(minor, self.currency));
            Ok(Wish { product_id, added_at: Timestamp::from_millis(row.added_at), price_when_added })
        };
        Ok(rows.into_iter().map(wish).collect::<Result<_, SqlError>>()?)
    }

    async fn add_wish(
        &self,
        user: UserId,
        product: ProductId,
        seen: SeenProduct,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let row = Model {
            user_id: user.get(),
            product_id: product.get(),
            added_at: now.millis(),
            told_back: seen.revision,
            told_price: seen.revision,
            price_minor: Some(seen.price.minor),
        };
        self.db.write(row, |tx, row| Box::pin(add(tx, row))).await
    }

    async fn remove_wish(&self, user: UserId, product: ProductId) -> Result<(), StoreError> {
        self.db.write((user, product), |tx, &(user, product)| Box::pin(remove(tx, user, product))).await
    }

    async fn users_to_alert(
        &self,
        product: ProductId,
        kind: AlertKind,
        revision: i64,
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<UserId>, StoreError> {
        let users: Vec<i64> = Entity::find()
            .select_only()
            .column(Column::UserId)
            .filter(Column::ProductId.eq(product.get()))
            .filter(alerted_revision(kind).lt(revision))
            .filter(Column::UserId.gt(after.map_or(0, Id::get)))
            .order_by_asc(Column::UserId)
            .limit(limit)
            .into_tuple()
            .all(self.db.reader())
            .await?;
        Ok(users.into_iter().map(user_id).collect::<Result<_, _>>()?)
    }

    async fn publish_alert(&self, alert: WishAlert) -> Result<bool, StoreError> {
        self.db.write(alert, |tx, alert| Box::pin(publish(tx, alert))).await
    }
}

/// Returns the column with the revision up to which alerts of `kind` were published.
fn alerted_revision(kind: AlertKind) -> Column {
    match kind {
        AlertKind::BackInStock => Column::ToldBack,
        AlertKind::PriceDrop => Column::ToldPrice,
    }
}

async fn add(tx: &Tx, row: &Model) -> Result<(), StoreError> {
    let is_new = insert_or_ignore(tx, row.clone().into_active_model()).await?;
    let own = Entity::find().filter(Column::UserId.eq(row.user_id));
    if is_new && own.count(tx).await? > MAX_WISHES {
        return Err(Refusal::TooManyWishes.into());
    }
    Ok(())
}

/// Removes a wish, within the transaction that may add it to the cart. Errors: [`Refusal::NotWished`].
pub(super) async fn remove(tx: &Tx, user: UserId, product: ProductId) -> Result<(), StoreError> {
    let is_wish = Condition::all().add(Column::UserId.eq(user.get())).add(Column::ProductId.eq(product.get()));
    let removed = Entity::delete_many().filter(is_wish).exec(tx).await?.rows_affected;
    if removed == 1 { Ok(()) } else { Err(Refusal::NotWished.into()) }
}

async fn publish(tx: &Tx, alert: &WishAlert) -> Result<bool, StoreError> {
    let is_due = Condition::all()
        .add(Column::UserId.eq(alert.user_id.get()))
        .add(Column::ProductId.eq(alert.product_id.get()))
        .add(alerted_revision(alert.kind).lt(alert.revision));
    let update = Entity::update_many().col_expr(alerted_revision(alert.kind), Expr::value(alert.revision));
    let is_first = update.filter(is_due).exec(tx).await?.rows_affected == 1;
    if is_first {
        outbox::add(tx, std::slice::from_ref(&alert.envelope)).await?;
    }
    Ok(is_first)
}
