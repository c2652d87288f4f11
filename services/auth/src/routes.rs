//! The URL table of the auth service.

mod change_me;
mod change_password;
mod change_user;
mod create_guest;
mod find_user;
mod forgot_password;
mod issue_service_token;
mod list_ended_rights;
mod list_users;
mod login;
mod logout;
mod optional_token;
mod refresh;
mod register;
mod reset_password;
mod show_keys;
mod show_me;
mod show_user;

use souk_kit::routes::Routes;

use crate::app::App;

pub(crate) fn table() -> Routes<App> {
    souk_kit::routes! { App:
        POST  "/auth/register"         public register;
        POST  "/auth/login"            public login;
        POST  "/auth/refresh"          public refresh;
        POST  "/auth/logout"           public logout;
        POST  "/auth/guest"            public create_guest;
        GET   "/auth/me"               token  show_me;
        PATCH "/auth/me"               token  change_me;
        POST  "/auth/password"         token  change_password;
        POST  "/auth/password/forgot"  public forgot_password;
        POST  "/auth/password/reset"   public reset_password;
        GET   "/.well-known/jwks.json" public show_keys;
        GET   "/users"                 token  list_users;
        GET   "/users/{userId}"        token  show_user;
        PATCH "/users/{userId}"        token  change_user;
        POST  "/internal/tokens"       public issue_service_token;
        POST  "/internal/users/find"   token  find_user;
        GET   "/internal/ended-rights" token  list_ended_rights;
    }
}
