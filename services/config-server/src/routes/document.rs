//! The OpenAPI document. It is written by hand instead of derived from the handlers, because one handler answers many
//! paths.

use utoipa::openapi::{
    ContentBuilder, InfoBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, Paths, Required, ResponseBuilder,
    path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn},
    request_body::RequestBodyBuilder,
    schema::Type,
    security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};

const DESCRIPTION: &str = "The configuration of all services: the Spring Cloud Config HTTP API. `(_)` stands for a \
                           slash in an application or a label; applications, profiles and labels may be lists with \
                           commas. `config-server.prefix`, if it is set, precedes all paths but /monitor and /actuator.";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain";

type Responses = &'static [(&'static str, &'static str)];

struct Operation {
    method: HttpMethod,
    path: &'static str,
    summary: &'static str,
    status: &'static str,
    /// Media type of the response; `None` for one without a body.
    produces: Option<&'static str>,
    refusals: Responses,
    /// Media type of the request body; `None` for a request without one.
    consumes: Option<&'static str>,
    is_public: bool,
}

const READ_REFUSALS: Responses = &[
    ("400", "The application, a profile or the label is invalid"),
    ("401", "The credentials are missing or wrong"),
    ("404", "The label is unknown, or the repository cannot be used yet: then with Retry-After"),
    ("500", "A file cannot be parsed; the message has its name and the line"),
];
const CIPHER_REFUSALS: Responses = &[
    ("400", "`INVALID`: the text was not encrypted with this key"),
    ("401", "The credentials are missing or wrong"),
    ("403", "The caller is not an administrator"),
    ("404", "`NO_KEY`: no key is configured"),
];
const REFRESH_REFUSALS: Responses = &[
    ("400", "The body is neither JSON nor a form"),
    ("401", "Neither a valid signature nor credentials of an administrator"),
    ("403", "The caller is not an administrator"),
    ("503", "The bus is unavailable; send the request again later"),
];
const KEY_REFUSALS: Responses = &[
    ("401", "The credentials are missing or wrong"),
    ("404", "`NO_KEY`: no key is configured; `NOT_FOUND`: the key has no public half"),
];
const HEALTH_REFUSALS: Responses = &[("503", "The configuration cannot be read")];
const COMPONENT_REFUSALS: Responses =
    &[("404", "There is no such component"), ("503", "The configuration cannot be read")];

const PARAMETERS: [(&str, &str); 7] = [
    ("application", "One or more applications, separated by commas; the last is the strongest. Example: `order`"),
    ("profiles", "One or more profiles, separated by commas; the last is the strongest. Example: `prod`"),
    ("label", "Branch, tag or commit id, or several separated by commas; the last is the strongest. Example: `main`"),
    ("path", "Path of a file, relative to a search location. Example: `logback.xml`"),
    ("name", "Name of an application, without effect on the result"),
    ("component", "Name of a health component: `configServer`, `liveness` or `readiness`"),
    ("destination", "Application, or application and instance, that receives the event. Example: `order:8083`"),
];

