#!/usr/bin/env python3
"""Injects faults into a running shop, and waits until Prometheus' alerts about them become pending, fire, reach Alertmanager
and its mails, and end once the fault is removed.

    scripts/alerts_live.py [--only ALERT...] [--without-fault ALERT]

Rules and routes are those of deploy/, in which a minute is two seconds: every range, offset, `for` and interval of them is
divided by 30, and nothing else is changed. What the shop itself measures in seconds, such as the age of an event, stays as
it is. --without-fault leaves one fault out, upon which the script must fail.

Needs Debian's packages prometheus and prometheus-alertmanager, and a built shop (SOUK_BIN, target/debug/souk).
"""

import argparse
import json
import pathlib
import re
import signal
import socketserver
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from observed_shop import MANAGEMENT
from prometheus import ROOT, RULES, Prometheus
from sales import Sales
from shop import free_port, restart, start, stop

FACTOR = 30
MILLISECONDS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
# Of a shop in one process.
SERVICES = 9
# Seconds until a state that must come has come.
LIMIT = 60


def compressed(text):
    """`text` of rules or of Alertmanager's configuration with every duration divided by FACTOR."""

    def shorter(match):
        return f"{match[1]}{int(match[2]) * MILLISECONDS[match[3]] // FACTOR}ms"

    return re.sub(r"(\[|offset |for: |_(?:wait|interval): )(\d+)([smhd])\b", shorter, text)


