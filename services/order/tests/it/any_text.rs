//! Any text in any field: never a 5xx, never a control character that is accepted.

use serde_json::{Value, json};
use souk_kit::{Service as _, auth::Role};
use souk_order::Order;
use souk_testkit::withstands_any_text;

use crate::rig::{Rig, address, shipment};

#[tokio::test]
async fn any_text_is_refused_or_stored() {
    let rig = Rig::new().await;
    let id = rig.paid("prepaid").await;
    let service = rig.started.client.with_token(rig.world.token("payment", Role::Service));
    let clients = [rig.client.clone(), rig.admin.clone(), service];
    let accepted = withstands_any_text(&Order::openapi(), &clients, &[("orderId", json!(id))]).await;
    for operation in ["POST /orders", "POST /orders/{orderId}/ship"] {
        assert!(accepted.contains(operation), "{operation} is not in {accepted:?}");
    }
}

#[tokio::test]
async fn an_address_is_stored_trimmed_and_with_composed_letters() {
    let rig = Rig::new().await;
    let mut body = json!({"shippingAddress": address(), "items": [{"productId": 1001, "quantity": 1}]});
    body["shippingAddress"]["name"] = json!("  Zoe\u{308} 😀 \n");
    body["shippingAddress"]["line2"] = json!("مريم\u{200c}");
    let placed = rig.client.post_keyed("/orders", "k1", body.clone()).await.expect(201);
    assert_eq!(placed.json["shippingAddress"]["name"], "Zoë 😀");
    for (field, text) in [("name", "Ada\u{202e}"), ("city", "Ber\u{200b}lin"), ("line1", "1\0"), ("phone", "\u{2066}1")]
    {
        body["shippingAddress"][field] = json!(text);
        let refused = rig.client.post_keyed("/orders", "k2", body.clone()).await;
        refused.is_problem(422, "body.not_allowed");
        assert!(refused.json["errors"].as_array().unwrap().iter().any(|error| {
            error["field"] == format!("shippingAddress.{field}")
                && error["message"].as_str().unwrap().contains("has U+")
        }));
    }
}

#[tokio::test]
async fn a_shipment_has_no_control_characters() {
    let rig = Rig::new().await;
    let id = rig.paid("prepaid").await;
    let ship = format!("/orders/{id}/ship");
    let with = |field: &str, text: &str| {
        let mut body = shipment();
        body[field] = Value::from(text);
        body
    };
    for text in ["DHL\r\nBcc: eve@example.org", "DHL\0", "\u{202e}LHD", "D\u{200b}HL", "\u{200d}"] {
        for field in ["carrier", "trackingNumber"] {
            let refused = rig.admin.post(&ship, with(field, text)).await;
            refused.is_problem(422, "body.not_allowed");
            assert_eq!(refused.json["errors"][0]["field"], field);
        }
    }
    rig.admin.post(&ship, with("carrier", " DHL\n")).await.expect(200);
    let timeline = rig.client.get(&format!("/orders/{id}/timeline")).await.expect(200).text;
    assert!(timeline.contains("\"carrier\":\"DHL\""), "{timeline}");
}
