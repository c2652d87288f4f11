"""Speed of the catalogue at several sizes, beside nginx that serves the same bytes as a file, in one run. Needs wrk and nginx.

    SOUK_BIN   an optimised souk, target/release/souk by default
    SIZES      numbers of products, 1000,100000,1000000 by default
    SECONDS    of load for each figure, 10 by default
    CATALOGUES folder in which the filled shops are kept for the next run; none by default
"""

import itertools
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import shop

CONNECTIONS = 16
SECONDS = os.environ.get("SECONDS", "10")
SIZES = [int(size) for size in os.environ.get("SIZES", "1000,100000,1000000").split(",")]
VARIANTS = ["S", "M", "L"]
# Files of an import are at most 20 MB.
ROWS_OF_A_FILE = 24_000
SYLLABLES = "ba ce di fo gu ha ke li mo nu pa re si to vu wa ze chi sta bro kla pre tri spo".split()


def vocabulary(count, randoms):
    words = set()
    while len(words) < count:
        words.add("".join(randoms.choices(SYLLABLES, k=randoms.randint(2, 4))))
    return sorted(words)


def catalogue(folder, size):
    """Writes import files of `size` products, three sizes of each thing, and returns their paths with queries for them."""
    randoms = random.Random(size)
    words = vocabulary(8_000, random.Random(0))
    # Few words are frequent, as in texts of people.
    weights = list(itertools.accumulate(1 / (rank + 8) for rank in range(len(words))))
    brands = [f"{word.title()} & Co" for word in words[::20]]
    types = [word.title() for word in words[1::200]]
    paths, titles, written = [], [], 0
    while written < size:
        path = folder / f"{len(paths)}.csv"
        with open(path, "w") as file:
            file.write("Handle,Title,Body (HTML),Vendor,Type,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price\n")
            for _ in range(min(ROWS_OF_A_FILE, size - written + 2) // 3):
                number = written // 3
                title = " ".join(randoms.choices(words, cum_weights=weights, k=3)).title()
                text = " ".join(randoms.choices(words, cum_weights=weights, k=30))
                titles.append(title)
                for place, variant in enumerate(VARIANTS):
                    first = f"{title} {number},<p>{text}.</p>,{randoms.choice(brands)},{randoms.choice(types)}" if place == 0 else ",,,"
                    stock, price = randoms.randint(0, 90), randoms.randint(100, 90_000) / 100
                    file.write(f"t-{number},{first},Size,{variant},S-{number}-{variant},{stock},{price:.2f}\n")
                written += 3
        paths.append(path)
    queries = [" ".join(randoms.sample(randoms.choice(titles).lower().split(), 2)) for _ in range(4_000)]
    return paths, queries, types


def wrk(base, paths, folder):
    """Requests per second, and the latencies p50 and p99 in milliseconds, of a load over `paths`."""
    script = folder / "load.lua"
    script.write_text(
        "local paths = {}\nfor line in io.lines('%s') do paths[#paths + 1] = line end\nlocal at = 0\n"
        "request = function() at = at %% #paths + 1; return wrk.format('GET', paths[at]) end\n"
        "done = function(summary, latency) io.write(string.format('%%d %%f %%f %%d\\n', summary.requests / summary.duration * 1e6,"
        " latency:percentile(50) / 1000, latency:percentile(99) / 1000, summary.errors.status + summary.errors.timeout)) end\n"
        % (folder / "paths.txt")
    )
    (folder / "paths.txt").write_text("\n".join(paths))
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(script), base]
    last = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1].split()
    if int(last[3]):
        sys.exit(f"{last[3]} requests failed: {base}{paths[0]}")
    return float(last[0]), float(last[1]), float(last[2])


def nginx(folder, bodies):
    """Serves each of `bodies` as a file. Returns the process and its address."""
    port = shop.free_port()
    (folder / "www").mkdir()
    for name, body in bodies.items():
        (folder / "www" / name).write_bytes(body)
    config = folder / "nginx.conf"
    config.write_text(
        f"worker_processes 2; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; user root;\n"
        "events { worker_connections 256; }\n"
        f"http {{ access_log off; keepalive_requests 1000000; default_type application/json; server {{ listen 127.0.0.1:{port}; root {folder}/www; }} }}\n"
    )
    process = subprocess.Popen(["nginx", "-c", str(config)], stderr=subprocess.DEVNULL)
    time.sleep(1)
    return process, f"http://127.0.0.1:{port}"


