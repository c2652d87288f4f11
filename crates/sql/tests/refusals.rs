//! Refusals of engines that have nothing to do with the data are transient, those that lie in the data are not.
#![expect(clippy::unwrap_used, reason = "tests")]

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use souk_sql::{Access, Db, SqlError};
use souk_testkit::{engine, engine::Stores, eventually, needs_engines};

/// A user of a database on PostgreSQL or MySQL, who may use the table `note`; removed at the end.
struct Account {
    /// A connection with all rights.
    operator: Db,
    name: String,
    /// URL of the database for the user.
    url: String,
    is_postgres: bool,
    _stores: Stores,
}

const PASSWORD: &str = "xyzzy-plugh";

impl Account {
    async fn on(service: &str) -> Self {
        let stores = Stores::new();
        let url = stores.url(service);
        let operator = Db::open(&url, Access::ReadWrite).await.unwrap();
        let name = format!("u{:08x}", fold(&engine::unique_name()));
        let is_postgres = url.starts_with("postgres");
        let (create, grant) = if is_postgres {
            (format!("CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'"), format!("GRANT ALL ON note TO {name}"))
        } else {
            (
                format!("CREATE USER {name} IDENTIFIED BY '{PASSWORD}'"),
                format!("GRANT INSERT, SELECT ON note TO {name}"),
            )
        };
        let mut login = url::Url::parse(&url).unwrap();
        login.set_username(&name).unwrap();
        login.set_password(Some(PASSWORD)).unwrap();
        let account = Self { operator, name, url: login.to_string(), is_postgres, _stores: stores };
        account.execute("CREATE TABLE note (id BIGINT PRIMARY KEY, story VARCHAR(10) NOT NULL)").await;
        account.execute(&create).await;
        account.execute(&grant).await;
        account
    }

    async fn execute(&self, sql: &str) {
        self.operator.reader().execute_unprepared(sql).await.unwrap();
    }

    /// Executes the statement of this account's engine.
    async fn execute_either(&self, postgres: String, mysql: String) {
        self.execute(if self.is_postgres { &postgres } else { &mysql }).await;
    }

    /// Removes the user. The database is removed with `Stores`.
    async fn remove(self) {
        let Self { name, .. } = &self;
        self.execute_either(format!("DROP OWNED BY {name}"), format!("DROP USER {name}")).await;
        if self.is_postgres {
            self.execute(&format!("DROP ROLE {name}")).await;
        }
    }
}

/// Shortens a name below the engines' limits for users.
fn fold(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

async fn insert(db: &Db, id: i64, story: &'static str) -> Result<(), SqlError> {
    db.write((id, story), |tx, (id, story)| {
        Box::pin(async move {
            tx.execute_unprepared(&format!("INSERT INTO note (id, story) VALUES ({id}, '{story}')")).await?;
            Ok(())
        })
    })
    .await
}

fn assert_transient(outcome: Result<(), SqlError>, reason: &str) {
    let error = outcome.unwrap_err();
    assert!(matches!(error, SqlError::Unavailable(_)) && error.is_transient(), "{reason}: {error:?}");
    assert!(!error.to_string().contains(PASSWORD), "{reason}: {error}");
}

/// Keeps the only connection of `db`'s pool busy, so that the next statement needs a new one.
async fn occupied(db: &Db) -> DatabaseTransaction {
    db.snapshot().await.unwrap()
}

#[tokio::test]
async fn a_user_whose_connection_limit_is_reached_is_not_the_fault_of_the_data() {
    if !needs_engines() {
        return;
    }
    for service in ["order", "product"] {
        let account = Account::on(service).await;
        let name = &account.name;
        account
            .execute_either(
                format!("ALTER ROLE {name} CONNECTION LIMIT 1"),
                format!("ALTER USER {name} WITH MAX_USER_CONNECTIONS 1"),
            )
            .await;
        let db = Db::open(&account.url, Access::ReadWrite).await.unwrap();
        let busy = occupied(&db).await;
        assert_transient(insert(&db, 1, "one").await, service);
        busy.commit().await.unwrap();
        // The pool takes its connection back a moment after the commit.
        eventually("it works again", || async { insert(&db, 1, "one").await.is_ok() }).await;
        drop(db);
        account.remove().await;
    }
}

#[tokio::test]
async fn a_login_that_was_changed_meanwhile_is_not_the_fault_of_the_data() {
    if !needs_engines() {
        return;
    }
    for service in ["order", "product"] {
        let account = Account::on(service).await;
        let name = &account.name;
        let db = Db::open(&account.url, Access::ReadWrite).await.unwrap();
        let busy = occupied(&db).await;
        // A server that trusts local connections checks no password, but it does check that a role may log in.
        account
            .execute_either(
                format!("ALTER ROLE {name} NOLOGIN PASSWORD 'other'"),
                format!("ALTER USER {name} IDENTIFIED BY 'other'"),
            )
            .await;
        assert_transient(insert(&db, 1, "one").await, service);
        account
            .execute_either(
                format!("ALTER ROLE {name} LOGIN PASSWORD '{PASSWORD}'"),
                format!("ALTER USER {name} IDENTIFIED BY '{PASSWORD}'"),
            )
            .await;
        insert(&db, 1, "one").await.unwrap();
        busy.commit().await.unwrap();
        drop(db);
        account.remove().await;
    }
}

#[tokio::test]
async fn a_missing_right_and_a_missing_table_are_not_the_fault_of_the_data() {
    if !needs_engines() {
        return;
    }
    for service in ["order", "product"] {
        let account = Account::on(service).await;
        let name = &account.name;
        let db = Db::open(&account.url, Access::ReadWrite).await.unwrap();
        account
            .execute_either(format!("REVOKE ALL ON note FROM {name}"), format!("REVOKE INSERT ON note FROM {name}"))
            .await;
        assert_transient(insert(&db, 1, "one").await, service);
        account.execute_either(format!("GRANT ALL ON note TO {name}"), format!("GRANT INSERT ON note TO {name}")).await;
        insert(&db, 1, "one").await.unwrap();
        account.execute("ALTER TABLE note RENAME TO elsewhere").await;
        assert_transient(insert(&account.operator, 2, "two").await, service);
        account.execute("ALTER TABLE elsewhere RENAME TO note").await;
        insert(&db, 2, "two").await.unwrap();
        drop(db);
        account.remove().await;
    }
}

#[tokio::test]
async fn a_read_only_transaction_is_transient_and_a_value_that_does_not_fit_is_not() {
    if !needs_engines() {
        return;
    }
    for service in ["order", "product"] {
        let account = Account::on(service).await;
        let db = Db::open(&account.url, Access::ReadWrite).await.unwrap();
        let snapshot = db.snapshot().await.unwrap();
        let written = snapshot.execute_unprepared("INSERT INTO note (id, story) VALUES (1, 'one')").await;
        assert_transient(written.map(|_| ()).map_err(SqlError::from), service);
        drop(snapshot);
        for (id, story) in [(1, "longer than ten"), (2, "\u{1}")] {
            let outcome = insert(&db, id, story).await;
            assert_eq!(outcome.is_ok(), id == 2, "{service}: {outcome:?}");
            assert!(outcome.is_ok() || matches!(outcome, Err(SqlError::Constraint(_))), "{service}: {outcome:?}");
        }
        drop(db);
        account.remove().await;
    }
}
