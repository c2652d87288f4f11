//! The frame around a service: what it refuses, what it shows, and the document it makes.

use axum::{Json, extract::State};
use garde::Validate;
use serde::{Deserialize, Serialize};
use souk_kit::{
    Problem, ServiceParts,
    auth::{Admin, Customer, PeerService, Role, VERIFIER},
    extract::{KeyedJson, NoFields, Path, Query, ValidJson},
    text::{Line, Paragraphs},
};
use souk_resilience::{Breaker, BreakerConfig};
use souk_testkit::{Client, World};
use souk_values::OrderId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use utoipa::ToSchema;

#[derive(Clone)]
struct App;

#[derive(Debug, Deserialize, Serialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Note {
    #[garde(range(min = 1, max = 99))]
    quantity: u32,
    /// Text on the gift.
    #[garde(dive)]
    #[serde(default)]
    #[schema(inline)]
    gift_text: Option<Line<5>>,
    #[garde(dive)]
    #[serde(default)]
    #[schema(inline)]
    /// Text on the note.
    text: Paragraphs<9>,
    #[garde(skip)]
    #[serde(default)]
    kind: Kind,
}

#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum Kind {
    #[default]
    Plain,
}

mod write_note {
    use super::*;
    /// Stores a note of the caller.
    #[utoipa::path(post, path = "", request_body = Note, responses((status = 200, body = Note)))]
    pub async fn handle(State(App): State<App>, _: Customer, ValidJson(note): ValidJson<Note>) -> Json<Note> {
        Json(note)
    }
}

mod pay_note {
    use super::*;
    #[utoipa::path(post, path = "", request_body = Note, responses((status = 200, body = String)))]
    pub async fn handle(_: Customer, KeyedJson(key, _): KeyedJson<Note>) -> String {
        key.body_hash
    }
}

mod show_note {
    use super::*;
    #[utoipa::path(get, path = "", params(("noteId" = OrderId, Path)), responses((status = 200, body = String)))]
    pub async fn handle(Path(id): Path<OrderId>) -> Result<String, Problem> {
        assert_ne!(id.to_string(), "13", "a defect");
        Ok(id.to_string())
    }
}

mod find_note {
    use super::*;

    #[derive(Debug, Deserialize, utoipa::IntoParams)]
    pub struct Wanted {
        title: String,
    }

    #[utoipa::path(get, path = "", params(("shelf" = String, Path), Wanted), responses((status = 200, body = String)))]
    pub async fn handle(Path(shelf): Path<String>, Query(Wanted { title }): Query<Wanted>) -> String {
        format!("{shelf}: {title}")
    }
}

mod drop_note {
    use super::*;
    #[utoipa::path(post, path = "", responses((status = 200)))]
    pub async fn handle(_: Admin, _: NoFields) {}
}

mod peek {
    use super::*;
    #[utoipa::path(get, path = "", responses((status = 200)))]
    pub async fn handle(PeerService(name): PeerService) -> String {
        name
    }
}

fn service() -> ServiceParts {
    let routes = souk_kit::routes! { App:
        POST "/notes"               token  write_note;
        POST "/notes/pay"           token  pay_note;
        GET  "/notes/{noteId}"      public show_note;
        POST "/notes/{noteId}/drop" token  drop_note;
        GET  "/shelves/{shelf}"     public find_note;
        GET  "/internal/peek"       token  peek;
    };
    let (table, openapi) = routes.finish("note", "Notes.");
    ServiceParts::new("note", table.with_state(App), openapi)
}

async fn start(world: &World) -> Client {
    world.serve(service()).await.client
}

