//! SeaORM's entities of auth's tables.

/// Accounts of customers and admins.
pub(crate) mod shop_user {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "shop_user")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: i64,
        pub username: String,
        pub username_key: String,
        pub email: String,
        pub email_key: String,
        pub role: String,
        pub locked: bool,
        pub password_hash: String,
        pub sign_in_epoch: i64,
        pub version: i64,
        pub created_at: i64,
        pub register_key: Option<String>,
        pub language: String,
    }

    // Written by hand: a derived one would show the password hash in logs.
    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("shop_user").field("user_id", &self.user_id).finish_non_exhaustive()
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Sign-ins of accounts and guests.
pub(crate) mod token_family {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "token_family")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub family_id: String,
        pub user_id: Option<i64>,
        pub guest_id: Option<i64>,
        pub sign_in_epoch: i64,
        pub created_at: i64,
        pub expires_at: i64,
        pub revoked_at: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Refresh tokens, keyed by their hash.
pub(crate) mod refresh_token {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "refresh_token")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub token_hash: String,
        pub family_id: String,
        pub created_at: i64,
        pub expires_at: i64,
        pub used_at: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Addresses for which a reset was requested; deleted once processed.
pub(crate) mod reset_request {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "reset_request")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub request_id: String,
        pub email_key: String,
        pub traceparent: Option<String>,
        pub requested_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Reset tokens, keyed by their hash.
pub(crate) mod reset_token {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "reset_token")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub token_hash: String,
        pub user_id: i64,
        pub expires_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Failed sign-ins, keyed by a hash of account and client address.
pub(crate) mod sign_in_failure {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "sign_in_failure")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub throttle_key: String,
        pub failures: i64,
        pub blocked_until: i64,
        pub last_failed_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Devices from which users have signed in, keyed by the hash of their token.
pub(crate) mod known_device {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "known_device")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub token_hash: String,
        pub user_id: i64,
        pub expires_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Rights that ended before their access tokens expire: of a user, or of one sign-in.
pub(crate) mod ended_right {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "ended_right")]
    pub(crate) struct Model {
        /// The user's id, or the id of the sign-in.
        #[sea_orm(primary_key, auto_increment = false)]
        pub right_key: String,
        /// `None` for a sign-in.
        pub user_id: Option<i64>,
        /// First epoch of the user whose tokens are valid.
        pub epoch: i64,
        pub ended_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Current and retired keys for signing tokens.
pub(crate) mod signing_key {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "signing_key")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub kid: String,
        pub algorithm: String,
        pub public_jwk: String,
        /// PKCS#8 in base64; `None` for configured keys, and for those that no longer sign.
        pub private_key: Option<String>,
        pub created_at: i64,
        /// Number of a generated key; `None` for configured ones.
        pub generation: Option<i64>,
        /// Time at which a replica last recorded that it signs with it.
        pub used_at: Option<i64>,
    }

    // Written by hand: a derived one would show the private key in logs.
    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("signing_key").field("kid", &self.kid).finish_non_exhaustive()
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
