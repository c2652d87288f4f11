//! Every T-SQL statement of the service, with the pages of Microsoft's T-SQL reference that it relies on, in quotes.
//!
//! One file because all of it is read together against the reference (SQL Server 2019 and later, Azure SQL Database).
//! Rules, checked by the tests in `statement_tests.rs`:
//! * no statement's correctness relies on a table hint. A unique index, a version in the WHERE clause of an UPDATE, or
//!   `sp_getapplock` excludes concurrent changes;
//! * no MERGE; no change through a common table expression; a table changed with OUTPUT has an alias;
//! * values are parameters, from `@P1` on;
//! * these tables must not have a trigger, because OUTPUT without INTO is then refused ("OUTPUT clause", remarks).
//!
//! `UPDATE alias SET … OUTPUT inserted.… FROM table AS alias WHERE …` is the form that "UPDATE" documents as
//! `UPDATE table_alias … FROM table_source`. The rows of OUTPUT are valid only if the whole response is free of errors
//! ("OUTPUT clause"); the driver returns an error otherwise.
//!
//! Times are `datetime2(3)` in UTC. The driver sends `datetime2(7)`; a parameter that is compared with a column is cast to
//! the column's type. All are whole milliseconds, so no cast rounds.

/// Settings of each new connection. Sent as a batch, whose SET statements apply to the session ("SET statements").
///
/// Filtered indexes require the first seven settings in the session of every change ("CREATE INDEX", required SET
/// options for filtered indexes). `XACT_ABORT ON` rolls back after any run-time error ("SET `XACT_ABORT`").
/// `LOCK_TIMEOUT` is in milliseconds: a longer wait is error 1222. NOCOUNT OFF makes DELETE report its count.
pub(super) const SESSION: &str = "\
SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; SET ARITHABORT ON; \
SET CONCAT_NULL_YIELDS_NULL ON; SET NUMERIC_ROUNDABORT OFF; SET IMPLICIT_TRANSACTIONS OFF; SET XACT_ABORT ON; \
SET NOCOUNT OFF; SET TEXTSIZE 2147483647; SET LOCK_TIMEOUT 5000; SET TRANSACTION ISOLATION LEVEL READ COMMITTED;";

/// Begins a transaction that writes. The isolation level is set each time, because it applies to the session until it
/// is set again ("SET TRANSACTION ISOLATION LEVEL"). Correct with `READ_COMMITTED_SNAPSHOT` on or off: the condition
/// on the row version is in the WHERE clause of the UPDATE, which reads the row itself under its lock.
pub(super) const BEGIN: &str = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; BEGIN TRANSACTION;";

/// Begins a transaction over one snapshot, which blocks no writer ("SET TRANSACTION ISOLATION LEVEL"). Requires
/// `ALLOW_SNAPSHOT_ISOLATION` ON in the database.
pub(super) const BEGIN_SNAPSHOT: &str = "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION;";

/// Begins a transaction over one state where SNAPSHOT is not allowed. Writers of what was read wait for its end, and a
/// deadlock may end it, after which it is retried.
pub(super) const BEGIN_SERIALIZABLE: &str = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; BEGIN TRANSACTION;";

/// Commits to disk ("COMMIT TRANSACTION": fully durable by default), unless the database forces delayed durability
/// ("Control transaction durability"), which [`DATABASE`] reveals and opening refuses. Resets the isolation level, which
/// reads outside a transaction would otherwise inherit.
pub(super) const COMMIT: &str = "COMMIT TRANSACTION; SET TRANSACTION ISOLATION LEVEL READ COMMITTED;";

/// Rolls the transaction back, if it was not ended by an error ("@@TRANCOUNT", "ROLLBACK TRANSACTION").
pub(super) const ROLLBACK: &str =
    "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION; SET TRANSACTION ISOLATION LEVEL READ COMMITTED;";

pub(super) const PING: &str = "SELECT 1 AS answer;";

/// Reads the settings of the database ("sys.databases": `snapshot_isolation_state` 1 is ON; `delayed_durability` 2 is
/// FORCED; the row of the connected database is always visible).
pub(super) const DATABASE: &str = "\
SELECT CAST(d.snapshot_isolation_state AS bigint) AS snapshot_state, \
CAST(d.delayed_durability AS bigint) AS delayed_durability \
FROM sys.databases AS d WHERE d.database_id = DB_ID();";

