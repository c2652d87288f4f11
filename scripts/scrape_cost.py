#!/usr/bin/env python3
"""Measures what scraping costs a shop in one process: its CPU time with and without a scrape each 15 s, while nothing else
happens, and the size and duration of a scrape.

    scripts/scrape_cost.py [--seconds N] [--interval N]

The shop has sold before, so that its series are there. The two states alternate, a minute each, until each has lasted N
seconds (180). Needs a built shop (SOUK_BIN, target/debug/souk). Fails above 1 % of a core, or 200 kB.
"""

import argparse
import gzip
import os
import pathlib
import statistics
import sys
import tempfile
import time
import urllib.request

from observed_shop import MANAGEMENT
from sales import Sales
from shop import start, stop

MOST_CPU, MOST_BYTES = 0.01, 200_000
TURN = 60


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def scrape(url):
    """Bytes, bytes as Prometheus requests them (gzip), and seconds."""
    request = urllib.request.Request(url, headers={"accept-encoding": "gzip"})
    begun = time.monotonic()
    with urllib.request.urlopen(request, timeout=10) as response:
        body = response.read()
        sent = len(body)
        if response.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
    return len(body), sent, time.monotonic() - begun


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--interval", type=int, default=15)
    args = parser.parse_args()
    used, lasted, scrapes = {False: 0.0, True: 0.0}, {False: 0.0, True: 0.0}, []
    with tempfile.TemporaryDirectory(prefix="souk-scrapes-") as folder:
        shop, port = start(folder)
        try:
            sales = Sales(f"http://127.0.0.1:{port}")
            for number in range(4):
                sales.drive(number)
            # Until mails are sent and the audit has read what was sold.
            time.sleep(30)
            scraping = False
            while min(lasted.values()) < args.seconds:
                begun, before = time.monotonic(), cpu_seconds(shop)
                while time.monotonic() - begun < TURN:
                    if scraping:
                        scrapes.append(scrape(f"http://127.0.0.1:{port + MANAGEMENT['gateway']}/metrics"))
                    time.sleep(args.interval)
                used[scraping] += cpu_seconds(shop) - before
                lasted[scraping] += time.monotonic() - begun
                scraping = not scraping
        finally:
            stop(shop)
    without, with_scrapes = (used[state] / lasted[state] for state in (False, True))
    size, sent, _ = max(scrapes)
    cost = with_scrapes - without
    print(f"idle {100 * without:.2f} % of a core in {lasted[False]:.0f} s; scraped each {args.interval} s {100 * with_scrapes:.2f} % in {lasted[True]:.0f} s")
    print(f"{len(scrapes)} scrapes of at most {size / 1000:.1f} kB ({sent / 1000:.1f} kB as sent), {1000 * statistics.median(took for *_, took in scrapes):.0f} ms in the median, "
          f"{1000 * max(took for *_, took in scrapes):.0f} ms at most")
    print(f"scraping costs {100 * cost:.2f} % of a core")
    if cost >= MOST_CPU or sent >= MOST_BYTES:
        sys.exit(f"more than {100 * MOST_CPU:.0f} % of a core, or than {MOST_BYTES // 1000} kB")


if __name__ == "__main__":
    main()
