//! The whole URL table. Everything is served below `/eureka` and `/eureka/v2`, with and without a slash at the end.

mod change_status;
mod delete_instance;
mod delete_override;
mod describe_server;
mod merge_metadata;
mod parts;
mod read_application;
mod read_instance;
mod read_registry;
mod read_vip;
mod register;
mod renew;
mod replicate;
mod show_page;

use axum::{
    Router,
    http::StatusCode,
    routing::{MethodFilter, MethodRouter, on},
};
use utoipa::openapi::{
    InfoBuilder, OpenApi, OpenApiBuilder, Paths, Required, ResponseBuilder,
    path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn},
};

use crate::app::App;

/// A line of the table: method and path, handler, and what it is for.
struct Line {
    path: &'static str,
    method: HttpMethod,
    handler: MethodRouter<App>,
    says: &'static str,
}

/// Below `/eureka`.
#[rustfmt::skip]
fn table() -> Vec<Line> {
    vec![
        get("/apps", on(MethodFilter::GET, read_registry::all), "Every instance, by application."),
        get("/apps/delta", on(MethodFilter::GET, read_registry::delta), "What changed lately."),
        get("/apps/{app}", on(MethodFilter::GET, read_application::handle), "The instances of an application."),
        post("/apps/{app}", on(MethodFilter::POST, register::handle), "Registers an instance."),
        get("/apps/{app}/{id}", on(MethodFilter::GET, read_instance::of_app), "One instance."),
        put("/apps/{app}/{id}", on(MethodFilter::PUT, renew::handle), "Renews the lease of an instance."),
        delete("/apps/{app}/{id}", on(MethodFilter::DELETE, delete_instance::handle), "Removes an instance."),
        put("/apps/{app}/{id}/status", on(MethodFilter::PUT, change_status::handle), "Sets the status of an instance."),
        delete("/apps/{app}/{id}/status", on(MethodFilter::DELETE, delete_override::handle), "Takes back a status that was set."),
        put("/apps/{app}/{id}/metadata", on(MethodFilter::PUT, merge_metadata::handle), "Adds to the metadata of an instance."),
        get("/instances/{id}", on(MethodFilter::GET, read_instance::anywhere), "One instance, by its id alone."),
        get("/vips/{vip}", on(MethodFilter::GET, read_vip::plain), "The instances behind a virtual address."),
        get("/svips/{vip}", on(MethodFilter::GET, read_vip::secure), "The same over TLS."),
        post("/peerreplication/batch", on(MethodFilter::POST, replicate::handle), "What happened at another server."),
        put("/asg/{name}/status", on(MethodFilter::PUT, no_scaling_groups), "Amazon's scaling groups: refused."),
        get("/status", on(MethodFilter::GET, describe_server::handle), "What the server tells of itself."),
    ]
}

/// Beside `/eureka`.
fn pages() -> Vec<Line> {
    vec![
        get("/", on(MethodFilter::GET, show_page::status), "The status page."),
        get("/lastn", on(MethodFilter::GET, show_page::last), "Who came and went last."),
    ]
}

/// All routes.
pub fn router(app: App) -> Router {
    let mut router = Router::new();
    for Line { path, handler, .. } in table() {
        for base in ["/eureka", "/eureka/v2"] {
            router = router
                .route(&format!("{base}{path}"), handler.clone())
                .route(&format!("{base}{path}/"), handler.clone());
        }
    }
    for Line { path, handler, .. } in pages() {
        router = router.route(path, handler);
    }
    router.with_state(app)
}

/// This service's OpenAPI document: the routes; their bodies are described by the Eureka protocol.
#[must_use]
pub fn openapi() -> OpenApi {
    let below = table().into_iter().map(|line| (format!("/eureka{}", line.path), line));
    let beside = pages().into_iter().map(|line| (line.path.to_owned(), line));
    let mut paths = Paths::new();
    for (path, Line { method, says, .. }) in below.chain(beside) {
        let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let parameter =
            |name| ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True).build();
        let mut operation = OperationBuilder::new()
            .summary(Some(says))
            .response("default", ResponseBuilder::new().description("See the Eureka protocol"));
        for name in names {
            operation = operation.parameter(parameter(name));
        }
        paths.add_path_operation(path.clone(), vec![method], operation.build());
    }
    let about = "The registry of services: the Eureka REST protocol, version 2, in JSON and XML. The same paths are \
                 served below /eureka/v2.";
    let info =
        InfoBuilder::new().title("souk discovery").version(env!("CARGO_PKG_VERSION")).description(Some(about)).build();
    OpenApiBuilder::new().info(info).paths(paths).build()
}

fn get(path: &'static str, handler: MethodRouter<App>, says: &'static str) -> Line {
    Line { path, method: HttpMethod::Get, handler, says }
}

fn post(path: &'static str, handler: MethodRouter<App>, says: &'static str) -> Line {
    Line { path, method: HttpMethod::Post, handler, says }
}

fn put(path: &'static str, handler: MethodRouter<App>, says: &'static str) -> Line {
    Line { path, method: HttpMethod::Put, handler, says }
}

fn delete(path: &'static str, handler: MethodRouter<App>, says: &'static str) -> Line {
    Line { path, method: HttpMethod::Delete, handler, says }
}

async fn no_scaling_groups() -> (StatusCode, &'static str) {
    (StatusCode::BAD_REQUEST, "this registry does not run on Amazon and knows no scaling groups")
}
