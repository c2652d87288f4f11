//! Auth's URL table.

mod change_me;
mod change_password;
mod change_user;
mod forgot_password;
mod issue_service_token;
mod list_users;
mod login;
mod logout;
mod optional_token;
mod refresh;
mod register;
mod reset_password;
mod show_keys;
mod show_me;
mod visit;

use utoipa::openapi::OpenApi;

use crate::App;

/// The routes and their document.
pub fn table() -> (axum::Router<App>, OpenApi) {
    let routes = souk_kit::routes! { App:
        POST  "/auth/register"         public register;
        POST  "/auth/login"            public login;
        POST  "/auth/refresh"          public refresh;
        POST  "/auth/logout"           public logout;
        POST  "/auth/guest"            public visit;
        GET   "/auth/me"               token  show_me;
        PATCH "/auth/me"               token  change_me;
        POST  "/auth/password"         token  change_password;
        POST  "/auth/password/forgot"  public forgot_password;
        POST  "/auth/password/reset"   public reset_password;
        GET   "/.well-known/jwks.json" public show_keys;
        GET   "/users"                 token  list_users;
        PATCH "/users/{userId}"        token  change_user;
        POST  "/internal/tokens"       public issue_service_token;
    };
    routes.finish("auth", "Registration, sign-in, tokens and users.")
}
