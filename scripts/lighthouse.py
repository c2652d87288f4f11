"""Lighthouse's scores of home, category and product of a fresh shop, on the phone that Lighthouse simulates: medians of RUNS (5),
one page after another. Needs Chromium, and a machine that does nothing else. Exits with 1 when a score misses its goal.

    scripts/lighthouse.py FOLDER    with Lighthouse installed in FOLDER
    SOUK_BIN   an optimised souk, target/release/souk by default
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import shop

RUNS = int(os.environ.get("RUNS", "5"))
ATTEMPTS = 3
# Lighthouse's code for a trace that lacks the start of the navigation.
NO_TRACE = "NO_NAVSTART"
GOALS = {"performance": 95, "accessibility": 100, "best-practices": 95, "seo": 100}
TIMES = {"first-contentful-paint": "FCP", "largest-contentful-paint": "LCP", "total-blocking-time": "TBT", "cumulative-layout-shift": "CLS"}
CHROMIUM = os.environ.get("SOUK_E2E_CHROMIUM", "/usr/bin/chromium")
FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"


def audit(program, url, report):
    """One run of Lighthouse, as it reports it. One whose trace Chromium did not record has no result, and is repeated."""
    command = [program, url, "--quiet", "--output=json", f"--output-path={report}", f"--chrome-flags={FLAGS}", f"--only-categories={','.join(GOALS)}"]
    for attempt in range(1, ATTEMPTS + 1):
        ended = subprocess.run(command, env=os.environ | {"CHROME_PATH": CHROMIUM}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if ended.returncode == 0:
            return json.loads(report.read_text())
        print(f"{url}, attempt {attempt} of {ATTEMPTS}: {ended.stderr.strip()}", file=sys.stderr)
        if NO_TRACE not in ended.stderr:
            break
    sys.exit(1)


def pages(base):
    """Addresses of the three pages: those of the sample catalogue's first product and of its category."""
    product = shop.call(f"{base}/api/products?size=1")["items"][0]
    categories = shop.call(f"{base}/api/categories")["items"]
    category = next(one for one in categories if one["categoryId"] == product["categoryId"])
    return {"home": base, "category": f"{base}/c/{category['slug']}", "product": f"{base}/products/{product['slug']}"}


def main(program):
    os.environ.setdefault("SOUK_BIN", "target/release/souk")
    faults = []
    with tempfile.TemporaryDirectory() as name:
        process, port = shop.start(name)
        try:
            print(f"| page | {' | '.join([*GOALS, *TIMES.values()])} |\n|{'---|' * (1 + len(GOALS) + len(TIMES))}", flush=True)
            for page, url in pages(f"http://localhost:{port}").items():
                # The first run fills the caches of the shop, as visitors before this one did.
                runs = [audit(program, url, pathlib.Path(name, "report.json")) for _ in range(RUNS + 1)][1:]
                scores = {goal: statistics.median(round(run["categories"][goal]["score"] * 100) for run in runs) for goal in GOALS}
                times = [statistics.median(run["audits"][audit]["numericValue"] for run in runs) for audit in TIMES]
                shown = [f"{score:.0f}" for score in scores.values()] + [f"{time / 1000:.2f} s" for time in times[:2]] + [f"{times[2]:.0f} ms", f"{times[3]:.3f}"]
                print(f"| {page} | {' | '.join(shown)} |", flush=True)
                for goal, score in scores.items():
                    if score < GOALS[goal]:
                        failing = [one["id"] for one in runs[-1]["audits"].values() if one["score"] is not None and one["score"] < 1]
                        faults.append(f"{page}: {goal} {score:.0f} is below {GOALS[goal]}; audits that fail: {', '.join(failing)}")
        finally:
            shop.stop(process)
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main(os.path.join(sys.argv[1], "node_modules/.bin/lighthouse"))
