//! Sign-ins, most of whose cost is the hash of the password and is meant to be.

use std::{path::Path, time::Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    BenchError,
    client::Client,
    figures::{Figure, Figures},
    people,
    shop::{PASSWORD, Shop},
};

const CUSTOMERS: u32 = 16;

pub(crate) async fn measure(binary: &Path, sign_ins: u32) -> Result<Figures, BenchError> {
    let shop = Shop::start(binary, &[], &[]).await?;
    people::customers(shop.port, CUSTOMERS).await?;
    shop.processes.rest().await?;
    let (before, began) = (shop.processes.cpu_ms()?, Instant::now());
    let mut signing_in = JoinSet::new();
    for number in 0..CUSTOMERS {
        let port = shop.port;
        signing_in.spawn(async move {
            let mut client = Client::connect(port).await?;
            let body = json!({"email": people::email(number), "password": PASSWORD});
            for _ in 0..sign_ins / CUSTOMERS {
                client.send("POST", "/auth/login", Some(body.clone()), &[]).await?;
            }
            Ok::<_, BenchError>(())
        });
    }
    while let Some(signed_in) = signing_in.join_next().await {
        signed_in??;
    }
    let took = began.elapsed().as_secs_f64();
    let count = f64::from(sign_ins / CUSTOMERS * CUSTOMERS);
    let figures = Figures::new(vec![
        Figure::measured("sign-ins per second", count / took),
        Figure::measured("CPU per sign-in, ms", (shop.processes.cpu_ms()? - before) / count),
        Figure::measured("memory after them, MB", shop.processes.memory_mb()?).at_most(150.0),
    ]);
    shop.stop().await?;
    Ok(figures)
}
