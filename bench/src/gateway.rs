//! The gateway beside nginx as a proxy: the same upstream, an answer of 1 KB, the same load, one after the other.

use std::{path::Path, time::Duration};

use crate::{
    BenchError,
    figures::{Figure, Figures},
    load::{Load, Outcome},
    nginx::Nginx,
    people,
    shop::Shop,
};

/// Size of the answer, in bytes.
const ANSWER: usize = 1_024;

/// Measures with the check of tokens, limits (those of addresses are too high to be reached), breakers, metrics and traces.
pub(crate) async fn measure(binary: &Path, lasts: Duration) -> Result<Figures, BenchError> {
    let upstream = Nginx::with_files(&[("orders", vec![b'x'; ANSWER])]).await?;
    let proxy = Nginx::before(upstream.port).await?;
    let shop = Shop::start(binary, &["--empty"], &environment(upstream.port)).await?;
    let customers = people::customers(shop.port, 1).await?;
    let token = customers.first().and_then(|customer| customer.token()).map(str::to_owned);
    let mut figures = Vec::new();
    for connections in [16, 64] {
        let load =
            |port, path: &str| Load { port, paths: vec![path.to_owned()], token: token.clone(), connections, lasts };
        let before = proxy.cpu_ms()?;
        let of_nginx = load(proxy.port, "/orders").run().await?;
        let nginx_us = (proxy.cpu_ms()? - before) * 1_000.0 / of_nginx.requests;
        let before = shop.processes.cpu_ms()?;
        let of_souk = load(shop.port, "/api/orders").run().await?;
        let souk_us = (shop.processes.cpu_ms()? - before) * 1_000.0 / of_souk.requests;
        figures.extend(compare(connections, (of_souk, souk_us), (of_nginx, nginx_us)));
    }
    shop.stop().await?;
    Ok(Figures::new(figures))
}

fn compare(connections: u32, (souk, souk_us): (Outcome, f64), (nginx, nginx_us): (Outcome, f64)) -> [Figure; 7] {
    let name = |what: &str| format!("{connections} connections: {what}");
    [
        Figure::measured(name("requests per second"), souk.per_second),
        Figure::measured(name("of nginx's"), souk.per_second / nginx.per_second).at_least(1.0),
        Figure::measured(name("CPU per request, µs"), souk_us),
        Figure::measured(name("of nginx's CPU"), souk_us / nginx_us).at_most(1.3),
        Figure::measured(name("p99, ms"), souk.p99_ms),
        Figure::measured(name("p99 above nginx's, ms"), souk.p99_ms - nginx.p99_ms).at_most(1.0),
        Figure::measured(name("CPU of the load per request, µs"), souk.own_cpu_us),
    ]
}

/// Routes to auth, which signs tokens and has their keys, and to the upstream for what needs a token.
fn environment(upstream: u16) -> Vec<(&'static str, String)> {
    [
        ("SOUK_GATEWAY__ROUTES__0__ID", "auth"),
        ("SOUK_GATEWAY__ROUTES__0__URI", "lb://auth"),
        ("SOUK_GATEWAY__ROUTES__0__PREDICATES__0", "Path=/api/auth/**"),
        ("SOUK_GATEWAY__ROUTES__0__FILTERS__0", "StripPrefix=1"),
        ("SOUK_GATEWAY__ROUTES__0__METADATA__PUBLIC__0", "* /api/auth/**"),
        ("SOUK_GATEWAY__ROUTES__1__ID", "orders"),
        ("SOUK_GATEWAY__ROUTES__1__PREDICATES__0", "Path=/api/orders/**"),
        ("SOUK_GATEWAY__ROUTES__1__FILTERS__0", "StripPrefix=1"),
        ("SOUK_GATEWAY__RATE_LIMIT__ENABLED", "true"),
        ("SOUK_GATEWAY__RATE_LIMIT__ADDRESS__REPLENISH_RATE", "10000000"),
        ("SOUK_GATEWAY__RATE_LIMIT__ADDRESS__BURST_CAPACITY", "10000000"),
        ("SOUK_GATEWAY__RATE_LIMIT__USER__REPLENISH_RATE", "10000000"),
        ("SOUK_GATEWAY__RATE_LIMIT__USER__BURST_CAPACITY", "10000000"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into_iter()
    .chain([("SOUK_GATEWAY__ROUTES__1__URI", format!("http://127.0.0.1:{upstream}"))])
    .collect()
}
