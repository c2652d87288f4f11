//! `GET apps/{app}`.

use axum::{
    extract::{Path, State},
    response::Response,
};

use super::parts;
use crate::{app::App, negotiation::Wanted};

pub async fn handle(State(app): State<App>, Path(name): Path<String>, wanted: Wanted) -> Response {
    let name = name.to_uppercase();
    match app.registry.with(|registry| registry.application(&name)) {
        Some(application) => wanted.answer(wanted.application(&application)),
        None => parts::missing(&format!("{name} has no instances.")),
    }
}
