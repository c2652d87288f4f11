#!/bin/sh
# Services never depend on services: they meet in events and over HTTP. Only souk/ depends on them.
set -eu
cd "$(dirname "$0")/.."
failed=0
for service in services/*/; do
    name=$(basename "$service")
    for other in services/*/; do
        other=$(basename "$other")
        if grep -q "^souk-$other\b" "$service/Cargo.toml"; then
            echo "services/$name depends on souk-$other; services meet in events and over HTTP" >&2
            failed=1
        fi
    done
done
for crate in crates/*/; do
    for service in services/*/; do
        service=$(basename "$service")
        if grep -q "^souk-$service\b" "$crate/Cargo.toml"; then
            echo "$crate depends on souk-$service; crates serve services, not the other way round" >&2
            failed=1
        fi
    done
done
# The domain is pure: no store, no HTTP, no async runtime.
for domain in services/order/src/order.rs services/order/src/order/*.rs services/cart/src/cart.rs services/cart/src/cart/*.rs; do
    [ -f "$domain" ] || continue
    if grep -nE '^use (sea_orm|axum|tokio|souk_sql)|async fn' "$domain"; then
        echo "$domain is domain code and must stay pure" >&2
        failed=1
    fi
done
exit $failed