// ---- migrations ----

/// Takes the lock under which one process migrates at a time; it ends with the transaction. Waits up to 30 s. 0 and 1
/// mean granted, negative codes refused ("`sp_getapplock`").
pub(super) const MIGRATION_LOCK: &str = "\
DECLARE @granted int; \
EXEC @granted = sp_getapplock @Resource = N'souk_payment_migration', @LockMode = N'Exclusive', \
@LockOwner = N'Transaction', @LockTimeout = 30000; \
SELECT CAST(@granted AS bigint) AS granted;";

/// Returns NULL when no migration ever ran ("`OBJECT_ID`": 'U' is a user table).
pub(super) const MIGRATION_TABLE_ID: &str = "SELECT CAST(OBJECT_ID(N'schema_migration', N'U') AS bigint) AS table_id;";

/// Creates the table of applied migrations ("CREATE TABLE").
pub(super) const CREATE_MIGRATION_TABLE: &str = "\
CREATE TABLE schema_migration (migration_name nvarchar(128) COLLATE Latin1_General_100_BIN2 NOT NULL \
CONSTRAINT pk_schema_migration PRIMARY KEY);";

pub(super) const APPLIED_MIGRATIONS: &str = "SELECT m.migration_name FROM schema_migration AS m;";

/// Records a migration, in the transaction that applies it.
pub(super) const RECORD_MIGRATION: &str = "INSERT INTO schema_migration (migration_name) VALUES (@P1);";

