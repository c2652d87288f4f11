#!/usr/bin/env python3
"""Runs Prometheus on a shop that sells, and asks it everything that dashboards and recording rules ask: each query must
have data, and the numbers must be those of what was done.

    scripts/observability.py [--engines] [--write] [--keep SECONDS]

Every series of the shop must be one that docs/metrics.md has, with labels of a few values; --write writes that page anew
from what the services say of their metrics. Needs prometheus and promtool (Debian's package prometheus) and a built shop (SOUK_BIN, target/debug/souk). In one process,
panels that say "Only with …" are allowed to be empty; on engines none is.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from shop import ADDRESS, ADMIN, call, free_port, start, stop

ROOT = pathlib.Path(__file__).parents[1]
# What Grafana puts into queries, for a shop that is some minutes old.
VARIABLES = {
    "$__rate_interval": "5m",
    "$__range": "10m",
    "$service": ".*",
    "$route": ".*",
    "$minor": "100",
}
# Distances of the services' ports from the gateway's.
PORTS = {"auth": 1, "product": 2, "order": 3, "cart": 4, "payment": 5, "notification": 6, "discovery": 681, "config-server": 808}
# Values of a label beyond which it would fill a Prometheus: routes, the longest list of the shop's own, are fewer.
MOST_VALUES = 100
# Labels that Prometheus adds, or that are part of a histogram.
NOT_OURS = {"__name__", "instance", "job", "le"}
METRICS_PAGE = ROOT / "docs/metrics.md"
SOURCES = ["direct", "search", "social", "email", "ad", "referral"]
AUDIT = 7
# As in deploy/prometheus/prometheus.yml.
OF_JOB = {"rabbitmq": {"metrics_path": "/metrics/detailed", "params": {"family": ["queue_coarse_metrics"]}}}
CARDS = {"tok_visa": "succeeded", "tok_declined": "failed", "tok_insufficient_funds": "failed"}


class Prometheus:
    """A Prometheus that scrapes `targets` each second, with the rules of deploy/."""

    def __init__(self, folder, targets):
        self.port = free_port()
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(ROOT / "deploy/prometheus/rules/*.yml")],
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": of_job}], **OF_JOB.get(job, {})}
                for job, of_job in targets.items()
            ],
        }
        file = pathlib.Path(folder, "prometheus.yml")
        # JSON is YAML.
        file.write_text(json.dumps(configuration))
        log = open(os.path.join(folder, "prometheus.log"), "wb")
        command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder}/tsdb",
                   f"--web.listen-address=127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def ask(self, query):
        """The samples of `query` now: labels and value."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": query})
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                result = json.load(response)["data"]["result"]
        except urllib.error.HTTPError as error:
            sys.exit(f"Prometheus refuses {query}: {json.load(error)['error']}")
        return [(sample["metric"], float(sample["value"][1])) for sample in result]

    def number(self, query):
        samples = self.ask(query)
        return samples[0][1] if samples else None

    def wait_for(self, query, wanted):
        """Waits until a scrape has brought `query` to `wanted`."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            try:
                found = self.number(query)
            except OSError:
                found = None
            if found == wanted:
                return
            time.sleep(0.5)
        sys.exit(f"{query} is {found}, not {wanted}")


class Sales:
    """What people do in a shop, and how often each thing was done."""

    def __init__(self, url):
        self.url = f"{url}/api"
        self.keys = 0
        # On engines there may be an earlier run's customers and keys.
        self.run = time.time_ns()
        self.done = {"placed": 0, "paid": 0, "failed": 0, "refunded": 0, "visits": 0, "minor": 0}
        self.admin = call(f"{self.url}/auth/login", ADMIN)["accessToken"]
        found = call(f"{self.url}/products?inStock=true&size=12")["items"]
        self.products = [product["productId"] for product in found]

    def send(self, path, body, token=None):
        self.keys += 1
        return call(self.url + path, body, token, f"k{self.run}-{self.keys}")

    def visit(self, source, steps):
        for step in ["visit", *steps]:
            call(f"{self.url}/visits", {"page": "/", "step": step, "source": source})
        self.done["visits"] += 1

    def customer(self, name):
        body = {"username": name, "email": f"{name}@example.org", "password": ADMIN["password"]}
        return call(f"{self.url}/auth/register", body)["accessToken"]

    def order(self, customer, product):
        self.send("/cart", {"productId": product, "quantity": 1}, customer)
        order = self.send("/orders", {"shippingAddress": ADDRESS}, customer)
        self.done["placed"] += 1
        return order

    def pay(self, customer, order, card):
        body = {"orderId": order["orderId"], "method": {"type": "card", "token": card}}
        payment = self.send("/payments", body, customer)
        if payment["status"] != CARDS[card]:
            sys.exit(f"a payment with {card} is {payment['status']}")
        if payment["status"] == "succeeded":
            self.done["paid"] += 1
            self.done["minor"] += order["totalAmount"]["amount"]
        else:
            self.done["failed"] += 1
        return payment

    def sleep_an_hour(self):
        # Every token ends with it.
        admin = call(f"{self.url}/auth/login", ADMIN)["accessToken"]
        call(f"{self.url}/test-clock", {"advanceSeconds": 3600}, admin)
        time.sleep(0.3)

    def drive(self, round_number):
        """One round: visits, carts, orders that are paid, declined, refunded and cancelled, and a failed sign-in."""
        customer = self.customer(f"s{self.run}-{round_number}")
        for number, source in enumerate(SOURCES):
            self.visit(source, ["product", "cart", "checkout", "purchase"][: number % 5])
        self.visit("direct", ["product", "cart", "checkout", "purchase"])
        for card in CARDS:
            self.pay(customer, self.order(customer, self.products[self.keys % len(self.products)]), card)
        refunded = self.order(customer, self.products[0])
        payment = self.pay(customer, refunded, "tok_visa")
        self.send(f"/payments/{payment['paymentId']}/refund", {}, self.admin)
        self.done["refunded"] += 1
        cancelled = self.order(customer, self.products[1])
        self.send(f"/orders/{cancelled['orderId']}/cancel", {}, customer)
        # Stays in the cart until its time is over.
        self.send("/cart", {"productId": self.products[2], "quantity": 1}, customer)
        try:
            call(f"{self.url}/auth/login", {"email": f"nobody{self.run}@example.org", "password": "a wrong password"})
        except urllib.error.HTTPError as error:
            if error.code != 401:
                raise


def substituted(query):
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    if "$" in re.sub(r'\$\{?1\}?', "", query):
        sys.exit(f"a variable of the query is not known here: {query}")
    return query


def panel_queries():
    """Yields dashboard, panel, what it says without data, and query."""
    for file in sorted((ROOT / "deploy/grafana/dashboards").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            without = panel.get("fieldConfig", {}).get("defaults", {}).get("noValue", "")
            for target in panel.get("targets", []):
                yield file.stem, panel["title"], without, substituted(target["expr"])


def empty_panels(prometheus, may_be_empty):
    """Panels with a query that has no data, and why they have none."""
    empty = []
    for dashboard, panel, without, query in panel_queries():
        samples = prometheus.ask(query)
        known = [value for _, value in samples if value == value]
        if not known and not (may_be_empty and without.startswith("Only with")):
            empty.append(f"{dashboard} / {panel}: {'no number' if samples else 'no data'}: {query}")
    return empty


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
    """What is wrong with families: a label that grows without bound, or no description."""
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
    return re.findall(r"record: (\S+)", (ROOT / "deploy/prometheus/rules/recording.yml").read_text())


def start_audit(folder, port):
    """The process that publishes the violations of a shop on engines."""
    binary = os.environ.get("SOUK_BIN", "target/debug/souk")
    command = f"source {folder}/{port}/engines.env && exec {binary} audit --distributed --watch --every 5 --port {port + AUDIT}"
    return subprocess.Popen(["bash", "-c", command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


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
    """What is wrong with dashboards, rules, alerts and metrics, a sentence each."""
    deadline = time.monotonic() + 60
    while (faults := empty_panels(prometheus, may_be_empty)) and time.monotonic() < deadline:
        time.sleep(2)
    count = len(list(panel_queries()))
    scrape = prometheus.number("max(scrape_samples_scraped)")
    print(f"{count - len(faults)} of {count} queries have data; {len(found)} families, {scrape:.0f} series at most a scrape")
    faults += [f"rule {name} has no data" for name in recorded() if not prometheus.ask(name)]
    firing = {labels["alertname"] for labels, _ in prometheus.ask('ALERTS{alertstate="firing"}')}
    faults += [f"the alert {name} fires at a shop that is well" for name in sorted(firing)]
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
    with tempfile.TemporaryDirectory(prefix="souk-observability-") as folder:
        shop, port = start(folder, args.engines, () if args.engines else ("--test-clock",))
        # The gateway's management port, which in one process has all series.
        distances = [-1, *PORTS.values(), AUDIT] if args.engines else [-1]
        audit = start_audit(folder, port) if args.engines else None
        targets = {"souk": [f"127.0.0.1:{port + distance}" for distance in distances]}
        if args.engines:
            targets["rabbitmq"] = ["127.0.0.1:15692"]
        prometheus = Prometheus(folder, targets)
        try:
            sales = Sales(f"http://127.0.0.1:{port}")
            prometheus.wait_for("count(up{job='souk'} == 1)", len(targets["souk"]))
            # Rates need the series before and after.
            for number in range(4):
                sales.drive(number)
                time.sleep(2)
            if not args.engines:
                # Carts are reminded of, and then lose their items.
                for _ in range(26):
                    sales.sleep_an_hour()
            compare(prometheus, sales.done)
            found = families(port, distances)
            if args.write:
                METRICS_PAGE.write_text(page(found))
            faults = faults_of(prometheus, found, not args.engines)
            time.sleep(args.keep)
        finally:
            for process in filter(None, [prometheus.process, audit, shop]):
                stop(process)
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
