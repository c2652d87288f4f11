//! Many buyers of the last units of one product: how fast all of them learn whether they get one.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    BenchError,
    client::Client,
    figures::{Figure, Figures, millis},
    people::{self, address},
    shop::{EngineShop, Shop},
};

/// Units of the product.
const UNITS: u32 = 100;
/// Customers, each of whom orders again and again: to the product each order is a buyer of its own.
const CUSTOMERS: u32 = 64;
/// Pause between two looks at an order that is not decided.
const LOOK: Duration = Duration::from_millis(50);

pub(crate) async fn embedded(binary: &Path, buyers: u32) -> Result<Figures, BenchError> {
    let shop = Shop::start(binary, &[], &[]).await?;
    let figures = measure(shop.port, buyers, &format!("{buyers} orders of {UNITS} units, embedded")).await?;
    shop.stop().await?;
    Ok(figures)
}

pub(crate) async fn on_engines(binary: &Path, buyers: u32) -> Result<Figures, BenchError> {
    let shop = EngineShop::start(binary).await?;
    let figures = measure(shop.port, buyers, &format!("{buyers} orders of {UNITS} units, on engines")).await;
    shop.stop().await?;
    figures
}

/// Errors: the units that were sold are not those that there were.
async fn measure(port: u16, buyers: u32, name: &str) -> Result<Figures, BenchError> {
    let product = people::product(&mut people::admin(port).await?, "Last kettle", UNITS).await?;
    let customers = people::customers(port, CUSTOMERS).await?;
    let next = Arc::new(AtomicU32::new(0));
    let began = Instant::now();
    let mut buying = JoinSet::new();
    for mut client in customers {
        let (next, product) = (Arc::clone(&next), product.clone());
        buying.spawn(async move {
            let mut outcomes = Vec::new();
            loop {
                let buyer = next.fetch_add(1, Ordering::Relaxed);
                if buyer >= buyers {
                    return Ok::<_, BenchError>(outcomes);
                }
                let began = Instant::now();
                let is_sold = order(&mut client, &product, buyer).await?;
                outcomes.push((began.elapsed(), is_sold));
            }
        });
    }
    let mut outcomes = Vec::new();
    while let Some(bought) = buying.join_next().await {
        outcomes.extend(bought??);
    }
    let took = began.elapsed().as_secs_f64();
    let sold = outcomes.iter().filter(|(_, is_sold)| *is_sold).count();
    if sold != usize::try_from(UNITS.min(buyers))? {
        return Err(format!("{sold} of {UNITS} units were sold to {buyers} buyers").into());
    }
    let mut times: Vec<Duration> = outcomes.into_iter().map(|(time, _)| time).collect();
    times.sort_unstable();
    Ok(Figures::new(vec![
        Figure::measured(format!("{name}: answered per second"), f64::from(buyers) / took).at_least(1_000.0),
        Figure::measured(format!("{name}: p99, ms"), millis(&times, 99)),
    ]))
}

/// Orders one unit, and returns whether it was reserved.
async fn order(client: &mut Client, product: &Value, buyer: u32) -> Result<bool, BenchError> {
    let key = format!("buyer-{buyer}");
    let headers = [("idempotency-key", key.as_str()), ("prefer", "wait=10")];
    let body = json!({"shippingAddress": address(), "items": [{"productId": product, "quantity": 1}]});
    let mut order = client.send("POST", "/orders", Some(body), &headers).await?;
    let path = format!("/orders/{}", order.get("orderId").ok_or("an order without an id")?);
    loop {
        match order.get("status").and_then(Value::as_str) {
            Some("confirmed") => return Ok(true),
            Some("cancelled") => return Ok(false),
            Some("created") => tokio::time::sleep(LOOK).await,
            other => return Err(format!("an order that was placed is {other:?}").into()),
        }
        order = client.send("GET", &path, None, &[]).await?;
    }
}
