//! `/actuator/gateway`, in Spring Cloud Gateway's format: the routes as they are in force, and what they can be made of.

use std::collections::BTreeMap;

use axum::{Json, Router, extract::State, routing::get};
use serde_json::{Value, json};
use souk_kit::{Problem, extract::Path};

use crate::{app::App, error::GatewayError, filters, predicates, route_config::RouteConfig};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/actuator/gateway/routes", get(list))
        .route("/actuator/gateway/routes/{id}", get(show))
        .route("/actuator/gateway/routedefinitions", get(definitions))
        .route("/actuator/gateway/routepredicates", get(async || Json(by_name(&predicates::NAMES))))
        .route("/actuator/gateway/routefilters", get(async || Json(by_name(&filters::NAMES))))
}

/// The routes in the order in which they are tried.
async fn list(State(app): State<App>) -> Json<Vec<Value>> {
    let mut routes: Vec<&RouteConfig> = app.routes.iter().collect();
    routes.sort_by_key(|route| route.order);
    Json(routes.into_iter().map(view).collect())
}

async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let route = app.routes.iter().find(|route| route.id == id).ok_or(GatewayError::NoRoute)?;
    Ok(Json(view(route)))
}

async fn definitions(State(app): State<App>) -> Json<Value> {
    Json(json!(&*app.routes))
}

fn view(route: &RouteConfig) -> Value {
    let predicate = route.predicates.iter().map(ToString::to_string).collect::<Vec<_>>().join(" && ");
    let filters = route.filters.iter().enumerate();
    json!({
        "route_id": route.id,
        "uri": route.uri,
        "order": route.order,
        "predicate": predicate,
        "filters": filters.map(|(number, filter)| format!("[[{filter}], order = {}]", number + 1)).collect::<Vec<_>>(),
        "metadata": route.metadata,
    })
}

/// Spring's answer has the order of each, which those of a route do not have.
fn by_name(names: &[&'static str]) -> BTreeMap<String, Value> {
    names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect()
}
