//! Customers who buy one thing after another: cart, order whose stock is reserved, payment.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    BenchError,
    client::Client,
    figures::{Figure, Figures, millis},
    people::{self, address, expect},
    processes::{Processes, own_cpu_ms},
    shop::{EngineShop, Shop},
};

/// Number of products that the customers buy, so that no two wait for the same one.
const PRODUCTS: usize = 20;
/// Pause before the memory of a shop at rest is read.
const SETTLING: Duration = Duration::from_secs(3);
const MINUTE: Duration = Duration::from_secs(60);

/// The size of the load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub orders: u32,
    /// Customers who buy at the same time.
    pub shoppers: u32,
    /// Time from the load to a second look at the memory.
    pub rest: Duration,
}

/// The end of a load.
#[derive(Debug, Clone, Copy)]
enum Until {
    /// Each customer has bought this often, and the first some of them once more.
    Orders(u32),
    Time(Instant),
}

/// A load that has ended.
struct Sold {
    orders: f64,
    took: Duration,
    /// Time of each order from the cart until it was paid, shortest first.
    times: Vec<Duration>,
    /// CPU time of the load itself.
    own_cpu_ms: f64,
}

/// Buys in a fresh embedded shop.
pub(crate) async fn embedded(binary: &Path, load: Load) -> Result<Figures, BenchError> {
    let shop = Shop::start(binary, &[], &[]).await?;
    let first_start = shop.ready_after;
    let idle_mb = idle(&shop.processes).await?;
    let buyers = Buyers::prepare(shop.port, load.shoppers).await?;
    let before = shop.processes.counts()?;
    let sold = buyers.buy(Until::Orders(load.orders)).await?;
    let loaded_mb = shop.processes.memory_mb()?;
    // Mails and other consequences of an order follow its payment, and are part of its cost.
    shop.processes.rest().await?;
    let after = shop.processes.counts()?;
    tokio::time::sleep(load.rest).await;
    let rested_mb = shop.processes.memory_mb()?;
    let binary_mb = f64::from(u32::try_from(std::fs::metadata(binary)?.len() / 1_000)?) / 1_000.0;
    let shop = shop.restart(binary).await?;
    let later_start = shop.ready_after;
    let restarted_mb = idle(&shop.processes).await?;
    shop.stop().await?;
    let per_order = |before: f64, after: f64| (after - before) / sold.orders;
    let mut figures = vec![
        // The speed of a machine varies by more than a margin, and that of its clock with its other work.
        Figure::measured("CPU per order, ms", per_order(before.cpu_ms, after.cpu_ms)).at_most(4.0),
        Figure::counted("changes of threads per order", per_order(before.thread_changes, after.thread_changes))
            .at_most(100.0),
        Figure::counted("writing system calls per order", per_order(before.writes, after.writes)),
        Figure::counted(
            "kB written to the disk per order",
            per_order(before.bytes_written, after.bytes_written) / 1_000.0,
        ),
    ];
    figures.extend(sold.figures(800.0));
    figures.extend([
        Figure::measured("first start to ready, ms", first_start.as_secs_f64() * 1_000.0),
        Figure::measured("start on a filled folder to ready, ms", later_start.as_secs_f64() * 1_000.0),
        Figure::measured("memory when idle after the first start, MB", idle_mb).at_most(60.0),
        Figure::measured("memory when idle on a filled folder, MB", restarted_mb).at_most(60.0),
        Figure::measured("memory after the load, MB", loaded_mb).at_most(150.0),
        Figure::measured("memory after the rest, MB", rested_mb),
        Figure::measured("binary, MB", binary_mb).at_most(60.0),
    ]);
    Ok(Figures::new(figures))
}

/// Buys for `minutes` in a fresh embedded shop, and returns its memory at the end of each.
pub(crate) async fn for_minutes(binary: &Path, shoppers: u32, minutes: u32) -> Result<Figures, BenchError> {
    let shop = Shop::start(binary, &[], &[]).await?;
    let buyers = Buyers::prepare(shop.port, shoppers).await?;
    let began = tokio::time::Instant::now();
    let end = began + MINUTE * minutes;
    let buying = tokio::spawn(buyers.buy(Until::Time(end.into_std())));
    let mut memory = Vec::new();
    for minute in 1..=minutes {
        tokio::time::sleep_until(began + MINUTE * minute).await;
        memory.push(shop.processes.memory_mb()?);
        eprintln!("minute {minute} of {minutes}: {:.0} MB", shop.processes.memory_mb()?);
    }
    let sold = buying.await??;
    shop.stop().await?;
    let mut figures = vec![Figure::measured("orders", sold.orders)];
    for (minute, memory) in (1..).zip(&memory) {
        let minute: u32 = minute;
        figures.push(Figure::measured(format!("memory after minute {minute}, MB"), *memory));
    }
    // By then, each thread and each cache has been used.
    if let (Some(warm), Some(last)) = (memory.get(2), memory.last()) {
        figures
            .push(Figure::measured("memory after the last minute by that after the third", last / warm).at_most(1.1));
    }
    Ok(Figures::new(figures))
}

