//! What a registry is told by an instance that moves.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use axum::{Router, extract::Request as Asked, http::StatusCode};
use souk_values::{IdGen, Secret, SystemClock};
use tokio::net::TcpListener;

use super::*;
use crate::{call::Directory, discovery::Discovery};

/// A registry that grants everything and notes what it was asked, and an instance at `host`.
async fn of(host: &str) -> (Registration, impl Fn() -> Vec<String>) {
    crate::install_crypto();
    let log = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&log);
    let grant = move |asked: Asked| {
        let line = format!("{} {}", asked.method(), asked.uri().path());
        noted.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        async { StatusCode::NO_CONTENT }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Secret::new(format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(grant)).await });
    let clock = Arc::new(SystemClock);
    let (config, ids) = (RegistrationConfig::default(), IdGen::new(clock.clone()));
    let discovery = Discovery::new(&url, config, Directory::default(), HashSet::new(), clock, ids).unwrap();
    let registration = Registration::new(discovery.0, "order", format!("{host}:80").parse().unwrap());
    (registration, move || log.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect())
}

#[tokio::test]
async fn an_instance_that_moved_leaves_its_old_place_and_registers_anew() {
    let (mut order, told) = of("10.0.0.1").await;
    assert!(order.renew().await.is_ok());
    assert!(order.renew().await.is_ok());
    assert_eq!(told(), ["POST /eureka/apps/ORDER", "PUT /eureka/apps/ORDER/10.0.0.1:order:80"]);
    // As a new address on the way to the registry would.
    order.address = "10.0.0.2:80".parse().unwrap();
    assert!(order.renew().await.is_ok());
    assert!(order.renew().await.is_ok());
    let expected = [
        "DELETE /eureka/apps/ORDER/10.0.0.1:order:80",
        "POST /eureka/apps/ORDER",
        "PUT /eureka/apps/ORDER/10.0.0.2:order:80",
    ];
    assert_eq!(told(), expected);
    order.take_out().await;
    assert_eq!(told(), ["DELETE /eureka/apps/ORDER/10.0.0.2:order:80"]);
}
