//! `GET /orders/audit`: the latest result of the audit.

use axum::{Json, extract::State};
use serde::Serialize;
use souk_kit::auth::Admin;
use utoipa::ToSchema;

use crate::{app::App, latest_audit::AuditRound};

/// The latest result of the audit that watches the shop.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditResult {
    /// The latest round; `null` until one ends after the start of this process, and for a shop that nothing audits.
    pub latest: Option<AuditRound>,
}

/// Returns the latest round of the audit: which invariants hold, and what violates the others. For admins.
#[utoipa::path(get, path = "", responses((status = 200, body = AuditResult, description = "The latest result.")))]
pub(crate) async fn handle(State(app): State<App>, _: Admin) -> Json<AuditResult> {
    Json(AuditResult { latest: app.latest_audit.get() })
}
