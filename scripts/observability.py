#!/usr/bin/env python3
"""Runs Prometheus on a shop that sells, and runs every query of the dashboards and recording rules: each must have data, and
the numbers must be those of what was done.

    scripts/observability.py [--engines] [--write] [--keep SECONDS]

Every series of the shop must be one that docs/metrics.md has, with labels of a few values; --write writes that page from
the services' own descriptions. Needs prometheus (Debian's package of that name) and a built shop (SOUK_BIN,
target/debug/souk). In one process, panels that say "Only with …" are allowed to be empty; on engines none is.
"""

import argparse
import re
import sys
import tempfile
import time
import urllib.request

import dashboards
from observed_shop import observed, ports
from prometheus import ROOT, RULES
from sales import Sales

# Values of a label beyond which it would fill a Prometheus: routes, the longest list of the shop's own, are fewer.
MOST_VALUES = 100
# Labels that Prometheus adds, or that are part of a histogram.
NOT_OURS = {"__name__", "instance", "job", "le"}
METRICS_PAGE = ROOT / "docs/metrics.md"


def empty_panels(prometheus, may_be_empty):
    """Panels with a query that has no data, and why they have none."""
    empty = []
    for name, query in panel_queries():
        without = query.panel["fieldConfig"]["defaults"].get("noValue", "")
        series = query.run(prometheus)
        known = [value for _, points in series for _, value in points if value == value]
        if not known and not (may_be_empty and without.startswith("Only with")):
            empty.append(f"{name} / {query.panel['title']}: {'no number' if series else 'no data'}: {query.text}")
    return empty


def panel_queries():
    """Yields dashboard and query, for a shop that has sold for some minutes at most."""
    for name, dashboard in dashboards.load().items():
        for query in dashboards.queries(dashboard, "now-10m", rate_interval=300):
            yield name, query


def families(port, services):
    """Name, type, description and labels with their values of every family that the processes at `services` have."""
    found = {}
    for distance in services:
        with urllib.request.urlopen(f"http://127.0.0.1:{port + distance}/metrics", timeout=10) as response:
            lines = response.read().decode().splitlines()
        for line in lines:
            if match := re.match(r"# (HELP|TYPE) (\S+) (.*)", line):
                kind, name, text = match.groups()
                found.setdefault(name, {"labels": {}})[kind] = text
            elif match := re.match(r"([a-z0-9_]+?)(?:_bucket|_sum|_count)?\{(.*)\} ", line):
                family = found.get(match[1]) or found[re.match(r"[a-z0-9_]+", line)[0]]
                for label, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2]):
                    if label not in NOT_OURS:
                        family["labels"].setdefault(label, set()).add(value)
    return found


def wrong_families(found):
    """Faults of families: a label that grows without bound, or no description."""
    for name, family in found.items():
        if not family.get("HELP"):
            yield f"{name} has no description"
        for label, values in family["labels"].items():
            if len(values) > MOST_VALUES:
                yield f"{name}: the label {label} has {len(values)} values, such as {sorted(values)[0]}"


def page(found):
    """docs/metrics.md: a row for each family, by the services that have it."""
    rows = []
    for name, family in sorted(found.items()):
        labels = " ".join(f"`{label}`" for label in sorted(family["labels"]) if label != "service")
        services = " ".join(sorted(family["labels"].get("service", [])))
        rows.append(f"| `{name}` | {family['TYPE']} | {labels} | {services} | {family.get('HELP', '')} |")
    return (
        "# Metrics\n\nWritten by `make metrics-page` from what a shop that sells says of itself in one process; `make observability` fails "
        "when a\nseries is missing here. With Redis, cart also has `redis_keyspace_hits_total` and `redis_keyspace_misses_total`; a process "
        "that reads a\nregistry has `eureka_client_instances`; a registry with peers has `eureka_replication_queued` and "
        "`eureka_replication_failed_total`. Every\nseries has the label `service`; those of `souk` "
        "concern the whole process.\n\n| name | type | labels | services | what |\n|---|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def recorded():
    """Names of the recording rules."""
    return re.findall(r"record: (\S+)", (RULES / "recording.yml").read_text())


def compare(prometheus, done):
    """Waits until Prometheus has the numbers of what was done."""
    for query, wanted in [
        ("sum(orders_created_total)", done["placed"]),
        ("sum(orders_paid_total)", done["paid"]),
        ("sum(order_revenue_minor_total)", done["minor"]),
        ("sum(payment_success_total)", done["paid"]),
        ("sum(payment_failure_total)", done["failed"]),
        ("sum(payment_refunds_total)", done["refunded"]),
        ("sum(storefront_visits_total)", done["visits"]),
        ("sum(dead_letters)", 0),
        ("sum(max by (invariant) (audit_violations))", 0),
    ]:
        prometheus.wait_for(query, wanted)
        print(f"{wanted:>8}  {query}")


def faults_of(prometheus, found, may_be_empty):
    """Faults of dashboards, rules, alerts and metrics, a sentence each."""
    deadline = time.monotonic() + 60
    while (faults := empty_panels(prometheus, may_be_empty)) and time.monotonic() < deadline:
        time.sleep(2)
    count = len(list(panel_queries()))
    scrape = prometheus.number("max(scrape_samples_scraped)")
    print(f"{count - len(faults)} of {count} queries have data; {len(found)} families, {scrape:.0f} series at most a scrape")
    faults += [f"rule {name} has no data" for name in recorded() if not prometheus.query(name)]
    # The shop has not run for long enough to make this one fire.
    alerts = prometheus.query('ALERTS{alertstate="firing"} or ALERTS{alertname="ServiceVanished"}')
    faults += [f"the alert {name} fires at a shop that is well" for name in sorted({labels["alertname"] for labels, _ in alerts})]
    faults += wrong_families(found)
    known = set(re.findall(r"`([a-z0-9_]+)`", METRICS_PAGE.read_text()))
    faults += [f"docs/metrics.md has no {name}: run make metrics-page" for name in sorted(found.keys() - known)]
    return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--engines", action="store_true", help="one process for each service, on local engines")
    parser.add_argument("--write", action="store_true", help="write docs/metrics.md")
    parser.add_argument("--keep", type=int, default=0, help="seconds to leave shop and Prometheus running afterwards")
    args = parser.parse_args()
    flags = () if args.engines else ("--test-clock",)
    with (
        tempfile.TemporaryDirectory(prefix="souk-observability-") as folder,
        observed(folder, args.engines, flags) as (port, prometheus),
    ):
        sales = Sales(f"http://127.0.0.1:{port}")
        # Rates need the series before and after.
        for number in range(4):
            sales.drive(number)
            time.sleep(2)
        if not args.engines:
            # Carts are reminded of, and then lose their items.
            for _ in range(26):
                sales.sleep_an_hour()
        compare(prometheus, sales.done)
        found = families(port, ports(args.engines).values())
        if args.write:
            METRICS_PAGE.write_text(page(found))
        faults = faults_of(prometheus, found, not args.engines)
        time.sleep(args.keep)
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
