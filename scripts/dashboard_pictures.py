#!/usr/bin/env python3
"""Draws the four Grafana dashboards with the data of a shop that sells, as docs/screenshots/dashboard-*.png.

    scripts/dashboard_pictures.py MODULES [--engines] [--minutes N] [--record FOLDER | --replay FOLDER]

Everything in a picture comes from the dashboard's JSON and from Prometheus: each panel's queries are run as Grafana runs
them, over the minutes that the shop has sold, and drawn by deploy/grafana/pictures/page.jsx in Chromium. MODULES is the
folder with the packages of that page; `make dashboard-pictures` installs them below target/. In one process the panels of
Redis and RabbitMQ have no data, so pictures for docs/ are made with --engines, which takes the engines of
scripts/up-engines.sh and RabbitMQ's plug-in rabbitmq_prometheus (SOUK_DEV_RABBITMQ_METRICS). --record keeps what was
measured, and --replay draws it again after a change of the page.

Fails when a panel is empty or cannot be drawn.
"""

import argparse
import contextlib
import functools
import html
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import dashboards
from observed_shop import observed
from prometheus import ROOT
from sales import SOURCES, STEPS, Sales
from shop import call

PAGE = ROOT / "deploy/grafana/pictures/page.jsx"
PICTURES = ROOT / "docs/screenshots"
CHROMIUM = os.environ.get("SOUK_E2E_CHROMIUM", "/usr/bin/chromium")
# Heights in pixels of a row of the grid with its gap, and of head and footer together.
ROW, FRAME = 38, 136
MOST_BYTES = 400_000
# Of a hundred visitors, those who go on to the next step.
GO_ON = [70, 60, 75, 90]
CARDS = ["tok_visa"] * 27 + ["tok_declined", "tok_insufficient_funds", "tok_provider_down"]
WEIGHTS = [30, 25, 15, 12, 10, 8]
FOOTER = (
    "Drawn by scripts/dashboard_pictures.py from deploy/grafana/dashboards/{}.json with components of @grafana/ui, not by Grafana. "
    "A script visited the shop for {} minutes. Pie and state timeline are the repository's own drawing."
)


class Crowd:
    """Visitors whose number rises and falls, each on a way of its own through the shop."""

    def __init__(self, url, until):
        self.sales = Sales(url)
        self.until = until
        self.begun = time.monotonic()
        # Reproducible ways; the times are not.
        self.random = random.Random(4)
        self.customers = [self.sales.customer(f"c{self.sales.run}-{number}") for number in range(6)]
        self.faults = []

    def pause(self):
        """Seconds until the next visitor of one thread: few at first, then a wave every four minutes."""
        minutes = (time.monotonic() - self.begun) / 60
        busy = abs((minutes % 4) - 2) / 2
        return self.random.uniform(0.2, 0.8) + 2.5 * busy

    def visitor(self):
        sales, chance = self.sales, self.random
        reached = next((step for step, share in enumerate(GO_ON) if chance.uniform(0, 100) > share), len(STEPS))
        sales.visit(chance.choices(SOURCES, WEIGHTS)[0], STEPS[:reached])
        product = chance.choice(sales.products)
        call(f"{sales.url}/products?size=12&page={chance.randint(0, 3)}")
        if reached >= 1:
            call(f"{sales.url}/products/{product}")
        if reached < 2:
            return
        customer = chance.choice(self.customers)
        if reached == 2:
            # A cart that is left behind.
            sales.send("/cart", {"productId": product, "quantity": 1}, sales.customer(f"v{sales.run}-{chance.getrandbits(40)}"))
            return
        order = sales.order(customer, product)
        if order["status"] != "confirmed":
            # Sold out.
            return
        if reached == 3:
            if chance.random() < 0.5:
                sales.cancel(customer, order)
            return
        payment = sales.pay(customer, order, chance.choice(CARDS))
        if payment["status"] == "succeeded" and chance.random() < 0.1:
            sales.refund(payment)
        if chance.random() < 0.15:
            sales.sign_in_wrongly()

    def walk(self):
        while time.monotonic() < self.until:
            try:
                self.visitor()
            except Exception as fault:
                self.faults.append(f"{fault!r} {getattr(fault, '__notes__', '')}")
                return
            time.sleep(self.pause())


