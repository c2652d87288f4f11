#!/usr/bin/env bash
# Every service has the same rooms with the same entry points, so that who knows one finds the way in all.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

fail() {
    echo "$1" >&2
    failed=1
}

# expect FILE PATTERN MEANING: the room must be there and have its entry point.
expect() {
    if [ ! -f "$1" ]; then
        fail "$1 is missing: it holds $3"
    elif ! grep -qE "$2" "$1"; then
        fail "$1 lacks $3 (expected: $2)"
    fi
}

# expect_if_used ROOM FILE USED PATTERN MEANING: as `expect`, for a room that a service has only when it uses the type.
expect_if_used() {
    if [ -f "$2" ] || grep -rqE "$3" "$1" --include='*.rs'; then
        expect "$2" "$4" "$5"
    fi
}

for service in services/*/; do
    service=${service%/}
    src=$service/src
    name=$(basename "$service")
    type=$(sed -E 's/(^|-)([a-z])/\U\2/g' <<<"$name")
    expect "$service/README.md" "^# " "the title of its page"
    expect "$src/lib.rs" "^pub struct $type;$" "the service's type"
    expect "$src/lib.rs" "^impl Service for $type \{" "the implementation of kit::Service"
    expect "$src/app.rs" "^pub\(crate\) struct App\b" "the shared state App"
    expect "$src/config.rs" "^pub struct ${type}Config\b" "the configuration"
    expect "$src/error.rs" "enum ${type}Error\b" "the error type"
    expect "$src/metrics.rs" "^pub\(crate\) fn describe\(" "the description of all series"
    expect "$src/routes.rs" "^pub\(crate\) fn table\(" "the URL table"
    expect_if_used "$src" "$src/consumers.rs" '\bConsumer::new\(' "^pub\(crate\) fn table\(app: &App\) -> Vec<Consumer>" \
        "the table of consumers"
    expect_if_used "$src" "$src/tasks.rs" '\bTask::(new|every|when_due)\(' "^pub\(crate\) fn table\(app: &App\) -> Vec<Task>" \
        "the table of background work"
    if [ -d "$src/store" ]; then
        expect "$src/store.rs" "^//! " "the store"
        expect "$src/store/entities.rs" "DeriveEntityModel" "the tables"
        expect "$src/store/migrations.rs" "struct Migrations;" "the migrations"
    fi
    if ! grep -q "ServiceRow::of::<$type>()" souk/src/services.rs; then
        fail "souk/src/services.rs has no row for $name"
    fi
done
exit "$failed"
