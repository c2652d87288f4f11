//! Tables as SeaORM sees them.

/// A user with the contact, once auth published it, and the position of the newest notice.
pub(super) mod recipient {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "recipient")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: i64,
        /// `None`, like `email`, until auth publishes the contact.
        pub username: Option<String>,
        pub email: Option<String>,
        pub is_admin: bool,
        /// -1 until auth publishes the contact.
        pub version: i64,
        pub last_position: i64,
        /// BCP 47; `None` until auth publishes it, and for contacts of earlier releases.
        pub language: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod notice {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "notice")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub notification_id: i64,
        pub user_id: i64,
        pub position: i64,
        pub event_id: String,
        pub kind: String,
        pub title: String,
        pub body: String,
        pub link: Option<String>,
        /// Values that the notice reports, as JSON.
        pub facts: Option<String>,
        pub created_at: i64,
        pub read_at: Option<i64>,
        /// Language of title and body; `None`, which is English, of notices of earlier releases.
        pub language: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// At most one mail for each notice, under the id of the notice.
pub(super) mod mail {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "mail")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub mail_id: i64,
        pub message_id: String,
        pub user_id: i64,
        pub kind: String,
        pub to_name: Option<String>,
        pub to_address: Option<String>,
        /// The address in lower case; `None` of mails from before it was kept.
        pub address_key: Option<String>,
        pub subject: String,
        /// Variables of the templates, as JSON. May hold a token; `NULL` once the mail is sent or given up.
        pub facts: Option<String>,
        pub status: String,
        pub attempts: i64,
        pub due_at: i64,
        pub good_until: Option<i64>,
        /// Token of the claim that holds the mail until `due_at`.
        pub claimed_by: Option<String>,
        pub created_at: i64,
        pub sent_at: Option<i64>,
        pub error: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// The highest version received of each subject.
pub(super) mod latest_version {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "latest_news")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub subject: String,
        pub version: i64,
        pub is_settled: bool,
        /// `None` in a row that an earlier release wrote after the upgrade of the store.
        pub received_at: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
