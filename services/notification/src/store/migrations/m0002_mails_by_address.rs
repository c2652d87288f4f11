//! Adds the key of a mail's address, by which mails to one address are counted.

use sea_orm::DbBackend;
use sea_orm_migration::schema::string_len_null;
use souk_sql::TableChange;

use crate::store::mails::ADDRESS_KEY_LENGTH;

pub(super) fn change(_: DbBackend) -> TableChange {
    TableChange::new("mail")
        .column(string_len_null("address_key", ADDRESS_KEY_LENGTH))
        .index("ix_mail_address", &["address_key", "created_at"])
}
