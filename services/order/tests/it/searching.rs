//! The search of admins: by number, by the account's e-mail address, and by words of the recipient's name.

use serde_json::json;
use souk_testkit::World;

use crate::rig::{Rig, address, execute, order_body};

impl Rig {
    /// Places an order to be delivered to `name`, and returns its number.
    async fn placed_for(&self, name: &str) -> String {
        let mut body = order_body("prepaid");
        body["shippingAddress"] = address();
        body["shippingAddress"]["name"] = json!(name);
        let key = self.world.deps.ids.uuid().to_string();
        self.client.post_keyed("/orders", &key, body).await.expect(201).json["orderId"].to_string()
    }

    /// Returns the numbers of the orders that an admin finds, newest first.
    async fn found(&self, q: &str) -> Vec<String> {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", q).finish();
        let page = self.admin.get(&format!("/orders?{query}")).await.expect(200).json;
        let numbers = page["items"].as_array().unwrap().iter().map(|order| order["orderId"].to_string());
        let numbers: Vec<String> = numbers.collect();
        assert_eq!(page["total"], numbers.len(), "{page}");
        numbers
    }
}

#[tokio::test]
async fn orders_are_found_by_beginnings_of_words_of_the_recipients_name() {
    let mut rig = Rig::new().await;
    let zoe = rig.placed_for("Zoë O'Neill-Müller").await;
    rig.advance(5);
    let ada = rig.placed_for("Ada Byron").await;
    rig.advance(5);
    let other_ada = rig.placed_for("ADA Lovelace 😀").await;
    for (q, expected) in [
        ("ada", vec![&other_ada, &ada]),
        ("  AD ", vec![&other_ada, &ada]),
        ("byr ada", vec![&ada]),
        ("Ada Byron", vec![&ada]),
        ("ada muller", vec![]),
        ("mueller", vec![]),
        ("MÜLL zoe", vec![&zoe]),
        ("neill", vec![&zoe]),
        ("dary", vec![]),
        ("yron", vec![]),
        ("%", vec![]),
        ("ad_", vec![&other_ada, &ada]),
        ("!!", vec![]),
    ] {
        assert_eq!(rig.found(q).await.iter().collect::<Vec<_>>(), expected, "{q}");
    }
    assert_eq!(rig.found("").await.len(), 3, "an empty text is none");
    let page = rig.admin.get("/orders?q=ada&size=1&page=1").await.expect(200).json;
    assert_eq!((&page["total"], page["items"][0]["orderId"].to_string()), (&json!(2), ada));
    assert_eq!(rig.admin.get("/orders?q=ada&status=paid").await.expect(200).json["total"], 0);
}

#[tokio::test]
async fn orders_are_found_by_number_and_by_the_accounts_address() {
    let rig = Rig::new().await;
    let number = rig.placed_for("Ada Byron").await;
    rig.world.has_email(rig.user, "Ada.Byron@example.com");
    assert_eq!(rig.found(&number).await, [number.as_str()]);
    assert_eq!(rig.found("ADA.byron@example.com").await, [number.as_str()]);
    for nothing in ["1", "0", "99999999999999999999999", "ada.byron@", "someone@example.com"] {
        assert!(rig.found(nothing).await.is_empty(), "{nothing}");
    }
}

#[tokio::test]
async fn only_admins_search_and_a_text_has_a_length() {
    let rig = Rig::new().await;
    rig.client.get("/orders?q=ada").await.is_problem(403, "auth.forbidden");
    rig.client.get("/orders?q=").await.expect(200);
    rig.admin.get(&format!("/orders?q={}", "x".repeat(201))).await.is_problem(400, "query.invalid");
    let nowhere = axum::Router::new();
    rig.world.fake_peer("auth", nowhere).await;
    assert_eq!(rig.found("ada").await.len(), 0, "only addresses need auth");
}

/// Takes the store back to the schema before recipients were indexed.
async fn as_the_version_before_left_it(world: &World) {
    let statements = [
        "DROP TABLE recipient_word",
        "DELETE FROM seaql_migrations WHERE version IN ('order_m0004_recipient_words', 'order_m0005_earlier_recipients')",
    ];
    execute(world, &statements).await;
}

#[tokio::test]
async fn an_upgrade_indexes_the_orders_that_are_there() {
    let rig = Rig::new().await;
    let zoe = rig.placed_for("Zoë Müller").await;
    rig.placed_for("Ada Byron").await;
    let rig = rig.restarted(as_the_version_before_left_it).await;
    assert_eq!(rig.found("muller zo").await, [zoe.as_str()]);
    let later = rig.placed_for("Zora Neale").await;
    assert_eq!(rig.found("zo").await.len(), 2);
    assert_eq!(rig.found("neale").await, [later.as_str()]);
}
