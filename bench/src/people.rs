//! The people of a load: an admin who makes products, and customers.

use serde_json::{Value, json};

use crate::{
    BenchError,
    client::Client,
    shop::{ADMIN_EMAIL, PASSWORD},
};

/// Signs the admin in.
pub(crate) async fn admin(port: u16) -> Result<Client, BenchError> {
    let mut admin = Client::connect(port).await?;
    let sign_in = json!({"email": ADMIN_EMAIL, "password": PASSWORD});
    let session = admin.send("POST", "/auth/login", Some(sign_in), &[]).await?;
    admin.sign_in(text(&session, "accessToken")?);
    Ok(admin)
}

/// Makes a product and returns its id.
pub(crate) async fn product(admin: &mut Client, name: &str, stock: u32) -> Result<Value, BenchError> {
    let categories = admin.send("GET", "/categories", None, &[]).await?;
    let category = categories.pointer("/items/0/categoryId").ok_or("the shop has no category")?;
    let body = json!({
        "name": name, "categoryId": category, "stock": stock, "price": {"amount": 1999, "currency": "EUR"},
    });
    let product = admin.send("POST", "/products", Some(body), &[]).await?;
    Ok(product.get("productId").ok_or("a product without an id")?.clone())
}

/// Returns the e-mail address of a customer, by number.
pub(crate) fn email(number: u32) -> String {
    format!("shopper{number}@example.com")
}

/// Registers customers, each with a connection of their own.
pub(crate) async fn customers(port: u16, count: u32) -> Result<Vec<Client>, BenchError> {
    let mut clients = Vec::new();
    for number in 0..count {
        let mut client = Client::connect(port).await?;
        let user = json!({"username": format!("shopper{number}"), "email": email(number), "password": PASSWORD});
        let session = client.send("POST", "/auth/register", Some(user), &[]).await?;
        client.sign_in(text(&session, "accessToken")?);
        clients.push(client);
    }
    Ok(clients)
}

pub(crate) fn address() -> Value {
    json!({"name": "Ada Byron", "line1": "12 Analytical Row", "postalCode": "69001", "city": "Lyon", "country": "FR"})
}

/// Errors: the answer has another status.
pub(crate) fn expect(answer: &Value, status: &str) -> Result<(), BenchError> {
    if answer.get("status").and_then(Value::as_str) == Some(status) {
        return Ok(());
    }
    Err(format!("not {status}: {answer}").into())
}

fn text(answer: &Value, field: &str) -> Result<String, BenchError> {
    let value = answer.get(field).and_then(Value::as_str);
    value.map(str::to_owned).ok_or_else(|| format!("no {field}: {answer}").into())
}