fn operations() -> Vec<Operation> {
    let read = |path, summary, produces| Operation {
        method: HttpMethod::Get,
        path,
        summary,
        status: "200",
        produces: Some(produces),
        refusals: READ_REFUSALS,
        consumes: None,
        is_public: false,
    };
    let cipher = |path, summary| Operation {
        method: HttpMethod::Post,
        refusals: CIPHER_REFUSALS,
        consumes: Some(TEXT),
        ..read(path, summary, TEXT)
    };
    let bus_refresh = |path, summary| Operation {
        method: HttpMethod::Post,
        status: "204",
        produces: None,
        refusals: REFRESH_REFUSALS,
        ..read(path, summary, JSON)
    };
    let monitor = Operation {
        status: "200",
        produces: Some(JSON),
        consumes: Some(JSON),
        ..bus_refresh("/monitor", "Receives a webhook of a Git host and returns the applications that it affects.")
    };
    let key = |path, summary, produces| Operation { refusals: KEY_REFUSALS, ..read(path, summary, produces) };
    let health = |path, summary| Operation { refusals: HEALTH_REFUSALS, is_public: true, ..read(path, summary, JSON) };
    vec![
        read("/{application}/{profiles}", "Returns the property sources, strongest first.", JSON),
        read("/{application}/{profiles}/{label}", "Returns the property sources at a branch, tag or commit.", JSON),
        read(
            "/{application}-{profiles}.json",
            "Returns all properties as one JSON document; also as .yml and .properties.",
            JSON,
        ),
        read("/{label}/{application}-{profiles}.json", "Returns the same document at a label.", JSON),
        read("/{application}/{profiles}/{label}/{path}", "Returns a file; in a text, placeholders are resolved.", TEXT),
        cipher("/encrypt", "Encrypts the body. Only for administrators."),
        cipher("/encrypt/{name}/{profiles}", "Encrypts the body; the names have no effect."),
        cipher("/decrypt", "Decrypts the body. Only for administrators."),
        cipher("/decrypt/{name}/{profiles}", "Decrypts the body; the names have no effect."),
        key("/encrypt/status", "Reports that a key is configured.", JSON),
        key("/key", "Returns the public half of the RSA key; with format=pem as PEM.", TEXT),
        key("/key/{name}/{profiles}", "Returns the public half of the key; the names have no effect.", TEXT),
        monitor,
        bus_refresh("/actuator/busrefresh", "Makes all applications reload their configuration."),
        bus_refresh("/actuator/busrefresh/{destination}", "Makes some applications reload their configuration."),
        health("/actuator/health", "Reports whether configuration can be read; details only for readers."),
        Operation {
            refusals: COMPONENT_REFUSALS,
            ..health("/actuator/health/{component}", "Reports `configServer`, `liveness` or `readiness`.")
        },
    ]
}

pub(crate) fn openapi() -> OpenApi {
    let mut paths = Paths::new();
    for operation in operations() {
        add(&mut paths, operation);
    }
    let info = InfoBuilder::new()
        .title("souk config-server")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .build();
    let mut components = utoipa::openapi::Components::new();
    for (name, scheme) in [("basic", HttpAuthScheme::Basic), ("bearer", HttpAuthScheme::Bearer)] {
        components.add_security_scheme(name, SecurityScheme::Http(HttpBuilder::new().scheme(scheme).build()));
    }
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components)).build()
}

fn add(paths: &mut Paths, documented: Operation) {
    let mut success = ResponseBuilder::new().description("The request succeeded");
    if let Some(media_type) = documented.produces {
        success = success.content(media_type, ContentBuilder::new().build());
    }
    let mut operation = OperationBuilder::new().summary(Some(documented.summary)).response(documented.status, success);
    for (status, description) in documented.refusals {
        operation = operation.response(*status, ResponseBuilder::new().description(*description));
    }
    for name in documented.path.split('{').filter_map(|part| part.split_once('}')).map(|(name, _)| name) {
        let text = ObjectBuilder::new().schema_type(Type::String).build();
        let description = PARAMETERS.iter().find(|(known, _)| *known == name).map(|(_, description)| *description);
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).description(description);
        operation = operation.parameter(parameter.required(Required::True).schema(Some(text)).build());
    }
    if let Some(media_type) = documented.consumes {
        operation = operation
            .request_body(Some(RequestBodyBuilder::new().content(media_type, ContentBuilder::new().build()).build()));
    }
    let schemes: &[&str] = if documented.is_public { &[] } else { &["basic", "bearer"] };
    for scheme in schemes {
        operation = operation.security(SecurityRequirement::new(*scheme, Vec::<String>::new()));
    }
    paths.add_path_operation(documented.path, vec![documented.method], operation.build());
}
