//! `GET vips/{vip}` and `GET svips/{vip}`: nobody there is an empty registry, not an error.

use axum::{
    extract::{Path, State},
    response::Response,
};

use crate::{app::App, negotiation::Wanted};

pub async fn plain(State(app): State<App>, Path(vip): Path<String>, wanted: Wanted) -> Response {
    let shot = app.registry.with(|registry| registry.at_vip(&vip));
    wanted.answer(wanted.applications(&shot.applications()))
}

pub async fn secure(State(app): State<App>, Path(vip): Path<String>, wanted: Wanted) -> Response {
    let shot = app.registry.with(|registry| registry.at_secure_vip(&vip));
    wanted.answer(wanted.applications(&shot.applications()))
}
