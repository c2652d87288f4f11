//! `GET /` and `GET /lastn`, for people.

use axum::{extract::State, response::Html};

use crate::{app::App, page};

pub async fn status(State(app): State<App>) -> Html<String> {
    Html(page::render(&app.overview()))
}

pub async fn last(State(app): State<App>) -> Html<String> {
    Html(page::render_last(&app.overview()))
}
