//! Periodic jobs of a service, such as the deletion of old rows: each run is claimed by one of its replicas.
//!
//! Not [`crate::Leadership`], which holds a connection: a claim is one short transaction, and no process has to stay alive for
//! it. A run that ends with its process is made up for by the next one.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, Condition, DbBackend, EntityTrait, ExprTrait, QueryFilter, QuerySelect, Set, TryGetableMany, Value,
    sea_query::{Expr, IntoCondition},
};
use sea_orm_migration::{MigrationTrait, prelude::Table, schema};
use souk_values::Timestamp;

use crate::{Db, NewTable, SqlError, Tx, create_tables, insert_or_ignore};

/// Rows that are deleted in one transaction, so that no other write waits while a year of them goes.
pub const DELETION_BATCH: u64 = 1_000;

/// The latest run of each job.
mod job_run {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "job_run")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub job: String,
        pub claimed_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use job_run::{ActiveModel, Column, Entity};

/// Returns the migration of the table in which runs are claimed.
#[must_use]
pub fn job_migration() -> Box<dyn MigrationTrait> {
    create_tables("sql_m0001_job_run", job_runs)
}

fn job_runs(_: DbBackend) -> Vec<NewTable> {
    let runs = Table::create()
        .table("job_run")
        .col(schema::string_len("job", 64).primary_key())
        .col(schema::big_integer("claimed_at"))
        .take();
    vec![NewTable::new(runs)]
}

/// Claims a run of `job` at `now`. True for one of all processes with this store, and false for the others until a `period`
/// later.
///
/// A time of more than a `period` ahead comes from a wrong clock. It counts as none, or the job would wait for that time.
pub async fn claim_job(db: &Db, job: &str, now: Timestamp, period: Duration) -> Result<bool, SqlError> {
    let args = (job.to_owned(), now, period);
    db.write_without_hurry(args, |tx, (job, now, period)| Box::pin(claim(tx, job, *now, *period))).await
}

async fn claim(tx: &Tx, job: &str, now: Timestamp, period: Duration) -> Result<bool, SqlError> {
    let is_due = Column::ClaimedAt.lte(now.minus(period).millis()).or(Column::ClaimedAt.gt(now.plus(period).millis()));
    // One statement for condition and change: the second of two waits for the first, and then finds the new time.
    let claimed = Entity::update_many()
        .col_expr(Column::ClaimedAt, Expr::value(now.millis()))
        .filter(Column::Job.eq(job))
        .filter(is_due)
        .exec(tx)
        .await?;
    if claimed.rows_affected > 0 {
        return Ok(true);
    }
    let first = ActiveModel { job: Set(job.to_owned()), claimed_at: Set(now.millis()) };
    insert_or_ignore(tx, first).await
}

/// Deletes the rows of `E` that `condition` finds, at most [`DELETION_BATCH`] in a transaction, and returns their number.
/// `key` is the column of the primary key, whose values are `K`.
pub async fn delete_in_batches<E, K>(
    db: &Db,
    key: E::Column,
    condition: impl IntoCondition + Send,
) -> Result<u64, SqlError>
where
    E: EntityTrait,
    K: TryGetableMany + Into<Value> + Clone + Send + Sync + 'static,
{
    let condition = condition.into_condition();
    let mut deleted = 0;
    loop {
        let found = E::find().select_only().column(key).filter(condition.clone()).limit(DELETION_BATCH);
        let keys: Vec<K> = found.into_tuple().all(db.reader()).await?;
        let are_all = u64::try_from(keys.len()).is_ok_and(|keys| keys < DELETION_BATCH);
        if !keys.is_empty() {
            // The condition again: a row may have changed since it was found.
            let rows = Condition::all().add(condition.clone()).add(key.is_in(keys));
            deleted += db.write(rows, |tx, rows| Box::pin(delete::<E>(tx, rows.clone()))).await?;
        }
        if are_all {
            return Ok(deleted);
        }
    }
}

async fn delete<E: EntityTrait>(tx: &Tx, rows: Condition) -> Result<u64, SqlError> {
    Ok(E::delete_many().filter(rows).exec(tx).await?.rows_affected)
}
