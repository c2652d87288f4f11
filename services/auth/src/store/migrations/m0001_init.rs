//! Users, sign-ins, resets, failures and keys.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, boolean, string_len, string_len_null, text, text_null},
};
use souk_sql::create_table;

pub struct Init;

impl MigrationName for Init {
    fn name(&self) -> &'static str {
        "auth_m0001_init"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Init {
    /// Whole or not at all: a process killed half-way finds nothing done.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        users(manager).await?;
        sessions(manager).await?;
        resets(manager).await?;
        let failures = Table::create()
            .table("sign_in_failure")
            .col(string_len("throttle_key", 64).primary_key())
            .col(big_integer("failures"))
            .col(big_integer("blocked_until"))
            .col(big_integer("last_failed_at"))
            .take();
        create_table(manager, failures, [index("ix_failure_last", "sign_in_failure", &["last_failed_at"])]).await?;
        let keys = Table::create()
            .table("signing_key")
            .col(string_len("kid", 64).primary_key())
            .col(string_len("algorithm", 8))
            .col(text("public_jwk"))
            .col(text_null("private_key"))
            .col(big_integer("created_at"))
            .take();
        create_table(manager, keys, []).await
    }
}

async fn users(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("shop_user")
        .col(big_integer("user_id").primary_key())
        .col(string_len("username", 40))
        .col(string_len("username_key", 40))
        .col(string_len("email", 191))
        .col(string_len("email_key", 191))
        .col(string_len("role", 16))
        .col(boolean("locked"))
        .col(string_len("password_hash", 255))
        .col(big_integer("sign_in_epoch"))
        .col(big_integer("version"))
        .col(big_integer("created_at"))
        .col(string_len_null("register_key", 64))
        .take();
    let indexes = [
        unique("uq_user_username_key", "shop_user", "username_key"),
        unique("uq_user_email_key", "shop_user", "email_key"),
        unique("uq_user_register_key", "shop_user", "register_key"),
        index("ix_user_role", "shop_user", &["role", "user_id"]),
    ];
    create_table(manager, table, indexes).await
}

async fn sessions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let families = Table::create()
        .table("token_family")
        .col(string_len("family_id", 32).primary_key())
        .col(big_integer_null("user_id"))
        .col(big_integer_null("guest_id"))
        .col(big_integer("sign_in_epoch"))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .col(big_integer_null("revoked_at"))
        .take();
    let indexes = [
        unique("uq_family_guest_id", "token_family", "guest_id"),
        index("ix_family_expires", "token_family", &["expires_at"]),
    ];
    create_table(manager, families, indexes).await?;
    let tokens = Table::create()
        .table("refresh_token")
        .col(string_len("token_hash", 64).primary_key())
        .col(string_len("family_id", 32))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .col(big_integer_null("used_at"))
        .take();
    create_table(manager, tokens, [index("ix_refresh_expires", "refresh_token", &["expires_at"])]).await
}

async fn resets(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let requests = Table::create()
        .table("reset_request")
        .col(string_len("request_id", 36).primary_key())
        .col(string_len("email_key", 191))
        .col(string_len_null("traceparent", 64))
        .col(big_integer("requested_at"))
        .take();
    create_table(manager, requests, []).await?;
    let tokens = Table::create()
        .table("reset_token")
        .col(string_len("token_hash", 64).primary_key())
        .col(big_integer("user_id"))
        .col(big_integer("expires_at"))
        .take();
    let indexes = [
        index("ix_reset_user", "reset_token", &["user_id"]),
        index("ix_reset_expires", "reset_token", &["expires_at"]),
    ];
    create_table(manager, tokens, indexes).await
}

fn unique(name: &'static str, table: &'static str, column: &'static str) -> IndexCreateStatement {
    index(name, table, &[column]).unique().take()
}

fn index(name: &'static str, table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(name).table(table).take();
    for column in columns {
        index.col(*column);
    }
    index
}
