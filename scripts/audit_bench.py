#!/usr/bin/env python3
"""Measures `souk audit` on a large shop: time, and the largest resident memory.

usage: scripts/audit_bench.py BINARY [--orders 1000000] [--postgres postgres://user:password@host:5432]

Starts `BINARY up` on an empty folder, buys once, stops it, and copies the rows of that order with new ids inside the
stores, so that the script knows no column but ids and keys. Then it runs the audit, which must find the shop clean, and
prints one JSON object. With --postgres, databases named souk_bench_* hold the stores of order, product, payment and the
sandbox; they are dropped at the end. Notices and mails are not copied. Standard library and `psql` only.
"""

import argparse
import http.client
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import tempfile
import time

PORT = 18490
ADDRESS = {"name": "Ada Byron", "line1": "12 Analytical Row", "city": "Lyon", "postalCode": "69001", "country": "FR"}
PASSWORD = "correct horse battery"
STORES = ["order", "product", "payment", "sandbox"]
# Table, its columns with ids that grow with the copy, and those whose text must be unique.
COPIES = [
    ("order", "shop_order", ["order_id", "payment_id"], ["idempotency_key"], ""),
    ("order", "order_step", ["order_id"], [], ""),
    ("product", "reservation", ["order_id"], [], ""),
    ("product", "stock_movement", ["order_id"], ["cause"], "order_id IS NOT NULL"),
    ("payment", "known_order", ["order_id"], [], ""),
    ("payment", "payment", ["payment_id", "order_id", "active_order_id"], ["key_hash"], ""),
    ("sandbox", "sandbox_charge", ["payment_id"], [], ""),
]


def send(method, path, body=None, token=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    headers |= {"content-type": "application/json"} if body is not None else {}
    headers |= {"authorization": f"Bearer {token}"} if token else {}
    connection.request(method, f"/api{path}", json.dumps(body) if body is not None else None, headers)
    response = connection.getresponse()
    text = response.read()
    if response.status >= 300:
        raise SystemExit(f"{method} {path}: {response.status} {text.decode()}")
    return json.loads(text) if text else None


def buy_once(audit_command, env):
    for _ in range(600):
        try:
            send("GET", "/health/ready")
            break
        except (OSError, SystemExit):
            time.sleep(0.1)
    admin = send("POST", "/auth/login", {"email": "admin@example.com", "password": PASSWORD})["accessToken"]
    category = send("POST", "/categories", {"name": "Things"}, admin)["categoryId"]
    price = {"amount": 1999, "currency": "EUR"}
    product = {"name": "Kettle", "price": price, "stock": 100, "categoryId": category}
    product = send("POST", "/products", product, admin)["productId"]
    user = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
    ada = send("POST", "/auth/register", user)["accessToken"]
    order = {"shippingAddress": ADDRESS, "items": [{"productId": product, "quantity": 1}]}
    order = send("POST", "/orders", order, ada, prefer="wait=30", **{"idempotency-key": "o"})["orderId"]
    payment = {"orderId": order, "method": {"type": "card", "token": "tok_visa"}}
    send("POST", "/payments", payment, ada, **{"idempotency-key": "p"})
    while send("GET", f"/orders/{order}", None, ada)["status"] != "paid":
        time.sleep(0.1)
    # Waits until the last events are consumed.
    subprocess.run(audit_command, env=env, check=True, stdout=subprocess.DEVNULL)


class Sqlite:
    sequence = "(WITH RECURSIVE copies (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM copies WHERE k < {count}) SELECT k FROM copies)"

    def __init__(self, folder):
        self.folder = folder

    def url(self, _store):
        return None

    def run(self, store, sql):
        with sqlite3.connect(self.folder / f"{store}.db") as connection:
            connection.execute("PRAGMA busy_timeout = 10000")
            return [row for row in connection.execute(sql).fetchall()]

    def columns(self, store, table):
        return [row[1] for row in self.run(store, f"PRAGMA table_info({table})")]

    def unique(self, column):
        return f"printf('%0' || length({column}) || 'd', k)"

    def close(self):
        pass


class Postgres:
    sequence = "(SELECT generate_series(1, {count}) AS k)"

    def __init__(self, url):
        self.server = url.rstrip("/")
        for store in STORES:
            self.psql("postgres", f"CREATE DATABASE souk_bench_{store}")

    def url(self, store):
        return f"{self.server}/souk_bench_{store}"

    def psql(self, database, sql):
        command = ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", sql, f"{self.server}/{database}"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

    def run(self, store, sql):
        return self.psql(f"souk_bench_{store}", sql)

    def columns(self, store, table):
        return self.run(store, "SELECT column_name FROM information_schema.columns WHERE table_schema = "
                               f"current_schema() AND table_name = '{table}' ORDER BY ordinal_position")

    def unique(self, column):
        return f"lpad(k::text, length({column}), '0')"

    def close(self):
        for store in STORES:
            self.psql("postgres", f"DROP DATABASE IF EXISTS souk_bench_{store} WITH (FORCE)")


def copy_rows(engine, count):
    for store, table, ids, texts, only in COPIES:
        columns = engine.columns(store, table)
        values = [
            f"{column} + k" if column in ids else engine.unique(column) if column in texts else column
            for column in columns
        ]
        where = f"WHERE {only}" if only else ""
        engine.run(store, f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {table} "
                          f"CROSS JOIN {engine.sequence.format(count=count)} AS copies {where}")
    # The product had as many units more, and sold them.
    engine.run("product", f"UPDATE stock_movement SET quantity = quantity + {count} WHERE kind = 'initial'")
    engine.run("product", f"UPDATE product SET sold = sold + {count}")


def audit(command, env):
    began = time.monotonic()
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    report = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    took = time.monotonic() - began
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(report)
    checked = {line["invariant"]: line["checked"] for line in json.loads(report)["invariants"]}
    return {
        "orders": checked[7],
        "payments": checked[2],
        "seconds": round(took, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "resident_mb": round(usage.ru_maxrss / 1024, 1),
    }


parser = argparse.ArgumentParser()
parser.add_argument("binary")
parser.add_argument("--orders", type=int, default=1_000_000)
parser.add_argument("--postgres")
args = parser.parse_args()

with tempfile.TemporaryDirectory() as folder:
    engine = Postgres(args.postgres) if args.postgres else Sqlite(pathlib.Path(folder))
    env = {**os.environ, "SOUK_AUTH__ADMIN_EMAIL": "admin@example.com", "SOUK_AUTH__ADMIN_PASSWORD": PASSWORD,
           "SOUK_GATEWAY__RATE_LIMIT__ENABLED": "false"}
    for store in STORES:
        key = "SOUK_PAYMENT__SANDBOX_LEDGER_URL" if store == "sandbox" else f"SOUK_{store.upper()}__STORE_URL"
        env |= {key: engine.url(store)} if engine.url(store) else {}
    try:
        up = [args.binary, "up", "--empty", "--data", folder, "--port", str(PORT)]
        shop = subprocess.Popen(up, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            buy_once([args.binary, "audit", "--data", folder], env)
        finally:
            shop.send_signal(signal.SIGTERM)
            shop.wait(30)
        copy_rows(engine, args.orders - 1)
        figures = audit([args.binary, "audit", "--json", "--data", folder], env)
        print(json.dumps({"engine": type(engine).__name__.lower()} | figures))
    finally:
        engine.close()
