"""Starts a fresh shop for a script, and calls its API. Standard library only."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

READY = re.compile(r"^Ready\.", re.MULTILINE)
ADMIN = {"email": "admin@example.com", "password": "correct horse battery"}
ADDRESS = {"name": "Ada Byron", "line1": "12 Analytical Row", "postalCode": "69001", "city": "Lyon", "country": "FR"}


def call(url, body=None, token=None, key=None):
    """The answer to a request; `key` makes it one that may be sent again, which is done for a while if a service that has just
    started does not know its peers yet. Errors: urllib's, from status 400 on."""
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    headers |= {"idempotency-key": key, "prefer": "wait=5"} if key else {}
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
    deadline = time.monotonic() + (30 if key else 0)
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                text = response.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            if error.code != 503 or time.monotonic() > deadline:
                error.add_note(f"{request.get_method()} {url}: {error.read().decode()}")
                raise
            time.sleep(1)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1] // 2 + 5_000


def start(folder, on_engines=False, flags=(), environment=None):
    """Starts SOUK_BIN (target/debug/souk) with data in `folder`: one process, or one for each service on the engines of this
    machine. Returns the process and the gateway's port once the shop is ready."""
    for _ in range(5):
        port = free_port()
        process = restart(folder, port, on_engines, flags, environment)
        if process:
            return process, port
    sys.exit(f"the shop does not start:\n{pathlib.Path(folder, 'shop.log').read_text()[-4000:]}")


def restart(folder, port, on_engines=False, flags=(), environment=None):
    """Starts the shop of an earlier `start` again. Returns the process once the shop is ready; `None` if it ended."""
    binary = os.environ.get("SOUK_BIN", "target/debug/souk")
    env = os.environ | {
        "SOUK_AUTH__ADMIN_EMAIL": ADMIN["email"],
        "SOUK_AUTH__ADMIN_PASSWORD": ADMIN["password"],
        # All requests come from one address.
        "SOUK_GATEWAY__RATE_LIMIT__ENABLED": "false",
    } | (environment or {})
    command = [binary, "up", "--port", str(port), "--data", f"{folder}/{port}", *flags]
    if on_engines:
        command = ["bash", "scripts/up-engines.sh"]
        env |= {"PORT": str(port), "DATA": f"{folder}/{port}", "SOUK_BIN": os.path.abspath(binary)}
    log = open(os.path.join(folder, "shop.log"), "wb")
    process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    for _ in range(1200):
        if process.poll() is not None:
            break
        # The line is written when the shop is ready and filled.
        if READY.search(pathlib.Path(log.name).read_text()):
            return process
        time.sleep(0.1)
    return None


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(30)
