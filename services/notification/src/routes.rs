//! URL table of the notification service.

mod list_mailbox;
mod list_mails;
mod list_notices;
mod read_notice;
mod read_notices;
mod show_mail;
mod stream_notices;

use souk_kit::routes::Routes;

use crate::app::App;

pub(crate) fn table() -> Routes<App> {
    souk_kit::routes! { App:
        GET  "/notifications"                       token list_notices;
        GET  "/notifications/stream"                token stream_notices;
        POST "/notifications/{notificationId}/read" token read_notice;
        POST "/notifications/read"                  token read_notices;
        GET  "/notifications/sent"                  token list_mails;
        GET  "/notifications/mailbox"               token list_mailbox;
        GET  "/notifications/mailbox/{mailId}"      token show_mail;
    }
}