def sell(url, minutes):
    """Lets visitors come for `minutes`."""
    # One for each thread: a customer has one cart, so that two threads would order each other's.
    crowds = [Crowd(url, time.monotonic() + 60 * minutes) for _ in range(4)]
    threads = [threading.Thread(target=crowd.walk) for crowd in crowds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults := [fault for crowd in crowds for fault in crowd.faults]:
        sys.exit("a visitor could not go on:\n" + "\n".join(faults))


def measured(dashboard, name, prometheus, minutes):
    """The page's input: the dashboard, its period and the results of its queries."""
    now = time.time()
    results = {}
    for query in dashboards.queries(dashboard, f"now-{minutes}m", now=now):
        panel = results.setdefault(query.panel["id"], {"from": 1000 * query.start, "to": 1000 * query.end, "targets": []})
        if not query.step:
            panel |= {"from": 1000 * query.start, "to": 1000 * now}
        panel["targets"].append([{"labels": labels, "points": points} for labels, points in query.run(prometheus)])
    return {
        "dashboard": dashboard,
        "period": f"Last {minutes} minutes",
        "from": 1000 * (now - 60 * minutes),
        "to": 1000 * now,
        "results": results,
        "footer": FOOTER.format(name, minutes),
    }


def without_nan(value):
    """JSON knows no NaN; Grafana shows it as a gap, too."""
    if isinstance(value, dict):
        return {key: without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(part) for part in value]
    return None if isinstance(value, float) and value - value != 0 else value


@contextlib.contextmanager
def served(folder):
    """Serves `folder` on loopback, and yields its URL."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def bundle(modules, folder):
    """Writes the page, its script and Grafana's icons into `folder`."""
    # Imports are looked for beside the file that has them.
    source = shutil.copy(PAGE, modules)
    # In place of the editor of queries, which no picture has.
    nothing = (modules / "nothing.js").resolve()
    nothing.write_text("export {};\n")
    subprocess.run(
        [modules / "node_modules/.bin/esbuild", source, "--bundle", "--format=esm", "--target=es2022", "--jsx=automatic", "--minify",
         "--log-level=error", "--define:process.env.NODE_ENV=\"production\"", "--define:global=window",
         f"--alias:monaco-editor={nothing}", f"--outfile={folder}/page.js"],
        check=True,
    )
    shutil.copytree(modules / "node_modules/@grafana/ui/dist/public", folder / "public")


def draw(name, picture, modules, folder, url):
    """Draws one picture. Returns what is wrong with it."""
    # A script ends at the first "</" of its text.
    text = json.dumps(without_nan(picture)).replace("</", "<\\/")
    page = f"""<!doctype html><meta charset="utf-8"><title>{name}</title><link rel="stylesheet" href="page.css">
<style>*{{box-sizing:border-box}} body{{margin:0;font-family:Inter,Roboto,sans-serif}} h2,h6,p{{margin:0}} svg{{display:block}} .fault{{color:#c00}}</style>
<div id="dashboard"></div><pre id="faults"></pre>
<script>
window.__grafana_public_path__ = '/public/';
window.grafanaBootData = {{ settings: {{}} }};
const report = (text) => (document.getElementById('faults').textContent += text + '\\n');
window.addEventListener('error', (event) => report(event.message));
window.addEventListener('unhandledrejection', (event) => report(event.reason?.stack ?? event.reason));
window.picture = {text};
</script>
<script type="module" src="page.js"></script>"""
    (folder / f"{name}.html").write_text(page)
    panels = [panel for panel in picture["dashboard"]["panels"] if panel["type"] != "row"]
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    file = PICTURES / f"dashboard-{name}.png"
    run = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1", "--virtual-time-budget=20000",
         f"--user-data-dir={folder}/chromium", f"--window-size={dashboards.WIDTH},{rows * ROW + FRAME}", f"--screenshot={file}", "--dump-dom",
         f"{url}/{name}.html"],
        capture_output=True, text=True, env=os.environ | {"TZ": "UTC"}, timeout=180,
    )
    drawn = {int(panel): int(values) for panel, values in re.findall(r'data-panel="(\d+)" data-values="(\d+)"', run.stdout)}
    faults = [html.unescape(text).strip() for text in re.findall(r'<pre (?:id="faults"|class="fault")>([^<]+)</pre>', run.stdout)]
    for panel in panels:
        if not drawn.get(panel["id"]):
            faults.append(f"{panel['title']}: {'is empty' if panel['id'] in drawn else 'was not drawn'}")
    subprocess.run(["node", PAGE.with_name("palette.mjs"), modules, file], check=True)
    if file.stat().st_size > MOST_BYTES:
        faults.append(f"the picture has more than {MOST_BYTES} bytes")
    print(f"{file.relative_to(ROOT)}: {len(drawn)} panels, {sum(drawn.values())} values, {file.stat().st_size // 1000} kB")
    return [f"{name}: {fault}" for fault in faults]


def measure(minutes, on_engines):
    with (
        tempfile.TemporaryDirectory(prefix="souk-pictures-") as folder,
        observed(folder, on_engines, interval="5s") as (port, prometheus),
    ):
        sell(f"http://127.0.0.1:{port}", minutes)
        return {name: measured(dashboard, name, prometheus, minutes) for name, dashboard in dashboards.load().items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("modules", type=pathlib.Path)
    parser.add_argument("--engines", action="store_true", help="one process for each service, on local engines")
    parser.add_argument("--minutes", type=int, default=9)
    parser.add_argument("--record", type=pathlib.Path, help="folder that gets what was measured")
    parser.add_argument("--replay", type=pathlib.Path, help="folder of an earlier --record")
    args = parser.parse_args()
    if args.replay:
        current = dashboards.load()
        pictures = {name: json.loads((args.replay / f"{name}.json").read_text()) | {"dashboard": current[name]} for name in current}
    else:
        pictures = measure(args.minutes, args.engines)
    if args.record:
        args.record.mkdir(parents=True, exist_ok=True)
        for name, picture in pictures.items():
            (args.record / f"{name}.json").write_text(json.dumps(without_nan(picture)))
    with tempfile.TemporaryDirectory(prefix="souk-pictures-") as temporary, served(temporary) as url:
        folder = pathlib.Path(temporary)
        bundle(args.modules, folder)
        faults = [fault for name, picture in pictures.items() for fault in draw(name, picture, args.modules, folder, url)]
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
