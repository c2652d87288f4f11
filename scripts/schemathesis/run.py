#!/usr/bin/env python3
"""Runs schemathesis over every OpenAPI document of a shop, as guest, customer and admin: no 5xx, and no response that its
document does not describe.

    scripts/schemathesis.sh [--examples N] [--engines | --url URL --email ADMIN --password PASSWORD] [SERVICE ...]

Without --url a shop is started (SOUK_BIN, target/debug/souk): a fresh one in one process, or with --engines one process for
each service on the engines of this machine, whose first admin is the one below.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from shop import ADDRESS, ADMIN, call, start, stop  # noqa: E402: it is beside this folder

SERVICES = ["auth", "product", "order", "cart", "payment", "notification", "gateway"]
# Not behind the gateway: the distances of their ports from its port.
PLATFORM = {"discovery": 681, "config-server": 808}
CHECKS = ("not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
          "response_schema_conformance")
# Acts that would end the run itself, or wait.
EXCLUDED = ["/auth/logout", "/auth/password", "/auth/password/reset", "/test-clock", "/api/test-clock",
            "/orders/{orderId}/stream", "/notifications/stream"]


def tokens(url, email, password):
    """Returns a fresh token of each role: they end after 15 minutes."""
    name = f"s{time.time_ns()}"
    customer = {"username": name, "email": f"{name}@example.org", "password": ADMIN["password"]}
    return {
        "guest": call(f"{url}/api/auth/guest", {})["accessToken"],
        "customer": call(f"{url}/api/auth/register", customer)["accessToken"],
        "admin": call(f"{url}/api/auth/login", {"email": email, "password": password})["accessToken"],
    }


def address_of(service, url):
    """Returns where a service is reached, and its document."""
    if service in PLATFORM:
        host, port = url.rsplit(":", 1)
        base = f"{host}:{int(port) + PLATFORM[service]}"
        return base, f"{base}/openapi.json"
    return url if service == "gateway" else f"{url}/api", f"{url}/api/openapi/{service}.json"


def known_ids(url, token):
    """Buys something, and returns the ids of what is there, so that not every request is about nothing."""
    product = call(f"{url}/api/products?inStock=true")["items"][0]["productId"]
    placed = {"items": [{"productId": product, "quantity": 1}], "shippingAddress": ADDRESS}
    order = call(f"{url}/api/orders", placed, token, f"o{time.time_ns()}")["orderId"]
    paid = {"orderId": order, "method": {"type": "card", "token": "tok_visa"}}
    payment = call(f"{url}/api/payments", paid, token, f"p{time.time_ns()}")["paymentId"]
    return {"orderId": order, "paymentId": payment, "productId": product}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--examples", type=int, default=20, help="cases for each operation and role")
    parser.add_argument("--engines", action="store_true", help="one process for each service, on local engines")
    parser.add_argument("--short", action="store_true", help="without the cases that each schema prescribes")
    parser.add_argument("--url")
    parser.add_argument("--email", default=ADMIN["email"])
    parser.add_argument("--password", default=ADMIN["password"])
    parser.add_argument("services", nargs="*", default=[])
    args = parser.parse_args()
    schemathesis = os.path.join(os.path.dirname(sys.executable), "schemathesis")
    failed = []
    with tempfile.TemporaryDirectory(prefix="souk-schemathesis-") as folder:
        shop, url = None, args.url and args.url.rstrip("/")
        if not url:
            shop, port = start(folder, args.engines)
            url = f"http://127.0.0.1:{port}"
        try:
            for service in args.services or SERVICES + list(PLATFORM):
                callers = tokens(url, args.email, args.password)
                known = known_ids(url, callers["customer"])
                with open(os.path.join(folder, "schemathesis.toml"), "w") as settings:
                    settings.write("[parameters]\n" + "".join(f'"path.{name}" = {id}\n' for name, id in known.items()))
                if service in PLATFORM:
                    callers = {"anyone": ""}
                for role, token in callers.items():
                    base, document = address_of(service, url)
                    command = [schemathesis, "run", document, "--url", base,
                               "--checks", CHECKS, "--max-examples", str(args.examples), "--seed", "7",
                               "--phases", "examples,fuzzing" if args.short else "examples,coverage,fuzzing",
                               "--continue-on-failure", "--no-color", "--warnings", "off", "--generation-database", "none",
                               "--suppress-health-check", "all", "--request-timeout", "20", "--no-shrink"]
                    if token:
                        command += ["--header", f"Authorization:Bearer {token}"]
                    for path in EXCLUDED:
                        command += ["--exclude-path", path]
                    began = time.time()
                    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder)
                    outcome = "ok" if run.returncode == 0 else "FAILED"
                    cases = next((line.strip() for line in run.stdout.splitlines() if " generated" in line), "no cases")
                    print(f"{service:<12} {role:<8} {outcome:<6} {time.time() - began:5.1f} s  {cases}", flush=True)
                    if run.returncode != 0:
                        failed.append((service, role))
                        print(run.stdout[-20000:], flush=True)
        finally:
            if shop:
                stop(shop)
    if failed:
        sys.exit("schemathesis found something: " + ", ".join(f"{service} as {role}" for service, role in failed))


if __name__ == "__main__":
    main()
