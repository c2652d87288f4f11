#!/usr/bin/env python3
"""Measures what a purchase costs: CPU time per paid order, and memory before, under and after load.

usage: scripts/measure.py BINARY [--orders 1200] [--shoppers 16] [--rest 0]

Runs `BINARY up` on an empty folder, lets shoppers buy (cart, order confirmed, paid; each response awaited), and prints
one JSON object. CPU is the shop's process alone, user and system; memory is resident. Standard library only.
"""

import argparse
import http.client
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time

PORT = 18480
ADDRESS = {"name": "Ada Byron", "line1": "12 Analytical Row", "city": "Lyon", "postalCode": "69001", "country": "FR"}


class Client:
    """One kept connection of one user."""

    def __init__(self):
        self.connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        self.token = None

    def send(self, method, path, body=None, **headers):
        if body is not None:
            headers["content-type"] = "application/json"
            body = json.dumps(body)
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        self.connection.request(method, f"/api{path}", body, headers)
        response = self.connection.getresponse()
        text = response.read()
        if response.status >= 300:
            raise SystemExit(f"{method} {path}: {response.status} {text.decode()}")
        return json.loads(text) if text else None


def cpu_ms(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def resident_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmRSS")).split()[1]) / 1024


def wait_until_ready():
    for _ in range(600):
        try:
            return Client().send("GET", "/health/ready")
        except (OSError, SystemExit):
            time.sleep(0.1)
    raise SystemExit("the shop was not ready within 60 s")


def shop_for(number, products, orders, durations):
    client = Client()
    name = f"shopper{number}"
    user = {"username": name, "email": f"{name}@example.com", "password": "correct horse battery"}
    client.token = client.send("POST", "/auth/register", user)["accessToken"]
    barrier.wait()
    for n in range(orders):
        began = time.monotonic()
        client.send("POST", "/cart", {"productId": products[(number + n) % len(products)], "quantity": 1})
        headers = {"idempotency-key": f"o-{number}-{n}", "prefer": "wait=30"}
        order = client.send("POST", "/orders", {"shippingAddress": ADDRESS}, **headers)
        if order["status"] != "confirmed":
            raise SystemExit(f"order {order['orderId']} is {order['status']}")
        method = {"type": "card", "token": "tok_visa"}
        body = {"orderId": order["orderId"], "method": method}
        payment = client.send("POST", "/payments", body, **{"idempotency-key": f"p-{number}-{n}"})
        if payment["status"] != "succeeded":
            raise SystemExit(f"payment {payment['paymentId']} is {payment['status']}")
        durations.append(time.monotonic() - began)


parser = argparse.ArgumentParser()
parser.add_argument("binary")
parser.add_argument("--orders", type=int, default=1200)
parser.add_argument("--shoppers", type=int, default=16)
parser.add_argument("--rest", type=float, default=0, help="seconds of rest before the last reading of memory")
args = parser.parse_args()
barrier = threading.Barrier(args.shoppers + 1)

with tempfile.TemporaryDirectory() as folder:
    command = [args.binary, "up", "--data", folder, "--port", str(PORT)]
    env = {**os.environ, "SOUK_AUTH__ADMIN_EMAIL": "admin@example.com", "SOUK_AUTH__ADMIN_PASSWORD": "correct horse battery",
           "SOUK_GATEWAY__RATE_LIMIT__ENABLED": "false"}
    shop = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready()
        time.sleep(3)
        figures = {"idle_mb": resident_mb(shop.pid)}
        admin = Client()
        sign_in = {"email": "admin@example.com", "password": "correct horse battery"}
        admin.token = admin.send("POST", "/auth/login", sign_in)["accessToken"]
        category = admin.send("GET", "/categories")
        category = (category["items"] if isinstance(category, dict) else category)[0]["categoryId"]
        price = {"amount": 1999, "currency": "EUR"}
        product = lambda n: {"name": f"Kettle {n}", "price": price, "stock": 1_000_000, "categoryId": category}
        products = [admin.send("POST", "/products", product(n))["productId"] for n in range(20)]
        durations = []
        each = args.orders // args.shoppers
        threads = [threading.Thread(target=shop_for, args=(n, products, each, durations)) for n in range(args.shoppers)]
        for thread in threads:
            thread.start()
        barrier.wait()
        before, began = cpu_ms(shop.pid), time.monotonic()
        for thread in threads:
            thread.join()
        took = time.monotonic() - began
        done = len(durations)
        if done != each * args.shoppers:
            raise SystemExit(f"only {done} orders were paid")
        figures["after_mb"] = resident_mb(shop.pid)
        # Events of the last orders are still on their way; their work belongs to the orders.
        time.sleep(2)
        durations.sort()
        figures |= {
            "orders": done,
            "orders_per_s": done / took,
            "cpu_ms_per_order": (cpu_ms(shop.pid) - before) / done,
            "p50_ms": durations[done // 2] * 1000,
            "p99_ms": durations[done * 99 // 100] * 1000,
        }
        if args.rest:
            time.sleep(args.rest)
            figures["rested_mb"] = resident_mb(shop.pid)
        print(json.dumps({name: round(figure, 1) for name, figure in figures.items()}))
    finally:
        shop.send_signal(signal.SIGTERM)
        shop.wait(30)
