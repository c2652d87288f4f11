//! A service's URL table: path, method and handler in one place, its OpenAPI document made from it.

mod inlined;

use std::collections::BTreeMap;

use axum::routing::{MethodFilter, MethodRouter};
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Paths, Ref, RefOr, ResponseBuilder, Schema,
    path::{HttpMethod, Operation},
    security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};
use utoipa::{PartialSchema, ToSchema};

use crate::{Problem, breakers, dead_letters};

/// Named schemas that operations refer to.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// Access to an operation; determines the error responses that its document lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Open to callers without a token.
    Public,
    /// Requires a token that the handler's extractor accepts.
    Token,
}

/// The URL table of a service whose handlers share the state `S`. Made by [`crate::routes!`].
pub struct Routes<S> {
    router: axum::Router<S>,
    paths: Paths,
    schemas: BTreeMap<String, RefOr<Schema>>,
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self { router: axum::Router::new(), paths: Paths::new(), schemas: BTreeMap::new() }
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Adds one line of the table. Called by [`crate::routes!`].
    #[must_use]
    pub fn add(
        mut self,
        (method, path, access): (HttpMethod, &str, Access),
        handler: impl FnOnce(MethodFilter) -> MethodRouter<S>,
        mut operation: Operation,
        schemas: Schemas,
    ) -> Self {
        document(&mut operation, &method, path, access);
        self.schemas.extend(schemas);
        self.router = self.router.route(path, handler(filter(&method)));
        self.paths.add_path_operation(path, vec![method], operation);
        self
    }

    /// Returns the router alone.
    pub(crate) fn into_router(self) -> axum::Router<S> {
        self.router
    }

    /// Returns the router, and the OpenAPI document of `service`, which includes the frame's operations.
    pub fn finish(mut self, service: &str, description: &str) -> (axum::Router<S>, OpenApi) {
        for of_frame in [breakers::table(service), dead_letters::table(service)] {
            self.paths.paths.extend(of_frame.paths.paths);
            self.schemas.extend(of_frame.schemas);
        }
        let mut problem_schemas = Vec::new();
        Problem::schemas(&mut problem_schemas);
        self.schemas.extend(problem_schemas);
        self.schemas.insert(Problem::name().into_owned(), Problem::schema());
        inlined::unwrap(&mut self.schemas);
        let mut components = Components::new();
        components.schemas.extend(self.schemas);
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let info = InfoBuilder::new()
            .title(format!("souk {service}"))
            .version(env!("CARGO_PKG_VERSION"))
            .description(Some(description))
            .build();
        let document = OpenApiBuilder::new().info(info).paths(self.paths).components(Some(components)).build();
        (self.router, document)
    }
}

fn filter(method: &HttpMethod) -> MethodFilter {
    match method {
        HttpMethod::Get => MethodFilter::GET,
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Delete => MethodFilter::DELETE,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Head => MethodFilter::HEAD,
        HttpMethod::Options => MethodFilter::OPTIONS,
        HttpMethod::Trace => MethodFilter::TRACE,
    }
}

/// Adds what every operation has in common: an id, security, and the refusals of the frame.
fn document(operation: &mut Operation, method: &HttpMethod, path: &str, access: Access) {
    operation.operation_id = Some(operation_id(method, path));
    let mut refusals: Vec<(&str, &str)> =
        vec![("503", "`store.unavailable`, `{service}.unavailable`: try again, see Retry-After")];
    if access == Access::Token {
        operation.security = Some(vec![SecurityRequirement::new("bearer", Vec::<String>::new())]);
        refusals.push(("401", "`auth.token_missing`, `auth.token_invalid`, `auth.token_expired`"));
        refusals.push(("403", "`auth.forbidden`"));
    } else {
        operation.security = Some(Vec::new());
    }
    if operation.request_body.is_some() {
        refusals.push(("400", "`body.malformed`, `body.invalid`"));
        refusals.push(("413", "`body.too_large`"));
        refusals.push(("415", "`body.not_json`"));
        refusals.push(("422", "`body.not_allowed`"));
    } else if path.contains('{') || operation.parameters.is_some() {
        refusals.push(("400", "`path.invalid`, `query.invalid`"));
    }
    for (status, codes) in refusals {
        let said = operation.responses.responses.get(status).and_then(|response| match response {
            RefOr::T(response) if !response.description.contains(codes) => Some(response.description.clone()),
            RefOr::T(_) | RefOr::Ref(_) => None,
        });
        let description = said.map_or_else(|| codes.to_owned(), |own| format!("{own}; {codes}"));
        operation.responses.responses.insert(status.to_owned(), RefOr::T(refusal(&description)));
    }
}

fn refusal(description: &str) -> utoipa::openapi::Response {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", problem).build()
}

/// `GET /orders/{orderId}/timeline` is `getOrdersOrderIdTimeline`.
fn operation_id(method: &HttpMethod, path: &str) -> String {
    let verb = match method {
        HttpMethod::Get => "get",
        HttpMethod::Post => "post",
        HttpMethod::Put => "put",
        HttpMethod::Delete => "delete",
        HttpMethod::Patch => "patch",
        HttpMethod::Head => "head",
        HttpMethod::Options => "options",
        HttpMethod::Trace => "trace",
    };
    path.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).fold(
        verb.to_owned(),
        |mut id, word| {
            let (first, rest) = word.split_at(1);
            id.push_str(&first.to_ascii_uppercase());
            id.push_str(rest);
            id
        },
    )
}

/// The URL table: one line a route, `METHOD "path" access module;`. The module has a `handle` with a
/// `#[utoipa::path]` whose own method and path do not matter: the table's do.
///
/// ```text
/// kit::routes! { App:
///     POST "/orders"           token  place_order;
///     GET  "/orders/{orderId}" token  show_order;
///     GET  "/products"         public list_products;
/// }
/// ```
#[macro_export]
macro_rules! routes {
    ($state:ty: $($method:ident $path:tt $access:ident $($module:ident)::+;)*) => {{
        let routes = $crate::routes::Routes::<$state>::default();
        $(let routes = {
            use $crate::routes::SchemasOf as _;
            let mut schemas = $crate::routes::Schemas::new();
            $($module)::+::__path_handle::collect(&mut schemas);
            routes.add(
                ($crate::routes!(@method $method), $path, $crate::routes!(@access $access)),
                |filter| $crate::routes::on(filter, $($module)::+::handle),
                <$($module)::+::__path_handle as $crate::routes::OperationOf>::operation(),
                schemas,
            )
        };)*
        routes
    }};
    (@method GET) => { $crate::routes::Method::Get };
    (@method POST) => { $crate::routes::Method::Post };
    (@method PUT) => { $crate::routes::Method::Put };
    (@method PATCH) => { $crate::routes::Method::Patch };
    (@method DELETE) => { $crate::routes::Method::Delete };
    (@access public) => { $crate::routes::Access::Public };
    (@access token) => { $crate::routes::Access::Token };
}

#[doc(hidden)]
pub use axum::routing::on;
#[doc(hidden)]
pub use utoipa::{Path as OperationOf, openapi::path::HttpMethod as Method};

/// Collects the schemas that a documented handler refers to.
#[doc(hidden)]
pub trait SchemasOf {
    /// Adds the schemas of the operation.
    fn collect(schemas: &mut Schemas);
}

impl<T: utoipa::__dev::SchemaReferences> SchemasOf for T {
    fn collect(schemas: &mut Schemas) {
        Self::schemas(schemas);
    }
}
