//! A running product service with shortcuts for tests.

use serde_json::{Value, json};
use souk_bus::{Consumer, Outcome};
use souk_events::{
    CancelReason, Event, OrderCancelled, OrderCreated, OrderFacts, OrderLine, OrderPaid, OrderShipped, PaymentTerms,
    ShippingAddress,
};
use souk_kit::Service as _;
use souk_product::{
    Product, ProductConfig, ProductStore,
    audit::{self, ProductAuditFacts},
};
use souk_testkit::{Client, TestResponse, World, eventually};
use souk_values::{Clock, Currency, Id, Money, OrderId, OrderItemId, ProductId, UserId};

pub struct Shop {
    pub world: World,
    pub client: Client,
    pub admin: Client,
    pub store: ProductStore,
    pub consumer: Consumer,
    pub address: std::net::SocketAddr,
    pub category: i64,
}

/// Returns a configuration with store and pictures in the folder of `world`.
pub fn configuration(world: &World) -> ProductConfig {
    let pictures_dir = world.folder.path().join("pictures").display().to_string();
    ProductConfig { store_url: world.store_url("product"), pictures_dir, ..ProductConfig::default() }
}

impl Shop {
    /// Starts a shop with one category.
    pub async fn open() -> Self {
        Self::open_with(World::new().await, |config| config).await
    }

    /// Starts a shop with another configuration.
    pub async fn open_with(world: World, configured: impl FnOnce(ProductConfig) -> ProductConfig) -> Self {
        let config = configured(configuration(&world));
        let mut service = Product::build(config, &world.deps).await.unwrap();
        let store = service.take::<ProductStore>().unwrap();
        let consumer = service.consumers[0].clone();
        let started = world.serve(service).await;
        let admin = started.client.with_token(world.admin());
        let made = admin.post("/categories", json!({"name": "Kitchen"})).await.expect(201);
        let category = made.json["categoryId"].as_i64().unwrap();
        let address = started.running.address;
        Self { world, client: started.client, admin, store, consumer, address, category }
    }

    /// Waits until the index answers; before, the store does.
    pub async fn is_indexed(&self) {
        self.product("Indexprobe", 1, 1).await;
        eventually("the index answers", || async {
            self.client.get("/products/suggest?q=indexprobe").await.expect(200).json["total"] == 1
        })
        .await;
    }

    /// Lists products by query parameters.
    pub async fn find(&self, parameters: &[(&str, &str)]) -> Value {
        let url = reqwest::Url::parse_with_params("http://x/products", parameters).unwrap();
        self.client.get(&format!("/products?{}", url.query().unwrap_or_default())).await.expect(200).json
    }

    pub fn body(&self, name: &str, cents: i64, stock: i64) -> Value {
        json!({"name": name, "price": {"amount": cents, "currency": "EUR"}, "stock": stock, "categoryId": self.category})
    }

    /// Creates a product and returns its id.
    pub async fn product(&self, name: &str, cents: i64, stock: i64) -> ProductId {
        let made = self.admin.post("/products", self.body(name, cents, stock)).await.expect(201);
        ProductId::new(made.json["productId"].as_i64().unwrap()).unwrap()
    }

    pub async fn show(&self, id: ProductId) -> TestResponse {
        self.client.get(&format!("/products/{id}")).await
    }

    /// Returns the stock in the store; what everyone reads may be a moment behind.
    pub async fn stock(&self, id: ProductId) -> i64 {
        self.admin.get(&format!("/products/{id}")).await.expect(200).json["stock"].as_i64().unwrap()
    }

    /// Returns an admin client that sends the current `ETag` of the product, which only admins read from the store.
    pub async fn holding(&self, id: ProductId) -> Client {
        let shown = self.admin.get(&format!("/products/{id}")).await.expect(200);
        self.admin.with_header("if-match", shown.header("etag"))
    }

    pub async fn facts(&self) -> ProductAuditFacts {
        audit::read(&self.world.store_url("product")).await.unwrap()
    }

    /// Delivers an event to the service, as the bus would.
    pub async fn deliver<E: Event>(&self, event: &E) -> Outcome {
        self.consumer.handle(self.world.envelope(event)).await.unwrap()
    }

    /// Waits until all events are published.
    pub async fn outbox_is_empty(&self) {
        eventually("the outbox is empty", || async {
            self.world.take_waiting().await;
            self.facts().await.outbox_pending == 0
        })
        .await;
    }

    pub fn order(&self, id: i64, lines: &[(ProductId, u32)]) -> Order {
        Order(facts(self.world.user(), self.world.clock.now(), id, lines))
    }
}

/// Checks stock, reserved and sold units against the ledger.
pub fn assert_balanced(facts: &ProductAuditFacts) {
    let mut held = std::collections::BTreeMap::<ProductId, i64>::new();
    for reservation in facts.reservations.iter().filter(|reservation| reservation.state.has_units()) {
        for (product, quantity) in &reservation.lines {
            *held.entry(*product).or_default() += quantity;
        }
    }
    for product in &facts.products {
        assert!(product.stock >= 0 && product.reserved >= 0 && product.sold >= 0, "{product:?}");
        assert_eq!(product.stock, product.initial + product.adjusted - product.reserved - product.sold, "{product:?}");
        assert_eq!(product.reserved + product.sold, held.get(&product.product_id).copied().unwrap_or(0), "{product:?}");
    }
}

/// An order whose events have the versions of an order that is paid, shipped and then cancelled.
pub struct Order(pub OrderFacts);

impl Order {
    pub fn id(&self) -> OrderId {
        self.0.order_id
    }

    fn at(&self, version: i64) -> OrderFacts {
        OrderFacts { version, ..self.0.clone() }
    }

    pub fn created(&self) -> OrderCreated {
        OrderCreated { order: self.at(1) }
    }

    pub fn paid(&self) -> OrderPaid {
        OrderPaid { order: self.at(3), paid_at: self.0.order_date }
    }

    pub fn shipped(&self) -> OrderShipped {
        OrderShipped {
            order: self.at(4),
            carrier: "Post".to_owned(),
            tracking_number: "1".to_owned(),
            shipped_at: self.0.order_date,
        }
    }

    pub fn cancelled(&self) -> OrderCancelled {
        OrderCancelled { order: self.at(5), reason: CancelReason::Admin, refused_lines: Vec::new() }
    }
}

fn facts(user_id: UserId, now: souk_values::Timestamp, id: i64, lines: &[(ProductId, u32)]) -> OrderFacts {
    let items = (1..).zip(lines).map(|(number, &(product_id, quantity))| OrderLine {
        order_item_id: OrderItemId::new(number).unwrap(),
        product_id,
        name: "Thing".to_owned(),
        quantity,
        price: Money::new(100, Currency::EUR),
        cart_item_id: None,
    });
    OrderFacts {
        order_id: OrderId::new(id).unwrap(),
        user_id,
        order_date: now,
        total_amount: Money::new(100, Currency::EUR),
        items: items.collect(),
        shipping_address: ShippingAddress {
            name: "A".to_owned(),
            line1: "B 1".to_owned(),
            line2: None,
            city: "C".to_owned(),
            postal_code: None,
            country: "DE".to_owned(),
            phone: None,
        },
        payment_terms: PaymentTerms::Prepaid,
        pay_by: None,
        version: 1,
    }
}
