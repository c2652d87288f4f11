//! Requests that a registry receives from an instance that moves.

use std::collections::HashSet;

use axum::{Router, extract::Request, http::StatusCode};
use parking_lot::Mutex;
use souk_values::{IdGen, Secret, SystemClock};
use tokio::net::TcpListener;

use super::*;
use crate::{call::Directory, discovery::Discovery};

/// Starts a registry that grants everything; returns an instance at `host` and the requests so far.
async fn registration_at(host: &str) -> (Registration, impl Fn() -> Vec<String>) {
    crate::install_crypto();
    let log = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&log);
    let grant = move |request: Request| {
        let line = format!("{} {}", request.method(), request.uri().path());
        recorded.lock().push(line);
        async { StatusCode::NO_CONTENT }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Secret::new(format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(grant)).await });
    let clock = Arc::new(SystemClock);
    let (config, ids) = (RegistrationConfig::default(), IdGen::new(clock.clone()));
    let discovery = Discovery::new(&url, config, Directory::default(), HashSet::new(), clock, ids).unwrap();
    let registration = Registration::new(discovery.0, "order", format!("{host}:80").parse().unwrap());
    (registration, move || log.lock().drain(..).collect())
}

#[tokio::test]
async fn an_instance_that_moved_deregisters_its_old_address_and_registers_the_new_one() {
    let (mut order, requests) = registration_at("10.0.0.1").await;
    assert!(order.renew().await.is_ok());
    assert!(order.renew().await.is_ok());
    assert_eq!(requests(), ["POST /eureka/apps/ORDER", "PUT /eureka/apps/ORDER/10.0.0.1:order:80"]);
    // As a new address of the interface would.
    order.address = "10.0.0.2:80".parse().unwrap();
    assert!(order.renew().await.is_ok());
    assert!(order.renew().await.is_ok());
    let expected = [
        "DELETE /eureka/apps/ORDER/10.0.0.1:order:80",
        "POST /eureka/apps/ORDER",
        "PUT /eureka/apps/ORDER/10.0.0.2:order:80",
    ];
    assert_eq!(requests(), expected);
    order.deregister().await;
    assert_eq!(requests(), ["DELETE /eureka/apps/ORDER/10.0.0.2:order:80"]);
}
