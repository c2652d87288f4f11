//! Creates the tables of users, sign-ins, resets, failures and keys.

use sea_orm::DbBackend;
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, boolean, string_len, string_len_null, text, text_null},
};
use souk_sql::NewTable;

pub(super) fn tables(_: DbBackend) -> Vec<NewTable> {
    let users = Table::create()
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
    let refresh_tokens = Table::create()
        .table("refresh_token")
        .col(string_len("token_hash", 64).primary_key())
        .col(string_len("family_id", 32))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .col(big_integer_null("used_at"))
        .take();
    let reset_requests = Table::create()
        .table("reset_request")
        .col(string_len("request_id", 36).primary_key())
        .col(string_len("email_key", 191))
        .col(string_len_null("traceparent", 64))
        .col(big_integer("requested_at"))
        .take();
    let reset_tokens = Table::create()
        .table("reset_token")
        .col(string_len("token_hash", 64).primary_key())
        .col(big_integer("user_id"))
        .col(big_integer("expires_at"))
        .take();
    let failures = Table::create()
        .table("sign_in_failure")
        .col(string_len("throttle_key", 64).primary_key())
        .col(big_integer("failures"))
        .col(big_integer("blocked_until"))
        .col(big_integer("last_failed_at"))
        .take();
    let keys = Table::create()
        .table("signing_key")
        .col(string_len("kid", 64).primary_key())
        .col(string_len("algorithm", 8))
        .col(text("public_jwk"))
        .col(text_null("private_key"))
        .col(big_integer("created_at"))
        .take();
    vec![
        NewTable::new(users)
            .unique("uq_user_username_key", &["username_key"])
            .unique("uq_user_email_key", &["email_key"])
            .unique("uq_user_register_key", &["register_key"])
            .index("ix_user_role", &["role", "user_id"]),
        NewTable::new(families).unique("uq_family_guest_id", &["guest_id"]).index("ix_family_expires", &["expires_at"]),
        NewTable::new(refresh_tokens).index("ix_refresh_expires", &["expires_at"]),
        NewTable::new(reset_requests),
        NewTable::new(reset_tokens).index("ix_reset_user", &["user_id"]).index("ix_reset_expires", &["expires_at"]),
        NewTable::new(failures).index("ix_failure_last", &["last_failed_at"]),
        NewTable::new(keys),
    ]
}
