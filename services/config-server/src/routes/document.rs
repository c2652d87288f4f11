//! The OpenAPI document. It is written here and not made from the handlers: one handler answers many addresses.

use utoipa::openapi::{
    ContentBuilder, InfoBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, PathItem, Paths, Required, ResponseBuilder,
    path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn},
    request_body::RequestBodyBuilder,
    schema::Type,
    security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};

const DESCRIPTION: &str = "The configuration of all services: the Spring Cloud Config HTTP API. `(_)` stands for a \
                           slash in an application or a label; applications, profiles and labels may be lists with \
                           commas. `config-server.prefix`, if it is set, goes before all but /monitor and /actuator.";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain";

/// One operation.
struct Line {
    method: HttpMethod,
    path: &'static str,
    says: &'static str,
    /// The status and the media type of what is answered.
    answers: (&'static str, &'static str),
    refuses: &'static [(&'static str, &'static str)],
    takes: Option<&'static str>,
    is_open: bool,
}

const READING: &[(&str, &str)] = &[
    ("400", "The application, a profile or the label is none"),
    ("401", "No credentials"),
    ("404", "The label is not known, or the repository cannot be used"),
    ("500", "A file cannot be parsed; which one, and where"),
];
const CIPHER: &[(&str, &str)] = &[
    ("400", "`INVALID`: not encrypted with this key"),
    ("401", "No credentials"),
    ("403", "Not an administrator's"),
    ("404", "`NO_KEY`: no key is configured"),
];
const REFRESHING: &[(&str, &str)] = &[
    ("400", "The body is neither JSON nor a form"),
    ("401", "Neither signed nor an administrator's"),
    ("403", "Not an administrator's"),
    ("503", "The bus is away"),
];
const KEYS: &[(&str, &str)] = &[("401", "No credentials"), ("404", "`NOT_FOUND`: the key has no public half")];
const HEALTH: &[(&str, &str)] = &[("503", "Configuration cannot be had")];

fn lines() -> Vec<Line> {
    use HttpMethod::{Get, Post};
    let reading = |path, says, kind| Line {
        method: Get,
        path,
        says,
        answers: ("200", kind),
        refuses: READING,
        takes: None,
        is_open: false,
    };
    let cipher = |path, says| Line {
        method: Post,
        path,
        says,
        answers: ("200", TEXT),
        refuses: CIPHER,
        takes: Some(TEXT),
        is_open: false,
    };
    let refreshing = |path, says, answers, takes| Line {
        method: Post,
        path,
        says,
        answers,
        refuses: REFRESHING,
        takes,
        is_open: false,
    };
    let key = |path, says, kind| Line { refuses: KEYS, ..reading(path, says, kind) };
    let health = |path, says| Line { refuses: HEALTH, is_open: true, ..reading(path, says, JSON) };
    vec![
        reading("/{application}/{profiles}", "The property sources, the strongest first.", JSON),
        reading("/{application}/{profiles}/{label}", "The property sources under a branch, tag or commit.", JSON),
        reading(
            "/{application}-{profiles}.json",
            "All properties as one JSON document; also .yml and .properties.",
            JSON,
        ),
        reading("/{label}/{application}-{profiles}.json", "The same under a label.", JSON),
        reading("/{application}/{profiles}/{label}/{path}", "A file; text with its placeholders resolved.", TEXT),
        cipher("/encrypt", "Encrypts the body. For administrators."),
        cipher("/encrypt/{name}/{profiles}", "The same; the names do not matter."),
        cipher("/decrypt", "Decrypts the body. For administrators."),
        cipher("/decrypt/{name}/{profiles}", "The same; the names do not matter."),
        key("/encrypt/status", "Whether there is a key.", JSON),
        key("/key", "The public half of the RSA key; with format=pem as PEM.", TEXT),
        key("/key/{name}/{profiles}", "The same; the names do not matter.", TEXT),
        refreshing("/monitor", "A Git host's webhook: which applications it concerns.", ("200", JSON), Some(JSON)),
        refreshing("/actuator/busrefresh", "Tells all applications to read again.", ("204", ""), None),
        refreshing("/actuator/busrefresh/{destination}", "Tells some to read again.", ("204", ""), None),
        health("/actuator/health", "Whether configuration can be had; details for who may read."),
        health("/actuator/health/{component}", "`configServer`, `liveness` or `readiness`."),
    ]
}

/// This service's OpenAPI document.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut paths = Paths::new();
    for line in lines() {
        add(&mut paths, &line);
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

fn add(paths: &mut Paths, line: &Line) {
    let (status, kind) = line.answers;
    let mut answer = ResponseBuilder::new().description("Done");
    if !kind.is_empty() {
        answer = answer.content(kind, ContentBuilder::new().build());
    }
    let mut operation = OperationBuilder::new().summary(Some(line.says)).response(status, answer);
    for (status, means) in line.refuses {
        operation = operation.response(*status, ResponseBuilder::new().description(*means));
    }
    for name in line.path.split('{').filter_map(|part| part.split_once('}')).map(|(name, _)| name) {
        let text = ObjectBuilder::new().schema_type(Type::String).build();
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
        operation = operation.parameter(parameter.required(Required::True).schema(Some(text)).build());
    }
    if let Some(kind) = line.takes {
        operation = operation
            .request_body(Some(RequestBodyBuilder::new().content(kind, ContentBuilder::new().build()).build()));
    }
    let schemes: &[&str] = if line.is_open { &[] } else { &["basic", "bearer"] };
    for scheme in schemes {
        operation = operation.security(SecurityRequirement::new(*scheme, Vec::<String>::new()));
    }
    let item = PathItem::new(line.method.clone(), operation.build());
    match paths.paths.get_mut(line.path) {
        Some(known) => known.merge_operations(item),
        None => {
            paths.paths.insert(line.path.to_owned(), item);
        }
    }
}
