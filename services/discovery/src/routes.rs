//! The URL table. The protocol's routes are served under `/eureka` and `/eureka/v2`, with and without a trailing slash.

mod change_instance;
mod describe_server;
mod extract;
mod lease;
mod read;
mod register;
mod replicate;
mod show_page;

use axum::{
    Router,
    routing::{self, MethodRouter},
};
use utoipa::openapi::{
    InfoBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, Paths, Required, ResponseBuilder,
    path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn},
    schema::Type,
};

use crate::{app::App, error::DiscoveryError};
pub(crate) struct Route {
    path: &'static str,
    method: HttpMethod,
    handler: MethodRouter<App>,
    summary: &'static str,
}

/// The protocol's routes, relative to `/eureka`.
#[rustfmt::skip]
pub(crate) fn table() -> Vec<Route> {
    vec![
        route(HttpMethod::Get, "/apps", routing::get(read::all), "Lists all instances by application."),
        route(HttpMethod::Get, "/apps/delta", routing::get(read::delta), "Lists the recent changes, by default those of the last three minutes."),
        route(HttpMethod::Get, "/apps/{app}", routing::get(read::application), "Lists the instances of an application."),
        route(HttpMethod::Post, "/apps/{app}", routing::post(register::handle), "Registers an instance."),
        route(HttpMethod::Get, "/apps/{app}/{id}", routing::get(read::instance), "Shows an instance."),
        route(HttpMethod::Put, "/apps/{app}/{id}", routing::put(lease::renew), "Renews the lease of an instance (heartbeat)."),
        route(HttpMethod::Delete, "/apps/{app}/{id}", routing::delete(lease::cancel), "Cancels the registration of an instance."),
        route(HttpMethod::Put, "/apps/{app}/{id}/status", routing::put(change_instance::set_status), "Overrides the status of an instance."),
        route(HttpMethod::Delete, "/apps/{app}/{id}/status", routing::delete(change_instance::delete_override), "Deletes the status override of an instance."),
        route(HttpMethod::Put, "/apps/{app}/{id}/metadata", routing::put(change_instance::merge_metadata), "Adds the query's pairs to the metadata of an instance."),
        route(HttpMethod::Get, "/instances/{id}", routing::get(read::instance_anywhere), "Shows an instance of any application."),
        route(HttpMethod::Get, "/vips/{vip}", routing::get(read::vip), "Lists the instances behind a virtual address."),
        route(HttpMethod::Get, "/svips/{vip}", routing::get(read::secure_vip), "Lists the instances behind a virtual address for TLS."),
        route(HttpMethod::Post, "/peerreplication/batch", routing::post(replicate::handle), "Applies changes that clients made at another server."),
        route(HttpMethod::Put, "/asg/{name}/status", routing::put(reject_scaling_group), "Rejects changes to Amazon's auto scaling groups."),
        route(HttpMethod::Get, "/status", routing::get(describe_server::handle), "Describes this server and its peers."),
    ]
}

/// The pages for people.
fn pages() -> Vec<Route> {
    vec![
        route(HttpMethod::Get, "/", routing::get(show_page::status), "Shows the status page."),
        route(
            HttpMethod::Get,
            "/lastn",
            routing::get(show_page::last),
            "Shows the latest registrations and cancellations.",
        ),
    ]
}

pub(crate) fn router(app: App) -> Router {
    let mut router = Router::new();
    for Route { path, handler, .. } in table() {
        for base in ["/eureka", "/eureka/v2"] {
            router = router
                .route(&format!("{base}{path}"), handler.clone())
                .route(&format!("{base}{path}/"), handler.clone());
        }
    }
    for Route { path, handler, .. } in pages() {
        router = router.route(path, handler);
    }
    router.with_state(app)
}

/// Returns the OpenAPI document. It lists the routes; the Eureka protocol describes their bodies.
pub(crate) fn openapi() -> OpenApi {
    let protocol = table().into_iter().map(|route| (format!("/eureka{}", route.path), route));
    let pages = pages().into_iter().map(|route| (route.path.to_owned(), route));
    let mut paths = Paths::new();
    for (path, Route { method, summary, .. }) in protocol.chain(pages) {
        let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let parameter = |name| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .description(describe(name))
                .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
                .build()
        };
        let mut operation = OperationBuilder::new()
            .summary(Some(summary))
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
fn describe(parameter: &str) -> Option<&'static str> {
    match parameter {
        "app" => Some("Name of the application, in upper or lower case, such as `order`"),
        "id" => Some("Instance id, percent-encoded, such as `host%3Aorder%3A8083`"),
        "vip" => Some("Virtual address, case-sensitive, such as `order`"),
        "name" => Some("Name of an auto scaling group on Amazon"),
        _ => None,
    }
}

fn route(method: HttpMethod, path: &'static str, handler: MethodRouter<App>, summary: &'static str) -> Route {
    Route { path, method, handler, summary }
}

async fn reject_scaling_group() -> DiscoveryError {
    DiscoveryError::NoScalingGroups
}
