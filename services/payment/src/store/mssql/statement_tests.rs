//! Checks every statement against the rules at the top of `statements.rs` and against the columns of the tables.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Every statement by name; `every_statement_is_listed` fails when one is missing.
fn all() -> Vec<(&'static str, String)> {
    let named: &[(&str, &str)] = &[
        ("SESSION", SESSION),
        ("BEGIN", BEGIN),
        ("BEGIN_SNAPSHOT", BEGIN_SNAPSHOT),
        ("BEGIN_SERIALIZABLE", BEGIN_SERIALIZABLE),
        ("COMMIT", COMMIT),
        ("ROLLBACK", ROLLBACK),
        ("PING", PING),
        ("DATABASE", DATABASE),
        ("MIGRATION_LOCK", MIGRATION_LOCK),
        ("MIGRATION_TABLE_ID", MIGRATION_TABLE_ID),
        ("CREATE_MIGRATION_TABLE", CREATE_MIGRATION_TABLE),
        ("APPLIED_MIGRATIONS", APPLIED_MIGRATIONS),
        ("RECORD_MIGRATION", RECORD_MIGRATION),
        ("ORDER", ORDER),
        ("PAYMENTS_OF_ORDER", PAYMENTS_OF_ORDER),
        ("REFUNDS_OF_ORDER", REFUNDS_OF_ORDER),
        ("ORDER_OF_PAYMENT", ORDER_OF_PAYMENT),
        ("PAYMENT_BY_KEY", PAYMENT_BY_KEY),
        ("REFUND_BY_KEY", REFUND_BY_KEY),
        ("DUE_PAYMENTS", DUE_PAYMENTS),
        ("DUE_REFUNDS", DUE_REFUNDS),
        ("DUE_CHECKS", DUE_CHECKS),
        ("ACCOUNTS_OF_PAYMENTS", ACCOUNTS_OF_PAYMENTS),
        ("ACCOUNTS_OF_REFUNDS", ACCOUNTS_OF_REFUNDS),
        ("COUNT_LISTED", COUNT_LISTED),
        ("LISTED", LISTED),
        ("PAYMENT_TALLIES", PAYMENT_TALLIES),
        ("REFUND_TALLIES", REFUND_TALLIES),
        ("COUNT_STATUS", COUNT_STATUS),
        ("COUNT_STATUS_BEFORE", COUNT_STATUS_BEFORE),
        ("EVERY_PAYMENT", EVERY_PAYMENT),
        ("EVERY_REFUND", EVERY_REFUND),
        ("REFERENCE", REFERENCE),
        ("RECORD_EVENT", RECORD_EVENT),
        ("INSERT_ORDER", INSERT_ORDER),
        ("UPDATE_ORDER", UPDATE_ORDER),
        ("INSERT_PAYMENT", INSERT_PAYMENT),
        ("UPDATE_PAYMENT", UPDATE_PAYMENT),
        ("INSERT_REFUND", INSERT_REFUND),
        ("UPDATE_REFUND", UPDATE_REFUND),
        ("UPDATE_REFUND_AND_TURN", UPDATE_REFUND_AND_TURN),
        ("TAKE_PAYMENT", TAKE_PAYMENT),
        ("TAKE_REFUND", TAKE_REFUND),
        ("INSERT_REFERENCE", INSERT_REFERENCE),
        ("INSERT_EVENT", INSERT_EVENT),
        ("LEASE_EVENTS", LEASE_EVENTS),
        ("RELEASE_EVENTS", RELEASE_EVENTS),
        ("UNPUBLISHED", UNPUBLISHED),
        ("BACKLOG", BACKLOG),
        ("PURGE_INBOX", PURGE_INBOX),
    ];
    let mut all: Vec<_> = named.iter().map(|(name, sql)| (*name, (*sql).to_owned())).collect();
    all.extend(migrations().map(|sql| ("MIGRATIONS", sql.to_owned())));
    all.push(("refunds_of_payments", refunds_of_payments(3)));
    all.push(("delete_events", delete_events(3)));
    all
}

/// Every statement of every migration.
fn migrations() -> impl Iterator<Item = &'static str> {
    MIGRATIONS.iter().flat_map(|(_, statements)| statements.iter().copied())
}

/// Statements that read or change rows of the store's tables, except those of migrations.
fn of_rows() -> Vec<(&'static str, String)> {
    let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "];
    let mut all = all();
    all.retain(|(name, sql)| {
        let others = ["PING", "DATABASE", "MIGRATION_TABLE_ID", "MIGRATIONS"];
        verbs.iter().any(|verb| sql.starts_with(verb)) && !others.contains(name)
    });
    all
}

