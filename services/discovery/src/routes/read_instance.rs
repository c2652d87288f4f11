//! `GET apps/{app}/{id}` and `GET instances/{id}`. Always as it is now.

use axum::{
    extract::{Path, State},
    response::Response,
};

use super::parts::{self, Instance};
use crate::{app::App, negotiation::Wanted};

pub async fn of_app(State(app): State<App>, instance: Instance, wanted: Wanted) -> Response {
    let (name, id) = instance.name();
    let now = app.clock.now();
    match app.registry.with(|registry| registry.instance(name, id, now)) {
        Some(info) => wanted.answer(wanted.instance(&info)),
        None => instance.missing(),
    }
}

pub async fn anywhere(State(app): State<App>, Path(id): Path<String>, wanted: Wanted) -> Response {
    let now = app.clock.now();
    match app.registry.with(|registry| registry.instance_anywhere(&id, now)) {
        Some(info) => wanted.answer(wanted.instance(&info)),
        None => parts::missing(&format!("There is no instance {id}.")),
    }
}
