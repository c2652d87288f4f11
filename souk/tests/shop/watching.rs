//! `souk audit --watch`: the number of violations as a gauge, from one of several processes.

use std::process::{Child, Command, Stdio};

use souk_testkit::{eventually, on_engines};

use crate::{
    Shop, Shopper,
    auditing::tamper,
    process::{BINARY, free_ports},
};

/// A watching process, killed when it is dropped.
struct Watch {
    child: Child,
    port: u16,
}

impl Watch {
    /// Watches `shop`, with a round each second.
    fn start(shop: &Shop) -> Self {
        let port = free_ports(1);
        let mut command = Command::new(BINARY);
        command.args(["audit", "--watch", "--every", "1", "--settle", "1", "--port", &port.to_string()]);
        shop.choose(&mut command);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { child, port }
    }

    /// Returns the number of violations of `invariant`; `None` when this process publishes none.
    async fn violations(&self, invariant: u8) -> Option<u64> {
        let response = reqwest::get(format!("http://127.0.0.1:{}/metrics", self.port)).await.ok()?;
        let text = response.text().await.ok()?;
        let series = format!("audit_violations{{service=\"audit\",invariant=\"{invariant}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&series)).map(|count| count.parse().unwrap())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Fails when the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_violation_is_counted_while_it_lasts() {
    let shop = if on_engines() { Shop::of_processes(&[]).await } else { Shop::up(&["--empty"]).await };
    let kettle = shop.product("Kettle", 10).await;
    let ada = Shopper::register(&shop, "ada").await;
    let order = ada.order(kettle, 2).await;
    ada.pay(&order, "tok_visa").await.expect(201);
    ada.wait_for_status(&order, "paid").await;
    let watch = Watch::start(&shop);
    eventually("the shop is clean", || async { watch.violations(8).await == Some(0) }).await;
    tamper(&shop, "order", "UPDATE shop_order SET total_minor = total_minor + 1").await;
    eventually("it is seen", || async { watch.violations(8).await == Some(1) }).await;
    assert_eq!(watch.violations(1).await, Some(0));
    tamper(&shop, "order", "UPDATE shop_order SET total_minor = total_minor - 1").await;
    eventually("it is mended", || async { watch.violations(8).await == Some(0) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_watching_processes_one_publishes_and_the_other_takes_over() {
    if !souk_testkit::needs_engines() {
        return;
    }
    let shop = Shop::of_processes(&[]).await;
    let kettle = shop.product("Kettle", 10).await;
    let ada = Shopper::register(&shop, "ada").await;
    let order = ada.order(kettle, 2).await;
    ada.pay(&order, "tok_visa").await.expect(201);
    ada.wait_for_status(&order, "paid").await;
    let first = Watch::start(&shop);
    eventually("the first publishes", || async { first.violations(1).await == Some(0) }).await;
    let admin = shop.admin().await;
    let latest = async || admin.get("/orders/audit").await.expect(200).json["latest"].clone();
    eventually("the back office sees the result", || async { latest().await["invariants"][7]["violations"] == 0 })
        .await;
    tamper(&shop, "order", "UPDATE shop_order SET total_minor = total_minor + 1").await;
    eventually("and what is wrong", || async { latest().await["violations"][0]["invariant"] == 8 }).await;
    tamper(&shop, "order", "UPDATE shop_order SET total_minor = total_minor - 1").await;
    let second = Watch::start(&shop);
    eventually("the second runs", || async {
        reqwest::get(format!("http://127.0.0.1:{}/health/live", second.port)).await.is_ok()
    })
    .await;
    assert_eq!(second.violations(1).await, None);
    drop(first);
    eventually("the second publishes", || async { second.violations(1).await == Some(0) }).await;
}