/// Splits a statement into words, parameters such as `@P1`, and single other characters.
fn tokens(sql: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut is_in_word = false;
    for character in sql.chars() {
        let continues = character.is_alphanumeric() || character == '_' || character == '@';
        if continues && is_in_word {
            tokens.last_mut().unwrap().push(character);
        } else if !character.is_whitespace() {
            tokens.push(character.to_string());
        }
        is_in_word = continues;
    }
    tokens
}

/// Reads the columns of each table from its CREATE TABLE and ALTER TABLE; true for those that an INSERT must name: NOT
/// NULL and without a default.
fn tables() -> BTreeMap<String, BTreeMap<String, bool>> {
    let mut tables: BTreeMap<String, BTreeMap<String, bool>> = BTreeMap::new();
    for sql in migrations().chain([CREATE_MIGRATION_TABLE]) {
        let created = sql.strip_prefix("CREATE TABLE ").map(|rest| {
            let (name, body) = rest.split_once(" (").unwrap();
            (name, body.strip_suffix(");").unwrap())
        });
        let altered = sql.strip_prefix("ALTER TABLE ").map(|rest| {
            let (name, body) = rest.split_once(" ADD ").unwrap();
            (name, body.strip_suffix(';').unwrap())
        });
        let Some((name, body)) = created.or(altered) else { continue };
        let columns = tables.entry(name.to_owned()).or_default();
        let mut depth = 0;
        for part in body.split(|character| {
            depth += i32::from(character == '(') - i32::from(character == ')');
            character == ',' && depth == 0
        }) {
            let column = part.trim();
            if !column.starts_with("CONSTRAINT ") {
                let name = column.split(' ').next().unwrap();
                columns.insert(name.to_owned(), column.contains(" NOT NULL") && !column.contains(" DEFAULT "));
            }
        }
    }
    tables
}

fn parameters(sql: &str) -> BTreeSet<usize> {
    tokens(sql).iter().filter_map(|token| token.strip_prefix("@P")?.parse().ok()).collect()
}

