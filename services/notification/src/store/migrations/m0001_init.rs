//! Creates recipients, notices, mails and the latest versions.

use sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema};
use souk_sql::NewTable;

pub(super) fn tables(_: DbBackend) -> Vec<NewTable> {
    let recipients = Table::create()
        .table("recipient")
        .col(schema::big_integer("user_id").primary_key())
        .col(schema::text_null("username"))
        .col(schema::text_null("email"))
        .col(schema::boolean("is_admin"))
        .col(schema::big_integer("version"))
        .col(schema::big_integer("last_position"))
        .take();
    let notices = Table::create()
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
    let mails = Table::create()
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
    let latest = Table::create()
        .table("latest_news")
        .col(schema::string_len("subject", 80).primary_key())
        .col(schema::big_integer("version"))
        .col(schema::boolean("is_settled"))
        .take();
    vec![
        NewTable::new(recipients).index("ix_recipient_admin", &["is_admin"]),
        NewTable::new(notices)
            .unique("uq_notice_event", &["user_id", "event_id", "kind"])
            .unique("uq_notice_position", &["user_id", "position"]),
        NewTable::new(mails).index("ix_mail_due", &["status", "due_at"]).index("ix_mail_user", &["user_id", "status"]),
        NewTable::new(latest),
    ]
}
