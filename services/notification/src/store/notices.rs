//! Notices: insert, list, follow, mark as read.

use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Set, sea_query::Expr};
use souk_sql::{SqlError, Tx, insert_row, newest_page};
use souk_values::{Language, NotificationId, Page, PageRequest, Timestamp, UserId, ids::Id as _};

use super::{
    NewNotice, NotificationStore, damaged,
    entities::{
        notice::{ActiveModel, Column, Entity, Model},
        recipient,
    },
};
use crate::{kind::Kind, notice::Notice};

pub(super) async fn insert(tx: &Tx, notice: &NewNotice<'_>) -> Result<(), SqlError> {
    let NewNotice { id, recipient, draft, event_id, now } = notice;
    let text = draft.texts.get(recipient.language);
    let row = ActiveModel {
        notification_id: Set(id.get()),
        user_id: Set(recipient.user_id.get()),
        position: Set(recipient.position),
        event_id: Set(event_id.to_string()),
        kind: Set(draft.kind.name().to_owned()),
        title: Set(text.title.clone()),
        body: Set(text.body.clone()),
        link: Set(draft.link.clone()),
        facts: Set(draft.shown.clone()),
        created_at: Set(now.millis()),
        read_at: Set(None),
        language: Set(Some(recipient.language.code().to_owned())),
    };
    insert_row(tx, row).await?;
    Ok(())
}

impl NotificationStore {
    /// Lists the user's notices, newest first.
    pub(crate) async fn notices(
        &self,
        user: UserId,
        only_unread: bool,
        page: PageRequest,
    ) -> Result<Page<Notice>, SqlError> {
        let mut own = Entity::find().filter(Column::UserId.eq(user.get()));
        if only_unread {
            own = own.filter(Column::ReadAt.is_null());
        }
        newest_page(self.db.reader(), own, &[Column::Position], page).await?.try_map(read)
    }

    /// Returns at most `limit` of the user's notices after the one at `position`, oldest first.
    pub(crate) async fn notices_after(&self, user: UserId, position: i64, limit: u64) -> Result<Vec<Notice>, SqlError> {
        let later = Entity::find().filter(Column::UserId.eq(user.get())).filter(Column::Position.gt(position));
        let rows = later.order_by_asc(Column::Position).limit(limit).all(self.db.reader()).await?;
        rows.into_iter().map(read).collect()
    }

    /// Returns the position of the user's newest notice; 0 when there is none.
    pub(crate) async fn last_position(&self, user: UserId) -> Result<i64, SqlError> {
        let row = recipient::Entity::find_by_id(user.get()).one(self.db.reader()).await?;
        Ok(row.map_or(0, |row| row.last_position))
    }

    /// Marks a notice as read unless it already is. `None` when this user has no notice of this id.
    pub(crate) async fn mark_read(
        &self,
        user: UserId,
        id: NotificationId,
        now: Timestamp,
    ) -> Result<Option<Notice>, SqlError> {
        self.db
            .write((user, id, now), |tx, &(user, id, now)| {
                Box::pin(async move {
                    let own = Column::NotificationId.eq(id.get()).and(Column::UserId.eq(user.get()));
                    Entity::update_many()
                        .col_expr(Column::ReadAt, Expr::value(now.millis()))
                        .filter(own.clone())
                        .filter(Column::ReadAt.is_null())
                        .exec(tx)
                        .await?;
                    Entity::find().filter(own).one(tx).await?.map(read).transpose()
                })
            })
            .await
    }

    /// Marks all unread notices of a user as read, and returns their number.
    pub(crate) async fn mark_all_read(&self, user: UserId, now: Timestamp) -> Result<u64, SqlError> {
        self.db
            .write((user, now), |tx, &(user, now)| {
                Box::pin(async move {
                    let marked = Entity::update_many()
                        .col_expr(Column::ReadAt, Expr::value(now.millis()))
                        .filter(Column::UserId.eq(user.get()))
                        .filter(Column::ReadAt.is_null())
                        .exec(tx)
                        .await?;
                    Ok(marked.rows_affected)
                })
            })
            .await
    }
}

fn read(row: Model) -> Result<Notice, SqlError> {
    Ok(Notice {
        notification_id: NotificationId::new(row.notification_id).map_err(|error| damaged("notice", &error))?,
        kind: Kind::named(&row.kind).ok_or_else(|| damaged("notice", &format!("kind {}", row.kind)))?,
        language: row.language.as_deref().and_then(Language::with_code).unwrap_or_default(),
        title: row.title,
        body: row.body,
        link: row.link,
        // Of an earlier or a later release: the text says the same.
        facts: row.facts.and_then(|facts| serde_json::from_str(&facts).ok()).unwrap_or_default(),
        created_at: Timestamp::from_millis(row.created_at),
        read_at: row.read_at.map(Timestamp::from_millis),
        position: row.position,
    })
}