/// Buys in a fresh shop of one process for each service, on engines.
pub(crate) async fn on_engines(binary: &Path, load: Load) -> Result<Figures, BenchError> {
    let shop = EngineShop::start(binary).await?;
    let bought = buy_on_engines(&shop, load).await;
    shop.stop().await?;
    bought
}

async fn buy_on_engines(shop: &EngineShop, load: Load) -> Result<Figures, BenchError> {
    let idle_mb = idle(&shop.processes).await?;
    let buyers = Buyers::prepare(shop.port, load.shoppers).await?;
    let (before, engines_before) = (shop.processes.counts()?, EngineShop::engines_cpu_ms()?);
    let sold = buyers.buy(Until::Orders(load.orders)).await?;
    let loaded_mb = shop.processes.memory_mb()?;
    shop.processes.rest().await?;
    let (after, engines_after) = (shop.processes.counts()?, EngineShop::engines_cpu_ms()?);
    let own = (after.cpu_ms - before.cpu_ms) / sold.orders;
    let engines = (engines_after - engines_before) / sold.orders;
    let mut figures = vec![
        Figure::measured("CPU per order with engines, ms", own + engines).at_most(5.0),
        Figure::measured("of it in souk, ms", own),
        Figure::measured(
            "changes of threads in souk per order",
            (after.thread_changes - before.thread_changes) / sold.orders,
        ),
    ];
    figures.extend(sold.figures(320.0));
    figures.extend([
        Figure::measured("memory of nine processes when idle, MB", idle_mb),
        Figure::measured("memory of nine processes after the load, MB", loaded_mb),
    ]);
    Ok(Figures::new(figures))
}

/// Returns the memory of processes that have nothing to do, in MB.
async fn idle(processes: &Processes) -> Result<f64, BenchError> {
    processes.rest().await?;
    tokio::time::sleep(SETTLING).await;
    processes.memory_mb()
}

impl Sold {
    fn figures(&self, rate_goal: f64) -> [Figure; 4] {
        [
            Figure::measured("orders per second", self.orders / self.took.as_secs_f64()).at_least(rate_goal),
            Figure::measured("p50, ms", millis(&self.times, 50)),
            Figure::measured("p99, ms", millis(&self.times, 99)).at_most(50.0),
            Figure::measured("CPU of the load per order, ms", self.own_cpu_ms / self.orders),
        ]
    }
}

impl Until {
    /// Returns true if the customer `number` of `count` has bought `orders`, and buys no more.
    fn is_over(self, orders: u32, number: u32, count: u32) -> bool {
        match self {
            Self::Orders(all) => orders >= all / count + u32::from(number < all % count),
            Self::Time(end) => Instant::now() >= end,
        }
    }
}

/// Customers who are signed in, and the products that they buy.
struct Buyers {
    customers: Vec<Client>,
    products: Arc<Vec<Value>>,
}

impl Buyers {
    async fn prepare(port: u16, customers: u32) -> Result<Self, BenchError> {
        let mut admin = people::admin(port).await?;
        let mut products = Vec::new();
        for number in 0..PRODUCTS {
            products.push(people::product(&mut admin, &format!("Kettle {number}"), 1_000_000).await?);
        }
        Ok(Self { customers: people::customers(port, customers).await?, products: Arc::new(products) })
    }

    /// Places and pays orders, and waits for all. Errors: one of them was not confirmed or not paid.
    async fn buy(self, until: Until) -> Result<Sold, BenchError> {
        let (cpu_before, began) = (own_cpu_ms()?, Instant::now());
        let count = u32::try_from(self.customers.len())?;
        let mut buying = JoinSet::new();
        for (number, mut client) in (0..).zip(self.customers) {
            let products = Arc::clone(&self.products);
            buying.spawn(async move {
                let mut times = Vec::new();
                // Each begins with another product.
                let turns = products.iter().cycle().skip(usize::try_from(number)?);
                for (order, product) in (0..).zip(turns) {
                    if until.is_over(order, number, count) {
                        break;
                    }
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
        let orders = f64::from(u32::try_from(times.len())?);
        Ok(Sold { orders, took, times, own_cpu_ms: own_cpu_ms()? - cpu_before })
    }
}

async fn buy(client: &mut Client, product: &Value, key: &str) -> Result<(), BenchError> {
    client.send("POST", "/cart", Some(json!({"productId": product, "quantity": 1})), &[]).await?;
    let order_key = format!("order-{key}");
    let headers = [("idempotency-key", order_key.as_str()), ("prefer", "wait=30")];
    let order = client.send("POST", "/orders", Some(json!({"shippingAddress": address()})), &headers).await?;
    expect(&order, "confirmed")?;
    let order = order.get("orderId").ok_or("an order without an id")?;
    let payment = json!({"orderId": order, "method": {"type": "card", "token": "tok_visa"}});
    let key = format!("payment-{key}");
    expect(&client.send("POST", "/payments", Some(payment), &[("idempotency-key", &key)]).await?, "succeeded")
}
