//! Adds the time at which the latest version of a subject was received. Without an index: a job reads the table once a day.

use futures::{FutureExt, future::BoxFuture};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExprTrait};
use sea_orm_migration::{
    SchemaManagerConnection,
    prelude::{Expr, Query},
    schema::big_integer_null,
};
use souk_sql::TableChange;
use souk_values::{Clock, SystemClock};

pub(super) fn change(_: DbBackend) -> TableChange {
    TableChange::new("latest_news").column(big_integer_null("received_at")).filled_by(fill)
}

/// Takes the versions that are stored already as received now.
fn fill<'c>(connection: &'c SchemaManagerConnection<'c>) -> BoxFuture<'c, Result<(), DbErr>> {
    async move {
        let received = Query::update()
            .table("latest_news")
            .value("received_at", SystemClock.now().millis())
            .and_where(Expr::col("received_at").is_null())
            .take();
        connection.execute(&received).await.map(drop)
    }
    .boxed()
}