def memory(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024


def read(url):
    with urllib.request.urlopen(url, timeout=60) as response:
        return response.read()


def typed(queries):
    """All that is in the field while each of `queries` is typed, from its second letter on, once."""
    return list(dict.fromkeys(query[:end] for query in queries for end in range(2, len(query) + 1) if query[end - 1] != " "))


def filled(folder, size, paths):
    """The port of a shop whose data, in `folder` or a kept one, has the catalogue of `paths`; it does not run."""
    binary, port = os.environ["SOUK_BIN"], shop.free_port()
    data = folder / str(port)
    if os.environ.get("CATALOGUES"):
        kept = pathlib.Path(os.environ["CATALOGUES"], str(size)).absolute()
        data.symlink_to(kept)
        if (kept / "complete").exists():
            return port
        kept.mkdir(parents=True)
    process = shop.restart(folder, port, flags=["--empty"])
    try:
        began = time.monotonic()
        for path in paths:
            subprocess.run([binary, "import", str(path), "--data", str(data)], check=True, stdout=subprocess.DEVNULL)
        print(f"{size:,} products imported in {time.monotonic() - began:.1f} s", flush=True)
    finally:
        shop.stop(process)
    (data / "complete").touch()
    return port


def measure(size):
    os.environ.setdefault("SOUK_BIN", "target/release/souk")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        paths, queries, types = catalogue(folder, size)
        port = filled(folder, size, paths)
        # How long until the kept index answers.
        began = time.monotonic()
        process = shop.restart(name, port)
        product = f"http://127.0.0.1:{port + 2}"
        while not json.loads(read(f"{product}/products/suggest?q={urllib.parse.quote(queries[0])}"))["total"]:
            time.sleep(0.02)
        ready = time.monotonic() - began
        print(f"\n## {size:,} products; kept index ready {ready:.1f} s after the start of the process\n")
        quoted = [urllib.parse.quote(query) for query in queries[:1_000]]
        slugs = [item["slug"] for item in json.loads(read(f"{product}/products?size=100"))["items"]]
        categories = [item["slug"] for item in json.loads(read(f"{product}/categories"))["items"]]
        # The price makes each query another one, so that no kept answer serves it.
        new = [f"/products?q={query}&minPrice={price}" for price in range(60) for query in quoted]
        loads = {
            "list of 20": ["/products?size=20"],
            "lists of categories": [f"/products?category={slug}&size=20" for slug in categories],
            "search and facets": [f"/products?q={query}" for query in quoted],
            "search and facets, no query twice": new,
            "suggest": [f"/products/suggest?q={query[: 3 + at % 5]}" for at, query in enumerate(quoted)],
            "suggest, nothing typed twice": [f"/products/suggest?q={urllib.parse.quote(text)}" for text in typed(queries)],
            "detail": [f"/products/by-slug/{slug}" for slug in slugs],
        }
        bodies = {"list": read(product + loads["list of 20"][0]), "detail": read(product + loads["detail"][0])}
        files, static = nginx(folder, bodies)
        try:
            print("| load | requests/s | p50 ms | p99 ms | of nginx | through the gateway |\n|---|---|---|---|---|---|")
            nginxs = {"list of 20": wrk(static, ["/list"], folder)[0], "detail": wrk(static, ["/detail"], folder)[0]}
            for name, wanted in loads.items():
                is_first = "twice" in name
                if not is_first:
                    wrk(product, wanted, folder)
                rate, median, tail = wrk(product, wanted, folder)
                if rate * float(SECONDS) > len(wanted) and is_first:
                    print(f"  (some of the next were answered before: there are {len(wanted):,})")
                gateway = "" if is_first else f"{wrk(f'http://127.0.0.1:{port}', ['/api' + path for path in wanted], folder)[0]:,.0f}"
                ratio = f"{rate / nginxs[name]:.2f}" if name in nginxs else ""
                print(f"| {name} | {rate:,.0f} | {median:.2f} | {tail:.2f} | {ratio} | {gateway} |", flush=True)
            print(f"\nMemory of the whole shop after it: {memory(process)} MB")
        finally:
            files.terminate()
            shop.stop(process)


if __name__ == "__main__":
    for size in SIZES:
        measure(size)
