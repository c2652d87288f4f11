//! The load: customers who buy one thing after another.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    BenchError,
    client::Client,
    shop::{ADMIN_EMAIL, PASSWORD, Shop, cpu_ms},
};

/// Number of products that the customers buy, so that no two wait for the same one.
const PRODUCTS: usize = 20;

/// Customers who are signed in.
pub(crate) struct Load {
    customers: Vec<Client>,
    products: Arc<Vec<Value>>,
}

/// A load that has ended.
pub(crate) struct Sold {
    pub orders: f64,
    pub took: Duration,
    /// Time of each order from the cart until it was paid, shortest first.
    pub times: Vec<Duration>,
    /// CPU time of the load itself.
    pub own_cpu_ms: f64,
}

/// Makes products and registers customers.
pub(crate) async fn prepare(shop: &Shop, customers: u32) -> Result<Load, BenchError> {
    let mut admin = Client::connect(shop.port).await?;
    let sign_in = json!({"email": ADMIN_EMAIL, "password": PASSWORD});
    let session = admin.send("POST", "/auth/login", Some(sign_in), &[]).await?;
    admin.sign_in(text(&session, "accessToken")?);
    let categories = admin.send("GET", "/categories", None, &[]).await?;
    let category = categories.pointer("/items/0/categoryId").ok_or("the shop has no category")?;
    let mut products = Vec::new();
    for number in 0..PRODUCTS {
        let body = json!({
            "name": format!("Kettle {number}"), "categoryId": category, "stock": 1_000_000,
            "price": {"amount": 1999, "currency": "EUR"},
        });
        let product = admin.send("POST", "/products", Some(body), &[]).await?;
        products.push(product.get("productId").ok_or("a product without an id")?.clone());
    }
    let mut clients = Vec::new();
    for number in 0..customers {
        let mut client = Client::connect(shop.port).await?;
        let name = format!("shopper{number}");
        let user = json!({"username": name, "email": format!("{name}@example.com"), "password": PASSWORD});
        let session = client.send("POST", "/auth/register", Some(user), &[]).await?;
        client.sign_in(text(&session, "accessToken")?);
        clients.push(client);
    }
    Ok(Load { customers: clients, products: Arc::new(products) })
}

impl Load {
    /// Places and pays `orders`, and waits for all. Errors: one of them was not confirmed or not paid.
    pub async fn buy(self, orders: u32) -> Result<Sold, BenchError> {
        let (cpu_before, began) = (own_cpu_ms()?, Instant::now());
        let count = u32::try_from(self.customers.len())?;
        let mut buying = JoinSet::new();
        for (number, mut client) in (0..).zip(self.customers) {
            let products = Arc::clone(&self.products);
            let own = orders / count + u32::from(number < orders % count);
            buying.spawn(async move {
                let mut times = Vec::new();
                // Each begins with another product.
                let turns = products.iter().cycle().skip(usize::try_from(number)?);
                for (order, product) in (0..own).zip(turns) {
                    let began = Instant::now();
                    buy(&mut client, product, &format!("{number}-{order}")).await?;
                    times.push(began.elapsed());
                }
                Ok::<_, BenchError>(times)
            });
        }
        let mut times = Vec::new();
        while let Some(bought) = buying.join_next().await {
            times.extend(bought??);
        }
        times.sort_unstable();
        let took = began.elapsed();
        Ok(Sold { orders: f64::from(orders), took, times, own_cpu_ms: own_cpu_ms()? - cpu_before })
    }
}

async fn buy(client: &mut Client, product: &Value, key: &str) -> Result<(), BenchError> {
    client.send("POST", "/cart", Some(json!({"productId": product, "quantity": 1})), &[]).await?;
    let address = json!({
        "name": "Ada Byron", "line1": "12 Analytical Row", "postalCode": "69001", "city": "Lyon", "country": "FR",
    });
    let headers = [("idempotency-key", format!("order-{key}")), ("prefer", "wait=30".to_owned())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let order = client.send("POST", "/orders", Some(json!({"shippingAddress": address})), &headers).await?;
    expect(&order, "confirmed")?;
    let order = order.get("orderId").ok_or("an order without an id")?;
    let payment = json!({"orderId": order, "method": {"type": "card", "token": "tok_visa"}});
    let key = format!("payment-{key}");
    expect(&client.send("POST", "/payments", Some(payment), &[("idempotency-key", &key)]).await?, "succeeded")
}

fn expect(answer: &Value, status: &str) -> Result<(), BenchError> {
    if answer.get("status").and_then(Value::as_str) == Some(status) {
        return Ok(());
    }
    Err(format!("not {status}: {answer}").into())
}

fn text(answer: &Value, field: &str) -> Result<String, BenchError> {
    let value = answer.get(field).and_then(Value::as_str);
    value.map(str::to_owned).ok_or_else(|| format!("no {field}: {answer}").into())
}

fn own_cpu_ms() -> Result<f64, BenchError> {
    cpu_ms(&std::fs::read_to_string("/proc/self/stat")?)
}
