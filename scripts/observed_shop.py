"""A fresh shop under a Prometheus, for scripts that look at what is measured of it."""

import contextlib
import os
import subprocess

from prometheus import Prometheus
from shop import start, stop

# Distances of the services' ports from the gateway's.
PORTS = {"auth": 1, "product": 2, "order": 3, "cart": 4, "payment": 5, "notification": 6, "discovery": 681, "config-server": 808}
# The gateway serves its metrics on a port for operators. In one process that one has the series of all services.
MANAGEMENT = {"gateway": -1}
AUDIT = {"audit": 7}
# Of RabbitMQ's plug-in rabbitmq_prometheus.
RABBITMQ = os.environ.get("SOUK_DEV_RABBITMQ_METRICS", "127.0.0.1:15692")


def ports(on_engines):
    """Distances of the ports that serve metrics from the gateway's port, by the process."""
    return MANAGEMENT | PORTS | AUDIT if on_engines else MANAGEMENT


def start_audit(folder, port):
    """The process that publishes the violations of a shop on engines."""
    binary = os.environ.get("SOUK_BIN", "target/debug/souk")
    command = f"source {folder}/{port}/engines.env && exec {binary} audit --distributed --watch --every 5 --port {port + AUDIT['audit']}"
    return subprocess.Popen(["bash", "-c", command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def observed(folder, on_engines=False, flags=(), interval="1s"):
    """Starts a shop, in one process or one for each service on engines, and a Prometheus that scrapes it each `interval`.
    Yields the gateway's port and the Prometheus once it has reached every process; stops all of them at the end."""
    shop, port = start(folder, on_engines, flags)
    processes = [shop]
    try:
        if on_engines:
            processes.append(start_audit(folder, port))
        targets = {"souk": {name: f"127.0.0.1:{port + distance}" for name, distance in ports(on_engines).items()}}
        if on_engines:
            targets["rabbitmq"] = {"rabbitmq": RABBITMQ}
        prometheus = Prometheus(folder, targets, interval)
        processes.append(prometheus.process)
        prometheus.wait_for("count(up == 1)", sum(map(len, targets.values())))
        yield port, prometheus
    finally:
        for process in reversed(processes):
            stop(process)