#[test]
fn every_statement_is_listed() {
    let source = include_str!("statements.rs");
    let listed: BTreeSet<_> = all().into_iter().map(|(name, _)| name).collect();
    let declared = source.split("const ").skip(1).filter_map(|rest| rest.split_once(": &str ")).map(|(name, _)| name);
    let functions =
        source.split("pub(super) fn ").skip(1).filter_map(|rest| rest.split_once('(')).map(|(name, _)| name);
    let missing: Vec<_> = declared.chain(functions).filter(|name| !listed.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(tables().len(), 7);
}

#[test]
fn no_statement_uses_a_hint_merge_or_a_time_of_the_server() {
    for (name, sql) in all() {
        let tokens: Vec<_> = tokens(&sql).iter().map(|token| token.to_uppercase()).collect();
        for refused in [
            "MERGE",
            "NOLOCK",
            "READUNCOMMITTED",
            "READPAST",
            "UPDLOCK",
            "XLOCK",
            "HOLDLOCK",
            "ROWLOCK",
            "PAGLOCK",
            "TABLOCK",
            "TABLOCKX",
            "READCOMMITTEDLOCK",
            "REPEATABLEREAD",
            "IGNORE_DUP_KEY",
            "WITH",
            "IDENTITY",
            "GETDATE",
            "SYSUTCDATETIME",
            "SYSDATETIME",
            "GETUTCDATE",
            "NEWID",
            "FLOAT",
            "MONEY",
            "DATETIME",
            "TRIGGER",
        ] {
            assert!(!tokens.iter().any(|token| token == refused), "{name} contains {refused}");
        }
        assert!(sql.ends_with(';') && sql.is_ascii() && !sql.contains("  "), "{name}: {sql}");
    }
}

#[test]
fn values_are_parameters_numbered_without_a_gap() {
    for (name, sql) in of_rows() {
        assert!(!sql.contains('\''), "{name} contains a string literal");
        let tokens = tokens(&sql);
        for (index, token) in tokens.iter().enumerate() {
            let is_precision = token == "3" && index > 1 && tokens[index - 2] == "datetime2";
            assert!(is_precision || token.parse::<i64>().is_err(), "{name} contains the number {token}");
        }
        let parameters = parameters(&sql);
        assert_eq!(parameters, (1..=parameters.len()).collect(), "{name}");
    }
}

#[test]
fn compared_times_are_cast_to_the_type_of_their_column() {
    for (name, sql) in of_rows() {
        for (index, token) in tokens(&sql).iter().enumerate().filter(|(_, token)| token.ends_with("_at")) {
            let tokens = tokens(&sql);
            let after: String = tokens.iter().skip(index + 1).take(3).map(String::as_str).collect();
            if after.starts_with('<') || after.starts_with('>') {
                assert!(after.contains("CAST"), "{name}: {token} {after}");
            }
        }
    }
}

/// Returns the tables of `sql` by alias; a table without one by its own name.
fn aliases(name: &str, sql: &str) -> BTreeMap<String, String> {
    let tables = tables();
    let tokens = tokens(sql);
    let mut aliases = BTreeMap::new();
    for (index, token) in tokens.iter().enumerate().filter(|(_, token)| tables.contains_key(*token)) {
        let is_aliased = tokens.get(index + 1).is_some_and(|next| next == "AS");
        let alias = if is_aliased { tokens[index + 2].clone() } else { token.clone() };
        assert!(index > 0 && ["FROM", "INTO", "JOIN"].contains(&tokens[index - 1].as_str()), "{name}: {token}");
        aliases.insert(alias, token.clone());
    }
    assert!(!aliases.is_empty(), "{name} names no table of the store");
    aliases
}

#[test]
fn changed_tables_have_an_alias_and_every_column_exists() {
    let tables = tables();
    for (name, sql) in of_rows() {
        let aliases = aliases(name, &sql);
        let tokens = tokens(&sql);
        let verb = tokens[0].as_str();
        if verb == "UPDATE" || sql.contains(" OUTPUT ") {
            assert!(aliases.contains_key(&tokens[1]) && !tables.contains_key(&tokens[1]), "{name} has no alias");
        }
        let changed = aliases.get(&tokens[1]);
        for (index, _) in tokens.iter().enumerate().filter(|(_, token)| *token == ".") {
            let alias = &tokens[index - 1];
            let column = &tokens[index + 1];
            let table = if alias == "inserted" { changed } else { aliases.get(alias) };
            let table = table.unwrap_or_else(|| panic!("{name}: {alias}.{column} is of no known table"));
            assert!(tables[table].contains_key(column), "{name}: {table} has no {column}");
        }
        if verb == "UPDATE" {
            let set = sql.split_once(" SET ").unwrap().1;
            let set =
                set.split([';']).next().unwrap().split(" OUTPUT ").next().unwrap().split(" FROM ").next().unwrap();
            for assigned in set.split(", ") {
                let column = assigned.split_once(" = ").unwrap().0;
                assert!(tables[changed.unwrap()].contains_key(column), "{name}: {column}");
            }
        }
    }
}

#[test]
fn inserts_name_every_column_that_is_not_null() {
    let tables = tables();
    let mut inserted = BTreeSet::new();
    for (name, sql) in of_rows().into_iter().filter(|(_, sql)| sql.starts_with("INSERT ")) {
        let rest = sql.strip_prefix("INSERT INTO ").unwrap_or_else(|| panic!("{name}"));
        let (table, rest) = rest.split_once(" (").unwrap();
        let (columns, rest) = rest.split_once(") VALUES (").unwrap();
        let columns: Vec<_> = columns.split(", ").collect();
        let values: Vec<_> = rest.strip_suffix(");").unwrap().split(", ").collect();
        let expected: Vec<_> = (1..=columns.len()).map(|number| format!("@P{number}")).collect();
        assert_eq!(values, expected, "{name}");
        for (column, is_needed) in &tables[table] {
            assert!(!is_needed || columns.contains(&column.as_str()), "{name} leaves out {column}");
        }
        assert!(columns.iter().all(|column| tables[table].contains_key(*column)), "{name}");
        inserted.insert(table.to_owned());
    }
    assert_eq!(inserted.len(), tables.len(), "every table is written somewhere");
}

#[test]
fn compared_texts_have_a_binary_collation() {
    for sql in migrations().filter(|sql| ["CREATE TABLE", "ALTER TABLE"].iter().any(|verb| sql.starts_with(verb))) {
        for column in sql.split("nvarchar(").skip(1) {
            let (size, rest) = column.split_once(") ").unwrap();
            assert!(size == "max" || rest.starts_with("COLLATE Latin1_General_100_BIN2 "), "{sql}");
        }
        assert!(!sql.contains(" varchar") && !sql.contains(" int ") && !sql.contains(" text "), "{sql}");
    }
}

#[test]
fn the_claim_is_a_filtered_unique_index() {
    let claim = "CREATE UNIQUE INDEX uq_payment_active_order ON payment (order_id) \
                 WHERE status IN (N'processing', N'succeeded', N'refunded');";
    assert!(INIT.contains(&claim));
}

#[test]
fn no_name_is_a_reserved_keyword() {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for (table, columns) in tables() {
        names.insert(table);
        names.extend(columns.into_keys());
    }
    for (_, sql) in all() {
        let tokens = tokens(&sql);
        for (index, token) in tokens.iter().enumerate() {
            let is_type =
                ["bigint", "date", "datetime2", "int"].contains(&tokens.get(index + 1).map_or("", String::as_str));
            if ["AS", "CONSTRAINT", "INDEX"].contains(&token.as_str()) && !is_type {
                names.extend(tokens.get(index + 1).cloned());
            }
        }
    }
    assert!(names.len() > 60, "{names:?}");
    let reserved: BTreeSet<_> = RESERVED.split_whitespace().collect();
    for name in names {
        assert!(!reserved.contains(name.to_uppercase().as_str()), "{name} is reserved");
    }
}

/// "Reserved keywords (Transact-SQL)": those of T-SQL, and those of ODBC, which may become reserved.
const RESERVED: &str = "\
ABSOLUTE ACTION ADA ADD ALL ALLOCATE ALTER AND ANY ARE AS ASC ASSERTION AT AUTHORIZATION AVG BACKUP BEGIN BETWEEN BIT \
BIT_LENGTH BOTH BREAK BROWSE BULK BY CASCADE CASCADED CASE CAST CATALOG CHAR CHARACTER CHARACTER_LENGTH CHAR_LENGTH \
CHECK CHECKPOINT CLOSE CLUSTERED COALESCE COLLATE COLLATION COLUMN COMMIT COMPUTE CONNECT CONNECTION CONSTRAINT \
CONSTRAINTS CONTAINS CONTAINSTABLE CONTINUE CONVERT CORRESPONDING COUNT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME \
CURRENT_TIMESTAMP CURRENT_USER CURSOR DATABASE DATE DAY DBCC DEALLOCATE DEC DECIMAL DECLARE DEFAULT DEFERRABLE \
DEFERRED DELETE DENY DESC DESCRIBE DESCRIPTOR DIAGNOSTICS DISCONNECT DISK DISTINCT DISTRIBUTED DOMAIN DOUBLE DROP DUMP \
ELSE END END-EXEC ERRLVL ESCAPE EXCEPT EXCEPTION EXEC EXECUTE EXISTS EXIT EXTERNAL EXTRACT FALSE FETCH FILE FILLFACTOR \
FIRST FLOAT FOR FOREIGN FORTRAN FOUND FREETEXT FREETEXTTABLE FROM FULL FUNCTION GET GLOBAL GO GOTO GRANT GROUP HAVING \
HOLDLOCK HOUR IDENTITY IDENTITYCOL IDENTITY_INSERT IF IMMEDIATE IN INCLUDE INDEX INDICATOR INITIALLY INNER INPUT \
INSENSITIVE INSERT INT INTEGER INTERSECT INTERVAL INTO IS ISOLATION JOIN KEY KILL LANGUAGE LAST LEADING LEFT LEVEL LIKE \
LINENO LOAD LOCAL LOWER MATCH MAX MERGE MIN MINUTE MODULE MONTH NAMES NATIONAL NATURAL NCHAR NEXT NO NOCHECK \
NONCLUSTERED NONE NOT NULL NULLIF NUMERIC OCTET_LENGTH OF OFF OFFSETS ON ONLY OPEN OPENDATASOURCE OPENQUERY OPENROWSET \
OPENXML OPTION OR ORDER OUTER OUTPUT OVER OVERLAPS PAD PARTIAL PASCAL PERCENT PIVOT PLAN POSITION PRECISION PREPARE \
PRESERVE PRIMARY PRINT PRIOR PRIVILEGES PROC PROCEDURE PUBLIC RAISERROR READ READTEXT REAL RECONFIGURE REFERENCES \
RELATIVE REPLICATION RESTORE RESTRICT RETURN REVERT REVOKE RIGHT ROLLBACK ROWCOUNT ROWGUIDCOL ROWS RULE SAVE SCHEMA \
SCROLL SECOND SECTION SECURITYAUDIT SELECT SEMANTICKEYPHRASETABLE SEMANTICSIMILARITYDETAILSTABLE \
SEMANTICSIMILARITYTABLE SESSION SESSION_USER SET SETUSER SHUTDOWN SIZE SMALLINT SOME SPACE SQL SQLCA SQLCODE SQLERROR \
SQLSTATE SQLWARNING STATISTICS SUBSTRING SUM SYSTEM_USER TABLE TABLESAMPLE TEMPORARY TEXTSIZE THEN TIME TIMESTAMP \
TIMEZONE_HOUR TIMEZONE_MINUTE TO TOP TRAILING TRAN TRANSACTION TRANSLATE TRANSLATION TRIGGER TRIM TRUE TRUNCATE \
TRY_CONVERT TSEQUAL UNION UNIQUE UNKNOWN UNPIVOT UPDATE UPDATETEXT UPPER USAGE USE USER USING VALUE VALUES VARCHAR \
VARYING VIEW WAITFOR WHEN WHENEVER WHERE WHILE WITH WITHIN WORK WRITE WRITETEXT YEAR ZONE";