class Mails(socketserver.ThreadingTCPServer):
    """A mail server that keeps the subjects of what it gets."""

    daemon_threads = True

    def __init__(self):
        self.subjects = []
        super().__init__(("127.0.0.1", 0), Mail)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Mail(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 mail\r\n")
        in_mail = False
        for line in self.rfile:
            if in_mail:
                if line.lower().startswith(b"subject: "):
                    self.server.subjects.append(line[9:].decode().strip())
                if line != b".\r\n":
                    continue
                in_mail = False
            if line.upper().startswith(b"DATA"):
                in_mail = True
                self.wfile.write(b"354 go on\r\n")
            elif line.upper().startswith(b"QUIT"):
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


class Alertmanager:
    """Alertmanager with the configuration of deploy/, whose mails go to `mails`."""

    def __init__(self, folder, mails):
        text = compressed((ROOT / "deploy/alertmanager/alertmanager.yml").read_text())
        text, replaced = re.subn(r"smtp_smarthost: \S+", f"smtp_smarthost: 127.0.0.1:{mails.server_address[1]}", text)
        if replaced != 1:
            sys.exit("the configuration of Alertmanager has no smtp_smarthost")
        file = pathlib.Path(folder, "alertmanager.yml")
        file.write_text(text)
        self.port = free_port()
        self.log = pathlib.Path(folder, "alertmanager.log")
        command = ["prometheus-alertmanager", f"--config.file={file}", f"--storage.path={folder}/alertmanager",
                   f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address="]
        self.process = subprocess.Popen(command, stdout=self.log.open("wb"), stderr=subprocess.STDOUT)

    def active(self, name):
        """The labels of the alerts of that name that it has received and that are not over."""
        query = urllib.parse.urlencode({"filter": f'alertname="{name}"', "active": "true"})
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v2/alerts?{query}", timeout=10) as response:
                return [alert["labels"] for alert in json.load(response)]
        except urllib.error.URLError:
            return []


class Stand:
    """A shop in one process that sells, with Prometheus, Alertmanager and a mail server."""

    def __init__(self, folder):
        self.folder = folder
        self.shop, self.port = start(folder)
        self.targets = {name: f"127.0.0.1:{self.port + distance}" for name, distance in MANAGEMENT.items()}
        rules = pathlib.Path(folder, "rules")
        rules.mkdir()
        for file in RULES.glob("*.yml"):
            (rules / file.name).write_text(compressed(file.read_text()))
        self.mails = Mails()
        self.alertmanager = Alertmanager(folder, self.mails)
        self.prometheus = Prometheus(folder, {"souk": self.targets}, "1s", rules, f"127.0.0.1:{self.alertmanager.port}")
        self.prometheus.wait_for("count(up == 1)", 1)
        self.sales = Sales(f"http://127.0.0.1:{self.port}")
        self.customer = self.sales.customer("alerts")

    def stop(self):
        for process in (self.prometheus.process, self.alertmanager.process, self.shop):
            stop(process)

    def product(self):
        # One after the other, so that none is sold out.
        return self.sales.products[self.sales.done["placed"] % len(self.sales.products)]

    def buy(self, card="tok_visa"):
        """An order and a payment of it, whatever becomes of that."""
        order = self.sales.order(self.customer, self.product())
        body = {"orderId": order["orderId"], "method": {"type": "card", "token": card}}
        self.sales.send("/payments", body, self.customer)

    def is_usual(self):
        """True once the audit has completed a round. Its first is not faster than in a real minute, unlike the alert that
        misses it."""
        return self.prometheus.query("audit_read_at_seconds") and not self.alerts("AuditMissing")

    def alerts(self, name=None):
        """Labels and state of the alerts in Prometheus."""
        found = self.prometheus.api("alerts")["alerts"]
        return [(alert["labels"], alert["state"]) for alert in found if name in (None, alert["labels"]["alertname"])]


class Fault:
    """A fault: what injects it, what goes on while it lasts, and what removes it."""

    def __init__(self, alert, labels, count=1):
        self.alert = alert
        # Of each alert about it, and how many there are.
        self.labels = labels
        self.count = count

    def inject(self, stand):
        raise NotImplementedError

    def go_on(self, stand):
        """Called again and again while the fault lasts, and until it is over."""

    def remove(self, stand):
        raise NotImplementedError


class ProviderDown(Fault):
    """The payment provider is not available: what the sandbox does for that card."""

    card = "tok_visa"

    def inject(self, stand):
        self.card = "tok_provider_down"

    def go_on(self, stand):
        stand.buy(self.card)

    def remove(self, stand):
        self.card = "tok_visa"


class BusLocked(Fault):
    """The bus takes no events: another process holds the lock of its file. Orders are placed, and their events wait."""

    def inject(self, stand):
        self.lock = sqlite3.connect(f"{stand.folder}/{stand.port}/bus.db", timeout=30, isolation_level=None)
        self.lock.execute("BEGIN IMMEDIATE")
        stand.sales.order(stand.customer, stand.product())

    def remove(self, stand):
        self.lock.execute("ROLLBACK")
        self.lock.close()


class TargetGone(Fault):
    """The shop leaves the list of targets, as a service does whose last instance leaves DNS. It is not down."""

    def inject(self, stand):
        stand.prometheus.set_targets("souk", {})

    def go_on(self, stand):
        if stand.alerts("ServiceDown"):
            sys.exit("ServiceDown knows of a target that is gone")

    def remove(self, stand):
        stand.prometheus.set_targets("souk", stand.targets)


class Killed(Fault):
    """The process is killed, and started again."""

    def inject(self, stand):
        stand.shop.send_signal(signal.SIGKILL)
        stand.shop.wait()

    def remove(self, stand):
        stand.shop = restart(stand.folder, stand.port) or sys.exit("the shop does not start again after it was killed")


FAULTS = [
    ProviderDown("PaymentFailuresSpike", {"severity": "page"}),
    BusLocked("OutboxOld", {"severity": "page", "service": "order"}),
    TargetGone("ServiceVanished", {"severity": "page"}, SERVICES),
    Killed("ServiceDown", {"severity": "page", "job": "souk"}),
]


def until(holds, what, seconds=LIMIT):
    """Waits until `holds()`, and fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            sys.exit(f"after {seconds} s {what() if callable(what) else what}")
        time.sleep(0.1)


def check(fault, stand, injected):
    name, alertmanager, begun = fault.alert, stand.alertmanager, time.monotonic()
    if stand.alerts(name) or alertmanager.active(name):
        sys.exit(f"{name}: is not inactive before its fault: {stand.alerts(name)}")
    if injected:
        fault.inject(stand)
    seen = []

    def matching():
        return [state for labels, state in stand.alerts(name) if fault.labels.items() <= labels.items()]

    def fires():
        fault.go_on(stand)
        states = matching()
        for state in states:
            if state not in seen:
                seen.append(state)
        return states.count("firing") == fault.count

    # OutboxOld is about an event that has waited for a minute, of the shop's own time.
    until(fires, lambda: f"{name} does not fire: {stand.alerts(name) or 'it is inactive'}", 2 * LIMIT)
    if seen != ["pending", "firing"]:
        sys.exit(f"{name}: was {' and then '.join(seen)}, not pending and then firing")
    fired = time.monotonic()
    until(lambda: len(alertmanager.active(name)) >= fault.count, lambda: f"Alertmanager has {alertmanager.active(name)}, not {name}")
    until(lambda: mailed(stand, "FIRING", name), lambda: f"there is no mail that {name} fires: {stand.mails.subjects}")
    if injected:
        fault.remove(stand)
    removed = time.monotonic()

    def over():
        fault.go_on(stand)
        return not stand.alerts(name)

    until(over, lambda: f"{name} does not end: {stand.alerts(name)}")
    until(lambda: not alertmanager.active(name), f"Alertmanager still has {name}")
    until(lambda: mailed(stand, "RESOLVED", name), lambda: f"there is no mail that {name} is over: {stand.mails.subjects}")
    print(f"{name:22} pending, firing after {fired - begun:3.0f} s, received, mailed; over {time.monotonic() - removed:3.0f} s after its cause", flush=True)


def mailed(stand, state, name):
    return any(re.match(rf"\[{state}\b.*\] {name}\b", subject) for subject in stand.mails.subjects)


def main():
    parser = argparse.ArgumentParser()
    names = [fault.alert for fault in FAULTS]
    parser.add_argument("--only", choices=names, nargs="+", help="the faults to inject")
    parser.add_argument("--without-fault", choices=names, help="an alert whose fault is not injected: it must not fire")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="souk-alerts-") as folder:
        stand = Stand(folder)
        try:
            # The usual state: payments succeed, for longer than the offset of PaymentFailuresSpike.
            begun = time.monotonic()
            while time.monotonic() < begun + 40 or not stand.is_usual():
                if time.monotonic() > begun + 2 * LIMIT:
                    sys.exit(f"the audit has not completed a round after {2 * LIMIT} s")
                stand.buy()
                time.sleep(0.5)
            if stand.alerts():
                sys.exit(f"there are alerts about a shop that is well: {stand.alerts()}")
            for fault in FAULTS:
                if args.only is None or fault.alert in args.only:
                    check(fault, stand, fault.alert != args.without_fault)
        finally:
            stand.stop()


if __name__ == "__main__":
    main()
