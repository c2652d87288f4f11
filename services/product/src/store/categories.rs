//! The category tree: read, insert, edit, delete.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use souk_sql::{SqlError, Tx};
use souk_values::{CategoryId, Id};

use super::{
    ProductStore, RequestKey, StoreError,
    changes::By,
    entities::{
        category::{Column, Entity},
        product,
    },
    rows,
};
use crate::{
    category::{Category, CategoryDraft, CategoryEdit, CategoryTree},
    slug::{self, slugify},
};

/// Attempts to insert a category, each with another id and, from the second on, the id in its slug.
const MAX_ATTEMPTS: u32 = 4;

impl ProductStore {
    /// Returns all categories, by position and name.
    pub(crate) async fn categories(&self) -> Result<CategoryTree, StoreError> {
        Ok(tree(self.db.reader()).await?)
    }

    /// Inserts a category. A repeated key returns the category that it created, in its current state.
    pub(crate) async fn insert_category(
        &self,
        draft: CategoryDraft,
        request: Option<RequestKey>,
    ) -> Result<Category, StoreError> {
        let mut attempt = 1;
        loop {
            if let Some(category) = self.category_created_by(request.as_ref()).await? {
                return Ok(category);
            }
            let category_id = self.ids.next();
            let CategoryDraft { name, parent_id, slug, position } = draft.clone();
            let slug = slug.unwrap_or_else(|| derived_slug(&name, category_id, attempt > 1));
            let category = Category { category_id, parent_id, slug, name, position };
            let args = (category.clone(), request.clone());
            match self
                .db
                .write(args, |tx, (category, request)| {
                    Box::pin(async move {
                        if let Some(parent) = category.parent_id {
                            lock_for_content(tx, parent).await?;
                        }
                        let row = rows::category_row(category, request.as_ref());
                        Entity::insert(row).exec_without_returning(tx).await?;
                        Ok::<_, StoreError>(())
                    })
                })
                .await
            {
                Ok(()) => {
                    self.changes.note_categories(By::Admin);
                    return Ok(category);
                }
                Err(StoreError::Sql(error @ SqlError::Unique(_))) => {
                    if let Some(category) = self.category_created_by(request.as_ref()).await? {
                        return Ok(category);
                    }
                    if draft.slug.is_some() {
                        refuse_taken(&error)?;
                    }
                    if attempt == MAX_ATTEMPTS {
                        return Err(StoreError::Sql(error));
                    }
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn category_created_by(&self, request: Option<&RequestKey>) -> Result<Option<Category>, StoreError> {
        let Some(request) = request else { return Ok(None) };
        let row = Entity::find().filter(Column::RequestKey.eq(&request.key)).one(self.db.reader()).await?;
        let Some(row) = row else { return Ok(None) };
        request.must_match(row.request_hash.as_deref())?;
        Ok(Some(rows::read_category(row)?))
    }

    pub(crate) async fn edit_category(&self, id: CategoryId, edit: CategoryEdit) -> Result<Category, StoreError> {
        let outcome = self.db.write((id, edit), |tx, (id, edit)| Box::pin(save(tx, *id, edit))).await;
        self.changes.note_categories(By::Admin);
        if let Err(StoreError::Sql(error)) = &outcome {
            refuse_taken(error)?;
        }
        outcome
    }

    /// Deletes an empty category. Products that were deleted from the catalogue do not count.
    pub(crate) async fn delete_category(&self, id: CategoryId) -> Result<(), StoreError> {
        let outcome = self
            .db
            .write(id, |tx, id| {
                Box::pin(async move {
                    if !is_locked(tx, *id).await? {
                        return Err(StoreError::CategoryNotFound(*id));
                    }
                    let child = Entity::find().filter(Column::ParentId.eq(id.get())).one(tx).await?;
                    let product = product::Entity::find()
                        .select_only()
                        .column(product::Column::ProductId)
                        .filter(product::Column::CategoryId.eq(id.get()))
                        .filter(rows::is_visible(true))
                        .limit(1)
                        .into_tuple::<i64>()
                        .one(tx)
                        .await?;
                    if child.is_some() || product.is_some() {
                        return Err(StoreError::CategoryInUse);
                    }
                    Entity::delete_by_id(id.get()).exec(tx).await?;
                    Ok(())
                })
            })
            .await;
        self.changes.note_categories(By::Admin);
        outcome
    }
}

/// Derives a slug from `name`; from the id alone when the name has no character for it.
pub(super) fn derived_slug(name: &str, id: CategoryId, with_id: bool) -> String {
    match slugify(name) {
        slug if slug.is_empty() => format!("category-{id}"),
        slug if with_id => slug::with_id(&slug, id),
        slug => slug,
    }
}

fn refuse_taken(error: &SqlError) -> Result<(), StoreError> {
    if error.is_unique("uq_category_slug") || error.is_unique("category.slug") {
        return Err(StoreError::CategorySlugTaken);
    }
    Ok(())
}

/// Returns all categories, by position and name.
pub(super) async fn tree(connection: &impl ConnectionTrait) -> Result<CategoryTree, SqlError> {
    let query =
        Entity::find().order_by_asc(Column::Position).order_by_asc(Column::Name).order_by_asc(Column::CategoryId);
    let rows = query.all(connection).await?;
    Ok(CategoryTree::new(rows.into_iter().map(rows::read_category).collect::<Result<_, _>>()?))
}

/// Locks a category, so that a concurrent deletion does not take it for empty.
pub(super) async fn lock_for_content(tx: &Tx, id: CategoryId) -> Result<(), StoreError> {
    if is_locked(tx, id).await? { Ok(()) } else { Err(StoreError::CategoryUnknown(id)) }
}

async fn is_locked(tx: &Tx, id: CategoryId) -> Result<bool, SqlError> {
    Ok(Entity::find_by_id(id.get()).lock_exclusive().one(tx).await?.is_some())
}

async fn save(tx: &Tx, id: CategoryId, edit: &CategoryEdit) -> Result<Category, StoreError> {
    // All are locked: two concurrent moves, neither of which is a cycle, could make one together.
    let rows = Entity::find().order_by_asc(Column::CategoryId).lock_exclusive().all(tx).await?;
    let tree = CategoryTree::new(rows.into_iter().map(rows::read_category).collect::<Result<_, _>>()?);
    let old = tree.get(id).ok_or(StoreError::CategoryNotFound(id))?.clone();
    let edited = Category {
        category_id: id,
        parent_id: edit.parent_id.unwrap_or(old.parent_id),
        slug: edit.slug.clone().unwrap_or(old.slug),
        name: edit.name.clone().unwrap_or(old.name),
        position: edit.position.unwrap_or(old.position),
    };
    if let Some(parent) = edited.parent_id {
        tree.get(parent).ok_or(StoreError::CategoryUnknown(parent))?;
        if tree.with_descendants(id).contains(&parent) {
            return Err(StoreError::CategoryCycle);
        }
    }
    let mut row = rows::category_row(&edited, None);
    row.request_key = sea_orm::NotSet;
    row.request_hash = sea_orm::NotSet;
    Entity::update_many().set(row).filter(Column::CategoryId.eq(id.get())).exec(tx).await?;
    Ok(edited)
}
