//! The first tables.

use sea_orm_migration::{prelude::*, schema};
use souk_sql::create_table;

pub(super) struct Init;

impl MigrationName for Init {
    fn name(&self) -> &'static str {
        "notification_m0001_init"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Init {
    /// Whole or not at all: a process killed half-way finds nothing done.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        recipients(manager).await?;
        notices(manager).await?;
        mails(manager).await?;
        let latest = Table::create()
            .table("latest_news")
            .col(schema::string_len("subject", 80).primary_key())
            .col(schema::big_integer("version"))
            .col(schema::boolean("is_settled"))
            .take();
        create_table(manager, latest, []).await
    }
}

async fn recipients(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("recipient")
        .col(schema::big_integer("user_id").primary_key())
        .col(schema::text_null("username"))
        .col(schema::text_null("email"))
        .col(schema::boolean("is_admin"))
        .col(schema::big_integer("version"))
        .col(schema::big_integer("last_position"))
        .take();
    let admins = Index::create().name("ix_recipient_admin").table("recipient").col("is_admin").take();
    create_table(manager, table, [admins]).await
}

async fn notices(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("notice")
        .col(schema::big_integer("notification_id").primary_key())
        .col(schema::big_integer("user_id"))
        .col(schema::big_integer("position"))
        .col(schema::string_len("event_id", 36))
        .col(schema::string_len("kind", 32))
        .col(schema::text("title"))
        .col(schema::text("body"))
        .col(schema::text_null("link"))
        .col(schema::big_integer("created_at"))
        .col(schema::big_integer_null("read_at"))
        .take();
    let once = Index::create()
        .name("uq_notice_event")
        .table("notice")
        .col("user_id")
        .col("event_id")
        .col("kind")
        .unique()
        .take();
    let in_order =
        Index::create().name("uq_notice_position").table("notice").col("user_id").col("position").unique().take();
    create_table(manager, table, [once, in_order]).await
}

async fn mails(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("mail")
        .col(schema::big_integer("mail_id").primary_key())
        .col(schema::text("message_id"))
        .col(schema::big_integer("user_id"))
        .col(schema::string_len("kind", 32))
        .col(schema::text_null("to_name"))
        .col(schema::text_null("to_address"))
        .col(schema::text("subject"))
        .col(schema::text_null("facts"))
        .col(schema::string_len("status", 16))
        .col(schema::big_integer("attempts"))
        .col(schema::big_integer("due_at"))
        .col(schema::big_integer_null("good_until"))
        .col(schema::string_len_null("claimed_by", 36))
        .col(schema::big_integer("created_at"))
        .col(schema::big_integer_null("sent_at"))
        .col(schema::text_null("error"))
        .take();
    let due = Index::create().name("ix_mail_due").table("mail").col("status").col("due_at").take();
    let of_user = Index::create().name("ix_mail_user").table("mail").col("user_id").col("status").take();
    create_table(manager, table, [due, of_user]).await
}
