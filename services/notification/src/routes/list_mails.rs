//! `GET /notifications/sent`: lists all mails with their delivery state.

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_kit::{auth::Admin, extract::Paged};
use souk_values::Page;
use utoipa::IntoParams;

use crate::{
    app::App,
    error::NotificationError,
    mail::{Mail, MailStatus},
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Delivery state: only mails in it are listed. All mails when absent.
    #[param(inline)]
    status: Option<MailStatus>,
}

/// Lists all mails with their delivery state, newest first. For admins.
#[utoipa::path(get, path = "", params(Paged<Filter>), responses((status = 200, body = Page<Mail>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Paged(page, filter): Paged<Filter>,
) -> Result<Json<Page<Mail>>, NotificationError> {
    Ok(Json(app.store.mails(filter.status, page).await?))
}