#[tokio::test]
async fn bodies_are_refused_with_the_code_that_says_why() {
    let world = World::new().await;
    let client = start(&world).await.with_token(world.customer(world.user()));
    let raw = |body: &str| {
        let (client, body) = (client.clone(), body.to_owned());
        async move { client.send(reqwest::Method::POST, "/notes", Some(body)).await }
    };
    raw(r#"{"quantity": 3}"#).await.expect(200);
    raw(r#"{"quantity": 3"#).await.is_problem(400, "body.malformed");
    assert!(raw("{\n  !").await.text.contains("line 2, column 3"));
    raw(r#"{"quantity": 3} x"#).await.is_problem(400, "body.malformed");
    raw(r#"{"quantity": 3, "price": 1}"#).await.is_problem(400, "body.invalid");
    raw(r#"{"quantity": "3"}"#).await.is_problem(400, "body.invalid");
    raw("{}").await.is_problem(400, "body.invalid");
    raw(r#"{"quantity": 3, "kind": null}"#).await.is_problem(400, "body.invalid");
    let not_allowed = raw(r#"{"quantity": 0}"#).await;
    not_allowed.is_problem(422, "body.not_allowed");
    assert_eq!(not_allowed.json["errors"][0]["field"], "quantity");
    let too_long = raw(r#"{"quantity": 3, "giftText": "too long"}"#).await;
    too_long.is_problem(422, "body.not_allowed");
    assert_eq!(too_long.json["errors"][0]["field"], "giftText");
    let override_of_direction = raw(r#"{"quantity": 3, "giftText": "a\u202eb"}"#).await;
    override_of_direction.is_problem(422, "body.not_allowed");
    assert_eq!(override_of_direction.json["errors"][0]["field"], "giftText");
    let trimmed = raw(r#"{"quantity": 3, "giftText": "  e\u0301\n", "text": "a\r\nb"}"#).await.expect(200);
    assert_eq!((&trimmed.json["giftText"], &trimmed.json["text"]), (&"é".into(), &"a\nb".into()));
    raw(&format!("{{\"quantity\": 3{}}}", " ".repeat(300_000))).await.is_problem(413, "body.too_large");
    client.with_header("content-type", "text/plain").get("/notes/0").await.is_problem(400, "path.invalid");
}

#[tokio::test]
async fn no_path_or_query_has_a_control_or_invisible_character() {
    let world = World::new().await;
    let client = start(&world).await;
    let found = client.get("/shelves/%C3%A9?title=%F0%9F%98%80+%2500").await.expect(200);
    assert_eq!(found.text, "é: 😀 %00");
    let wrong = client.get("/shelves/a%00b?title=x").await;
    wrong.is_problem(400, "path.invalid");
    assert!(wrong.text.contains("shelf in the path has U+0000"), "{}", wrong.text);
    for (query, position) in [("title=a%0D%0Ab", "title in the query has U+000D"), ("title=x&a%E2%80%AEb=x", "U+202E")]
    {
        let wrong = client.get(&format!("/shelves/a?{query}")).await;
        wrong.is_problem(400, "query.invalid");
        assert!(wrong.text.contains(position), "{}", wrong.text);
    }
}

#[tokio::test]
async fn keys_are_required_and_the_hash_is_of_what_the_body_says() {
    let world = World::new().await;
    let client = start(&world).await.with_token(world.customer(world.user()));
    client.post("/notes/pay", serde_json::json!({"quantity": 1})).await.is_problem(400, "idempotency_key.required");
    let keyed = client.with_header("idempotency-key", "k1");
    let one = keyed.send(reqwest::Method::POST, "/notes/pay", Some(r#"{"quantity":1}"#.into())).await.expect(200);
    let same = keyed.send(reqwest::Method::POST, "/notes/pay", Some("{ \"quantity\" : 1 }".into())).await.expect(200);
    let other = keyed.send(reqwest::Method::POST, "/notes/pay", Some(r#"{"quantity":2}"#.into())).await.expect(200);
    assert_eq!(one.text, same.text);
    assert_ne!(one.text, other.text);
    client
        .with_header("idempotency-key", " ")
        .post("/notes/pay", serde_json::json!({"quantity": 1}))
        .await
        .is_problem(400, "idempotency_key.invalid");
}

#[tokio::test]
async fn only_who_may_may() {
    let world = World::new().await;
    let client = start(&world).await;
    let note = serde_json::json!({"quantity": 1});
    // Who may is checked before what is said.
    client.send(reqwest::Method::POST, "/notes", Some("rubbish".into())).await.is_problem(401, "auth.token_missing");
    client.with_token("rubbish").post("/notes", note.clone()).await.is_problem(401, "auth.token_invalid");
    let guest = client.with_token(world.token(5, Role::Guest));
    guest.post("/notes", note.clone()).await.is_problem(403, "auth.forbidden");
    let customer = client.with_token(world.customer(world.user()));
    customer.post("/notes/1/drop", serde_json::json!({})).await.is_problem(403, "auth.forbidden");
    customer.get("/internal/peek").await.is_problem(403, "auth.forbidden");
    let admin = client.with_token(world.admin());
    admin.post("/notes/1/drop", serde_json::json!({})).await.expect(200);
    admin.send(reqwest::Method::POST, "/notes/1/drop", None).await.expect(200);
    admin.post("/notes/1/drop", serde_json::json!({"x": 1})).await.is_problem(400, "body.invalid");
    assert_eq!(client.with_token(world.token("order", Role::Service)).get("/internal/peek").await.text, "order");
    let token = world.customer(world.user());
    let expiring = client.with_token(token);
    expiring.post("/notes", note.clone()).await.expect(200);
    world.clock.advance(std::time::Duration::from_secs(901));
    expiring.post("/notes", note).await.is_problem(401, "auth.token_expired");
}

/// A caller that still writes when it is refused met a broken pipe instead of the refusal.
#[tokio::test]
async fn a_body_that_comes_after_its_refusal_does_not_break_the_connection() {
    let world = World::new().await;
    let started = world.serve(service()).await;
    let mut connection = tokio::net::TcpStream::connect(started.running.address).await.unwrap();
    let mut received = [0_u8; 4_096];
    // Refused by a handler, by the frame, and by the guard of loopback.
    for (path, host) in
        [("/notes", "127.0.0.1"), ("/nowhere", "127.0.0.1"), ("/notes", "shop.example"), ("/notes", "127.0.0.1")]
    {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 20000\r\n\r\n"
        );
        connection.write_all(head.as_bytes()).await.unwrap_or_else(|error| panic!("{path}: {error}"));
        let length = connection.read(&mut received).await.unwrap();
        let answer = String::from_utf8_lossy(received.get(..length).unwrap());
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
        connection.write_all(&vec![b' '; 20_000]).await.unwrap();
    }
}

#[tokio::test]
async fn panics_unknown_paths_and_methods_are_problems() {
    let world = World::new().await;
    let client = start(&world).await;
    client.get("/notes/13").await.is_problem(500, "internal");
    client.get("/nothing").await.is_problem(404, "route.not_found");
    client.delete("/notes").await.is_problem(405, "route.method_not_allowed");
    client.get("/health/live").await.expect(200);
    client.get("/health/ready").await.expect(200);
    let metrics = client.get("/metrics").await.text;
    assert!(metrics.contains("http_server_request_duration_seconds_count{service=\"note\""), "{metrics}");
    assert!(metrics.contains("process_resident_memory_bytes"));
    let compressed = client.with_header("accept-encoding", "gzip").get("/metrics").await;
    assert_eq!(
        (compressed.header("content-encoding"), compressed.header("content-type")),
        ("gzip", "text/plain; version=0.0.4; charset=utf-8")
    );
    assert!(client.get("/docs/").await.text.contains("swagger"), "the Swagger UI is served");
}

#[tokio::test]
async fn a_service_lists_the_breakers_of_its_calls() {
    let world = World::new().await;
    let smtp = Breaker::new("note", "smtp", BreakerConfig::default(), world.clock.clone());
    let client = world.serve(service().listing_breakers([smtp])).await.client;
    // Of another service of this process.
    let _ = world.deps.peers.plain_client("order", "cart");
    let peer = world.deps.peers.plain_client("note", "nowhere");
    let _ = world.deps.peers.plain_client(VERIFIER, "auth");
    for _ in 0..2 {
        peer.get::<String>("/").await.unwrap_err();
    }
    client.with_token(world.customer(world.user())).get("/admin/note/breakers").await.is_problem(403, "auth.forbidden");
    let list = client.with_token(world.admin()).get("/admin/note/breakers").await.expect(200).json;
    let names: Vec<_> = list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    assert_eq!((names, &list["total"]), (vec!["nowhere", "smtp", "auth"], &3.into()));
    assert_eq!(list["items"][2]["service"], VERIFIER);
    let nowhere = &list["items"][0];
    assert_eq!((&nowhere["service"], &nowhere["state"]), (&"note".into(), &"CLOSED".into()));
    assert!(nowhere["failedCalls"].as_u64().unwrap() >= 2, "{nowhere}");
}

#[tokio::test]
async fn the_document_is_made_from_the_table() {
    let world = World::new().await;
    let document = start(&world).await.get("/openapi.json").await.json;
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    let frame = ["/admin/note/breakers", "/admin/note/dead-letters", "/admin/note/dead-letters/{deadLetterId}"];
    assert_eq!(paths[..3], frame);
    let letter = &document["components"]["schemas"]["DeadLetter"]["properties"]["envelope"];
    assert!(letter.to_string().contains("#/components/schemas/EventEnvelope"), "{letter}");
    let own = ["/internal/peek", "/notes", "/notes/pay", "/notes/{noteId}", "/notes/{noteId}/drop", "/shelves/{shelf}"];
    assert_eq!(paths[4..], own);
    let fields = &document["components"]["schemas"]["Note"]["properties"];
    let line = serde_json::json!(
        {"type": ["string", "null"], "description": "Text on the gift.", "minLength": 1, "maxLength": 5}
    );
    assert_eq!(fields["giftText"], line);
    let paragraphs = serde_json::json!(
        {"type": "string", "format": "multiline", "description": "Text on the note.", "maxLength": 9}
    );
    assert_eq!(fields["text"], paragraphs);
    let replay = &document["paths"]["/admin/note/dead-letters/{deadLetterId}/replay"]["post"];
    assert_eq!(replay["security"][0]["bearer"], serde_json::json!([]));
    let write = &document["paths"]["/notes"]["post"];
    assert_eq!(write["operationId"], "postNotes");
    assert_eq!(write["security"][0]["bearer"], serde_json::json!([]));
    assert!(write["responses"]["422"]["description"].as_str().unwrap().contains("body.not_allowed"));
    assert!(document["components"]["schemas"]["Note"].is_object());
    assert!(document["components"]["schemas"]["Problem"].is_object());
    assert_eq!(document["paths"]["/notes/{noteId}"]["get"]["security"], serde_json::json!([]));
}