pub(super) type Migration = (&'static str, &'static [&'static str]);

/// The migrations, in order. A released one is never edited. CREATE TABLE and CREATE INDEX are transactional, so a
/// migration is applied as a whole or not at all.
pub(super) const MIGRATIONS: &[Migration] =
    &[("payment_mssql_m0001_init", INIT), ("payment_mssql_m0002_accounts_and_schedule", ACCOUNTS_AND_SCHEDULE)];

/// Tables ("CREATE TABLE"), named constraints, and indexes ("CREATE INDEX"). Texts that are compared have a binary
/// collation, so that they are distinguished as on every other engine, whatever the collation of the database.
///
/// `uq_payment_active_order` is the claim: an order has at most one payment that has not failed. Its predicate is a
/// `<disjunct>`, `column IN (constant, …)`, which "CREATE INDEX" allows for filtered indexes. `uq_refund_key` leaves
/// out automatic refunds: to a plain unique index their NULLs would be equal.
const INIT: &[&str] = &[
    "CREATE TABLE known_order (\
     order_id bigint NOT NULL CONSTRAINT pk_known_order PRIMARY KEY, \
     user_id bigint NOT NULL, \
     amount_minor bigint NOT NULL, \
     currency nvarchar(3) COLLATE Latin1_General_100_BIN2 NOT NULL, \
     terms nvarchar(16) COLLATE Latin1_General_100_BIN2 NOT NULL, \
     state nvarchar(16) COLLATE Latin1_General_100_BIN2 NOT NULL, \
     pay_by datetime2(3) NULL, \
     version bigint NOT NULL, \
     row_version bigint NOT NULL);",
    "CREATE TABLE payment (\
     payment_id bigint NOT NULL CONSTRAINT pk_payment PRIMARY KEY, \
     order_id bigint NOT NULL, \
     user_id bigint NOT NULL, \
     amount_minor bigint NOT NULL, \
     currency nvarchar(3) COLLATE Latin1_General_100_BIN2 NOT NULL, \
     status nvarchar(16) COLLATE Latin1_General_100_BIN2 NOT NULL CONSTRAINT ck_payment_status \
     CHECK (status IN (N'processing', N'succeeded', N'failed', N'refunded')), \
     failure_code nvarchar(32) COLLATE Latin1_General_100_BIN2 NULL, \
     claimed_at datetime2(3) NOT NULL, \
     captured_at datetime2(3) NULL, \
     version bigint NOT NULL, \
     key_hash nvarchar(64) COLLATE Latin1_General_100_BIN2 NOT NULL, \
     body_hash nvarchar(64) COLLATE Latin1_General_100_BIN2 NOT NULL);",
    "CREATE UNIQUE INDEX uq_payment_active_order ON payment (order_id) \
     WHERE status IN (N'processing', N'succeeded', N'refunded');",
    "CREATE UNIQUE INDEX uq_payment_key ON payment (user_id, key_hash);",
    "CREATE INDEX ix_payment_order ON payment (order_id);",
    "CREATE INDEX ix_payment_status ON payment (status, payment_id);",
    "CREATE INDEX ix_payment_claimed ON payment (claimed_at);",
    "CREATE TABLE payment_refund (\
     refund_id bigint NOT NULL CONSTRAINT pk_payment_refund PRIMARY KEY, \
     payment_id bigint NOT NULL, \
     order_id bigint NOT NULL, \
     amount_minor bigint NOT NULL, \
     currency nvarchar(3) COLLATE Latin1_General_100_BIN2 NOT NULL, \
     status nvarchar(16) COLLATE Latin1_General_100_BIN2 NOT NULL CONSTRAINT ck_refund_status \
     CHECK (status IN (N'processing', N'succeeded', N'failed')), \
     due_at datetime2(3) NOT NULL, \
     settled_at datetime2(3) NULL, \
     asked_by bigint NULL, \
     key_hash nvarchar(64) COLLATE Latin1_General_100_BIN2 NULL, \
     body_hash nvarchar(64) COLLATE Latin1_General_100_BIN2 NULL);",
    "CREATE UNIQUE INDEX uq_refund_key ON payment_refund (asked_by, key_hash) WHERE asked_by IS NOT NULL;",
    "CREATE INDEX ix_refund_order ON payment_refund (order_id);",
    "CREATE INDEX ix_refund_payment ON payment_refund (payment_id);",
    "CREATE INDEX ix_refund_status ON payment_refund (status, refund_id);",
    "CREATE INDEX ix_refund_settled ON payment_refund (settled_at) WHERE settled_at IS NOT NULL;",
    "CREATE TABLE provider_reference (\
     payment_id bigint NOT NULL CONSTRAINT pk_provider_reference PRIMARY KEY, \
     reference nvarchar(255) COLLATE Latin1_General_100_BIN2 NOT NULL, \
     noted_at datetime2(3) NOT NULL);",
    "CREATE TABLE outbox_event (\
     event_id nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL CONSTRAINT pk_outbox_event PRIMARY KEY, \
     event_type nvarchar(80) COLLATE Latin1_General_100_BIN2 NOT NULL, \
     created_at datetime2(3) NOT NULL, \
     envelope nvarchar(max) NOT NULL, \
     leased_until datetime2(3) NOT NULL, \
     lease_id nvarchar(36) COLLATE Latin1_General_100_BIN2 NULL);",
    "CREATE TABLE inbox_event (\
     queue nvarchar(64) COLLATE Latin1_General_100_BIN2 NOT NULL, \
     event_id nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL, \
     received_at datetime2(3) NOT NULL, \
     CONSTRAINT pk_inbox_event PRIMARY KEY (queue, event_id));",
    "CREATE INDEX ix_inbox_received ON inbox_event (received_at);",
];

/// Columns for the account of a payment, the attempts at a refund, and the schedule of queries ("ALTER TABLE": NOT NULL
/// with a DEFAULT gives existing rows the default). Each is a batch of its own, because a batch is compiled as a whole
/// and does not see the columns that it adds. The provider of a payment is stored where the row shows it: only Stripe
/// leaves references.
const ACCOUNTS_AND_SCHEDULE: &[&str] = &[
    "ALTER TABLE payment ADD \
     provider nvarchar(16) COLLATE Latin1_General_100_BIN2 NULL, \
     provider_account nvarchar(64) COLLATE Latin1_General_100_BIN2 NULL, \
     next_ask_at datetime2(3) NOT NULL CONSTRAINT df_payment_next_ask DEFAULT '1970-01-01';",
    "ALTER TABLE payment_refund ADD \
     attempt bigint NOT NULL CONSTRAINT df_refund_attempt DEFAULT 1, \
     answered_at datetime2(3) NULL, \
     next_ask_at datetime2(3) NOT NULL CONSTRAINT df_refund_next_ask DEFAULT '1970-01-01';",
    "UPDATE p SET provider = N'stripe' FROM payment AS p \
     WHERE p.payment_id IN (SELECT n.payment_id FROM provider_reference AS n);",
    "UPDATE p SET provider = N'sandbox', provider_account = N'sandbox' FROM payment AS p \
     WHERE p.provider IS NULL AND p.captured_at IS NOT NULL;",
    "UPDATE r SET next_ask_at = DATEADD(day, 1, r.settled_at) FROM payment_refund AS r WHERE r.status = N'succeeded';",
    "DROP INDEX ix_payment_status ON payment;",
    "DROP INDEX ix_refund_status ON payment_refund;",
    "CREATE INDEX ix_payment_turn ON payment (status, next_ask_at);",
    "CREATE INDEX ix_refund_turn ON payment_refund (status, next_ask_at);",
];

// ---- reading ----

macro_rules! payment_columns {
    () => {
        "p.payment_id, p.order_id, p.user_id, p.amount_minor, p.currency, p.status, p.failure_code, p.claimed_at, \
         p.captured_at, p.version, p.key_hash, p.body_hash, p.provider, p.provider_account"
    };
}

macro_rules! refund_columns {
    () => {
        "r.refund_id, r.payment_id, r.order_id, r.amount_minor, r.currency, r.status, r.due_at, r.settled_at, \
         r.asked_by, r.key_hash, r.body_hash, r.attempt, r.answered_at"
    };
}

/// Reads an order by its primary key ("SELECT", as all reads).
pub(super) const ORDER: &str = "\
SELECT o.order_id, o.user_id, o.amount_minor, o.currency, o.terms, o.state, o.pay_by, o.version, o.row_version \
FROM known_order AS o WHERE o.order_id = @P1;";

/// Reads the payments of an order, oldest first, after the order itself: any change in between makes the row version
/// stale, and saving conflicts.
pub(super) const PAYMENTS_OF_ORDER: &str =
    concat!("SELECT ", payment_columns!(), " FROM payment AS p WHERE p.order_id = @P1 ORDER BY p.payment_id;");

/// Reads the refunds of an order, oldest first.
pub(super) const REFUNDS_OF_ORDER: &str =
    concat!("SELECT ", refund_columns!(), " FROM payment_refund AS r WHERE r.order_id = @P1 ORDER BY r.refund_id;");

/// Finds the order that a payment pays.
pub(super) const ORDER_OF_PAYMENT: &str = "SELECT p.order_id FROM payment AS p WHERE p.payment_id = @P1;";

/// Finds the payment that an idempotency key made, through `uq_payment_key`.
pub(super) const PAYMENT_BY_KEY: &str = "\
SELECT p.order_id, p.payment_id, p.body_hash FROM payment AS p WHERE p.user_id = @P1 AND p.key_hash = @P2;";

/// Finds the payment that an idempotency key refunded. IS NOT NULL repeats the filter of `uq_refund_key`, which the
/// optimizer needs in order to use that index.
pub(super) const REFUND_BY_KEY: &str = "\
SELECT r.order_id, r.payment_id, r.body_hash FROM payment_refund AS r \
WHERE r.asked_by = @P1 AND r.key_hash = @P2 AND r.asked_by IS NOT NULL;";

/// Reads a page of payments whose query is due ("TOP": an expression in parentheses; with ORDER BY, the first rows of that
/// order).
pub(super) const DUE_PAYMENTS: &str = "\
SELECT TOP (@P5) p.order_id, p.payment_id, p.provider, p.provider_account, p.claimed_at, p.next_ask_at \
FROM payment AS p WHERE p.status = @P1 AND p.payment_id > @P2 AND p.next_ask_at <= CAST(@P3 AS datetime2(3)) \
AND p.claimed_at <= CAST(@P4 AS datetime2(3)) ORDER BY p.payment_id;";

macro_rules! due_refunds {
    ($since:literal) => {
        concat!(
            "SELECT TOP (@P5) r.order_id, r.payment_id, r.refund_id, r.amount_minor, r.currency, r.attempt, \
             r.answered_at, r.next_ask_at, r.",
            $since,
            " AS open_since, p.provider, p.provider_account \
             FROM payment_refund AS r INNER JOIN payment AS p ON p.payment_id = r.payment_id \
             WHERE r.status = @P1 AND r.refund_id > @P2 AND r.next_ask_at <= CAST(@P3 AS datetime2(3)) AND r.",
            $since,
            " <= CAST(@P4 AS datetime2(3)) ORDER BY r.refund_id;"
        )
    };
}

/// Reads a page of refunds without a known outcome whose query is due.
pub(super) const DUE_REFUNDS: &str = due_refunds!("due_at");

/// Reads a page of refunds that succeeded and whose check is due.
pub(super) const DUE_CHECKS: &str = due_refunds!("settled_at");

/// Counts the open payments of each account.
pub(super) const ACCOUNTS_OF_PAYMENTS: &str = "\
SELECT p.provider, p.provider_account, COUNT_BIG(*) AS alike FROM payment AS p \
WHERE p.status = @P1 AND p.provider IS NOT NULL GROUP BY p.provider, p.provider_account;";

/// Counts the open refunds of each account.
pub(super) const ACCOUNTS_OF_REFUNDS: &str = "\
SELECT p.provider, p.provider_account, COUNT_BIG(*) AS alike \
FROM payment_refund AS r INNER JOIN payment AS p ON p.payment_id = r.payment_id \
WHERE r.status = @P1 AND p.provider IS NOT NULL GROUP BY p.provider, p.provider_account;";

/// Counts the payments of a list, up to a number ("TOP" takes an expression in parentheses). A parameter that is NULL does not filter; RECOMPILE ("Query hints") only makes the plan
/// fit the current parameters.
pub(super) const COUNT_LISTED: &str = "\
SELECT COUNT_BIG(*) AS total FROM (SELECT TOP (@P3) p.payment_id FROM payment AS p \
WHERE (@P1 IS NULL OR p.user_id = @P1) AND (@P2 IS NULL OR p.order_id = @P2)) AS counted OPTION (RECOMPILE);";

/// Reads a page of payments, newest first ("ORDER BY clause": OFFSET and FETCH take expressions).
pub(super) const LISTED: &str = concat!(
    "SELECT ",
    payment_columns!(),
    " FROM payment AS p WHERE (@P1 IS NULL OR p.user_id = @P1) AND (@P2 IS NULL OR p.order_id = @P2) \
     AND (@P3 IS NULL OR p.payment_id < @P3) ORDER BY p.payment_id DESC OFFSET @P4 ROWS FETCH NEXT @P5 ROWS ONLY OPTION (RECOMPILE);"
);

/// Reads the refunds of `count` payments. The parameters are their ids, of which "Maximum capacity specifications" allows
/// at most 2,100.
pub(super) fn refunds_of_payments(count: usize) -> String {
    let ids = placeholders(count);
    format!("SELECT {} FROM payment_refund AS r WHERE r.payment_id IN ({ids}) ORDER BY r.refund_id;", refund_columns!())
}

/// Tallies payments by local day. The grouped expression is the selected one, as "GROUP BY" requires; the number of
/// DATEADD is an int, and the distance from UTC a bigint.
pub(super) const PAYMENT_TALLIES: &str = "\
SELECT CAST(DATEADD(second, CAST(@P3 AS int), p.claimed_at) AS date) AS claimed_day, p.status, p.failure_code, \
p.amount_minor, p.currency, COUNT_BIG(*) AS alike FROM payment AS p \
WHERE p.claimed_at >= CAST(@P1 AS datetime2(3)) AND p.claimed_at < CAST(@P2 AS datetime2(3)) \
GROUP BY CAST(DATEADD(second, CAST(@P3 AS int), p.claimed_at) AS date), p.status, p.failure_code, p.amount_minor, \
p.currency;";

pub(super) const REFUND_TALLIES: &str = "\
SELECT CAST(DATEADD(second, CAST(@P3 AS int), r.settled_at) AS date) AS settled_day, r.amount_minor, r.currency, \
COUNT_BIG(*) AS alike FROM payment_refund AS r \
WHERE r.settled_at >= CAST(@P1 AS datetime2(3)) AND r.settled_at < CAST(@P2 AS datetime2(3)) AND r.status = @P4 \
GROUP BY CAST(DATEADD(second, CAST(@P3 AS int), r.settled_at) AS date), r.amount_minor, r.currency;";

pub(super) const COUNT_STATUS: &str = "SELECT COUNT_BIG(*) AS total FROM payment AS p WHERE p.status = @P1;";

/// Counts those of them that were claimed before a time.
pub(super) const COUNT_STATUS_BEFORE: &str = "\
SELECT COUNT_BIG(*) AS total FROM payment AS p WHERE p.status = @P1 AND p.claimed_at < CAST(@P2 AS datetime2(3));";

/// Reads every payment for the audit, in a transaction over one snapshot.
pub(super) const EVERY_PAYMENT: &str =
    concat!("SELECT ", payment_columns!(), " FROM payment AS p ORDER BY p.payment_id;");

/// Reads every refund in the same transaction.
pub(super) const EVERY_REFUND: &str =
    concat!("SELECT ", refund_columns!(), " FROM payment_refund AS r ORDER BY r.refund_id;");

pub(super) const REFERENCE: &str = "SELECT n.reference FROM provider_reference AS n WHERE n.payment_id = @P1;";

// ---- saving ----

/// Records an event in the transaction of its effect. `pk_inbox_event` refuses a second record with error 2627, which
/// rolls the transaction back.
pub(super) const RECORD_EVENT: &str = "INSERT INTO inbox_event (queue, event_id, received_at) VALUES (@P1, @P2, @P3);";

/// Inserts an order; `pk_known_order` refuses a second.
pub(super) const INSERT_ORDER: &str = "\
INSERT INTO known_order (order_id, user_id, amount_minor, currency, terms, state, pay_by, version, row_version) \
VALUES (@P1, @P2, @P3, @P4, @P5, @P6, @P7, @P8, @P9);";

/// Advances the row version of an order, the optimistic lock of all its payments: of two changes with the same version,
/// the second finds the row changed. The WHERE clause is evaluated on the current row, under the lock that the change
/// takes, so it needs no hint ("UPDATE"; "Transaction locking and row versioning guide": changing data takes the update
/// lock even with row versioning). No row from OUTPUT is a conflict.
pub(super) const UPDATE_ORDER: &str = "\
UPDATE o SET user_id = @P2, amount_minor = @P3, currency = @P4, terms = @P5, state = @P6, pay_by = @P7, \
version = @P8, row_version = @P9 OUTPUT inserted.row_version FROM known_order AS o \
WHERE o.order_id = @P1 AND o.row_version = @P10;";

/// Inserts a payment; the index of the claim or of the key may refuse it with error 2601.
pub(super) const INSERT_PAYMENT: &str = "\
INSERT INTO payment (payment_id, order_id, user_id, amount_minor, currency, status, failure_code, claimed_at, \
captured_at, version, key_hash, body_hash, provider, provider_account) \
VALUES (@P1, @P2, @P3, @P4, @P5, @P6, @P7, @P8, @P9, @P10, @P11, @P12, @P13, @P14);";

/// Updates the columns of a payment that can change, after the row version of its order.
pub(super) const UPDATE_PAYMENT: &str = "\
UPDATE p SET status = @P2, failure_code = @P3, captured_at = @P4, version = @P5 \
OUTPUT inserted.payment_id FROM payment AS p WHERE p.payment_id = @P1;";

pub(super) const INSERT_REFUND: &str = "\
INSERT INTO payment_refund (refund_id, payment_id, order_id, amount_minor, currency, status, due_at, settled_at, \
asked_by, key_hash, body_hash, attempt, answered_at) \
VALUES (@P1, @P2, @P3, @P4, @P5, @P6, @P7, @P8, @P9, @P10, @P11, @P12, @P13);";

pub(super) const UPDATE_REFUND: &str = "\
UPDATE r SET status = @P2, settled_at = @P3, attempt = @P4, answered_at = @P5 \
OUTPUT inserted.refund_id FROM payment_refund AS r WHERE r.refund_id = @P1;";

/// The same, and plans the next query.
pub(super) const UPDATE_REFUND_AND_TURN: &str = "\
UPDATE r SET status = @P2, settled_at = @P3, attempt = @P4, answered_at = @P5, next_ask_at = @P6 \
OUTPUT inserted.refund_id FROM payment_refund AS r WHERE r.refund_id = @P1;";

/// Takes the turn of a payment. The WHERE clause is evaluated on the current row, so of two replicas that saw the same
/// time the second finds no row.
pub(super) const TAKE_PAYMENT: &str = "\
UPDATE p SET next_ask_at = @P3 OUTPUT inserted.payment_id FROM payment AS p \
WHERE p.payment_id = @P1 AND p.next_ask_at = CAST(@P2 AS datetime2(3));";

pub(super) const TAKE_REFUND: &str = "\
UPDATE r SET next_ask_at = @P3 OUTPUT inserted.refund_id FROM payment_refund AS r \
WHERE r.refund_id = @P1 AND r.next_ask_at = CAST(@P2 AS datetime2(3));";

/// Inserts the provider's reference of a payment; `pk_provider_reference` refuses a second.
pub(super) const INSERT_REFERENCE: &str =
    "INSERT INTO provider_reference (payment_id, reference, noted_at) VALUES (@P1, @P2, @P3);";

// ---- outbox and inbox ----

/// Inserts an event into the outbox, in the transaction of its change.
pub(super) const INSERT_EVENT: &str = "\
INSERT INTO outbox_event (event_id, event_type, created_at, envelope, leased_until) VALUES (@P1, @P2, @P3, @P4, @P5);";

/// Leases the oldest events without a lease, and returns them in no defined order ("OUTPUT clause"). One statement, in a
/// transaction of its own. The outer WHERE repeats the condition of the subquery: it is evaluated on the current row, so
/// of two processes that chose the same row the second skips it, whatever its subquery read. Otherwise an event would be
/// published twice, and the inboxes of its consumers would ignore the second.
pub(super) const LEASE_EVENTS: &str = "\
UPDATE o SET leased_until = CAST(@P1 AS datetime2(3)), lease_id = @P2 \
OUTPUT inserted.event_id, inserted.envelope FROM outbox_event AS o \
WHERE o.leased_until <= CAST(@P3 AS datetime2(3)) AND o.event_id IN \
(SELECT TOP (@P4) c.event_id FROM outbox_event AS c WHERE c.leased_until <= CAST(@P3 AS datetime2(3)) \
ORDER BY c.event_id);";

/// Deletes `count` published events, whatever their lease; the parameters are their ids.
pub(super) fn delete_events(count: usize) -> String {
    let ids = placeholders(count);
    format!("DELETE o FROM outbox_event AS o WHERE o.event_id IN ({ids});")
}

pub(super) const RELEASE_EVENTS: &str = "\
UPDATE o SET leased_until = CAST(@P1 AS datetime2(3)), lease_id = NULL FROM outbox_event AS o WHERE o.lease_id = @P2;";

/// Reads the oldest unpublished events, leased or not.
pub(super) const UNPUBLISHED: &str = "SELECT TOP (@P1) o.envelope FROM outbox_event AS o ORDER BY o.event_id;";

/// Counts unpublished events and reads the time of the oldest; MIN of no rows is NULL.
pub(super) const BACKLOG: &str = "SELECT COUNT_BIG(*) AS pending, MIN(o.created_at) AS oldest FROM outbox_event AS o;";

/// Deletes a batch of expired events from the inbox ("DELETE": TOP takes an expression in parentheses).
pub(super) const PURGE_INBOX: &str = "DELETE TOP (@P1) FROM inbox_event WHERE received_at < CAST(@P2 AS datetime2(3));";

/// Returns `@P1, @P2, …` up to `count`.
fn placeholders(count: usize) -> String {
    (1..=count).map(|number| format!("@P{number}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "statement_tests.rs"]
mod tests;
