"""Makes the fixture of a release that later ones are tested to upgrade: a shop of every kind of order, killed in the middle of
two purchases, and what it showed of itself. With `--engines` the dumps of a shop on engines instead, which rests while they are made.
SOUK_BIN is the souk of that release; the argument names the release. Standard library only; the engines' own programs for dumps.

SOUK_DEV_POSTGRES, SOUK_DEV_MYSQL, SOUK_DEV_REDIS, SOUK_DEV_RABBITMQ are URLs of the engines, as for up-engines.sh."""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.parse
import urllib.request

from shop import ADDRESS, call, restart, start, stop

FIXTURES = pathlib.Path(__file__).parent.parent / "souk/tests/fixtures"
# Those of the test, whose customers have this password too.
ADMIN = {"email": "owner@example.com", "password": "a long enough password"}
PASSWORD = "correct horse battery"
# The shop's clock is always ahead of the machine's, so that the test can set its own to the same moment on any day before
# this one: what waits for a deadline still waits there.
BEGIN = datetime.datetime(2036, 3, 1, 9, tzinfo=datetime.UTC)
# A grey dot.
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000" "3a7e9b55" "0000000a49444154789c63680000008200" "8177cd72b6"
    "0000000049454e44ae426082"
)
PRODUCTS = """\
Handle,Title,Body (HTML),Vendor,Type,Published,Variant SKU,Variant Inventory Qty,Variant Price
kettle,Enamel kettle,<p>Boils water.</p>,Ferrum,Cookware,true,K-1,40,44.90
lamp,Reading lamp,<p>Gives light.</p>,Lumen,Lighting,true,L-1,40,24.00
mug,Blue mug,<p>Holds tea.</p>,Ferrum,Cookware,true,M-1,40,9.95
clock,Wall clock,<p>The last one.</p>,Lumen,Clocks,true,C-1,1,59.00
"""
ATTEMPTS = 20


class Engines:
    """Databases, keys and a virtual host of one shop, on the engines of this machine."""

    POSTGRES = ["auth", "order", "payment", "notification", "sandbox"]

    def __init__(self, folder):
        self.folder = folder
        self.name = f"souk_fixture_{os.getpid()}"
        self.postgres = os.environ.get("SOUK_DEV_POSTGRES", "postgres://postgres@127.0.0.1:5432").rstrip("/")
        self.mysql = os.environ.get("SOUK_DEV_MYSQL", "mysql://root@127.0.0.1:3306").rstrip("/")
        self.redis = os.environ.get("SOUK_DEV_REDIS", "redis://127.0.0.1:6379").rstrip("/")
        broker = urllib.parse.urlsplit(os.environ.get("SOUK_DEV_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672/%2f"))
        self.rabbitmq = broker._replace(path=f"/{self.name}").geturl()
        self.user = broker.username or "guest"

    def mysql_program(self, program, *arguments, **options):
        url = urllib.parse.urlsplit(self.mysql)
        command = [program, "--protocol=tcp", f"--host={url.hostname}", f"--port={url.port or 3306}", f"--user={url.username}"]
        environment = os.environ | {"MYSQL_PWD": urllib.parse.unquote(url.password or "")}
        subprocess.run([*command, *arguments], check=True, env=environment, **options)

    def create(self):
        for database in self.POSTGRES:
            self.psql(f"CREATE DATABASE {self.name}_{database}")
        self.mysql_program("mysql", f"--execute=CREATE DATABASE {self.name}_product CHARACTER SET utf8mb4")
        subprocess.run(["rabbitmqctl", "-q", "add_vhost", self.name], check=True)
        subprocess.run(["rabbitmqctl", "-q", "set_permissions", "-p", self.name, self.user, ".*", ".*", ".*"], check=True)

    def psql(self, statement):
        subprocess.run(["psql", f"{self.postgres}/postgres", "-Xqc", statement], check=True)

    def environment(self):
        stores = {name: f"{self.postgres}/{self.name}_{name}" for name in self.POSTGRES if name != "sandbox"}
        stores |= {"product": f"{self.mysql}/{self.name}_product", "cart": f"{self.redis}/0?prefix={self.name}:"}
        return {f"SOUK_{name.upper()}__STORE_URL": url for name, url in stores.items()} | {
            "SOUK_PAYMENT__SANDBOX_LEDGER_URL": f"{self.postgres}/{self.name}_sandbox",
            "SOUK_BUS__URL": self.rabbitmq,
            # Otherwise below the folder that the process runs in.
            "SOUK_PRODUCT__PICTURES_DIR": f"{self.folder}/pictures",
        }

    def dump(self, target):
        for database in self.POSTGRES:
            command = ["pg_dump", "--no-owner", "--no-privileges", f"--file={target}/{database}.sql"]
            subprocess.run([*command, f"{self.postgres}/{self.name}_{database}"], check=True)
        with open(f"{target}/product.sql", "wb") as file:
            options = ["--single-transaction", "--skip-dump-date", f"{self.name}_product"]
            self.mysql_program("mysqldump", *options, stdout=file)
        for path in pathlib.Path(target).glob("*.sql"):
            lines = path.read_text().splitlines(keepends=True)
            # Commands to the client, which older clients do not know.
            path.write_text("".join(line for line in lines if not line.startswith(("\\restrict", "\\unrestrict", "/*M!"))))
        pictures = pathlib.Path(self.folder, "pictures")
        shutil.copytree(pictures, f"{target}/pictures")

    def remove(self):
        for database in self.POSTGRES:
            self.psql(f"DROP DATABASE IF EXISTS {self.name}_{database} WITH (FORCE)")
        self.mysql_program("mysql", f"--execute=DROP DATABASE IF EXISTS {self.name}_product")
        redis = ["redis-cli", "-u", self.redis]
        keys = subprocess.run([*redis, "--scan", "--pattern", f"{self.name}:*"], check=True, capture_output=True, text=True)
        # One key that does not exist, so that the list is never empty.
        subprocess.run([*redis, "del", f"{self.name}:", *keys.stdout.split()], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["rabbitmqctl", "-q", "delete_vhost", self.name], check=True)


class Maker:
    """The shop of the fixture, and its customers."""

    def __init__(self, folder, engines=None):
        self.folder = folder
        self.engines = engines
        self.keys = 0
        self.tokens = {}
        self.process, self.port = self.start()
        self.data = pathlib.Path(folder, str(self.port))

    def start(self):
        options = {"flags": ("--empty", "--test-clock"), "environment": self.environment()}
        return start(self.folder, **options)

    def environment(self):
        admin = {"SOUK_AUTH__ADMIN_EMAIL": ADMIN["email"], "SOUK_AUTH__ADMIN_PASSWORD": ADMIN["password"]}
        return admin | (self.engines.environment() if self.engines else {})

    def command(self, *arguments, **options):
        command = [os.environ["SOUK_BIN"], *arguments, "--data", self.data]
        return subprocess.run(command, check=True, env=os.environ | self.environment(), **options)

    def drained(self):
        """True once no event waits in an outbox or a queue."""
        report = json.loads(self.command("audit", "--json", capture_output=True).stdout)
        return report["clean"] and not report["pending"] and not report.get("queued") and not report.get("broker")

    def restart(self):
        self.process = restart(self.folder, self.port, flags=("--empty", "--test-clock"), environment=self.environment())
        self.sign_in()

    def call(self, path, body=None, who=None, keyed=False, wait=True):
        key = None
        if keyed:
            self.keys += 1
            key = f"fixture-{self.keys}"
        url = f"http://127.0.0.1:{self.port}/api{path}"
        if wait:
            return call(url, body, self.tokens.get(who), key)
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.tokens[who]}", "idempotency-key": key}
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)) as response:
            return json.loads(response.read())

    def register(self, name):
        body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        self.tokens[name] = self.call("/auth/register", body)["accessToken"]

    def sign_in(self):
        for who in {"admin", *self.tokens}:
            body = ADMIN if who == "admin" else {"email": f"{who}@example.com", "password": PASSWORD}
            self.tokens[who] = self.call("/auth/login", body)["accessToken"]

    def advance(self, seconds):
        self.call("/test-clock", {"advanceSeconds": seconds}, "admin")
        self.sign_in()

    def order(self, who, lines, name, terms="prepaid", wait=True):
        items = [{"productId": product, "quantity": quantity} for product, quantity in lines]
        body = {"shippingAddress": ADDRESS | {"name": name}, "items": items, "paymentTerms": terms}
        return self.call("/orders", body, who, keyed=True, wait=wait)

    def pay(self, who, order, card="tok_visa"):
        body = {"orderId": order["orderId"], "method": {"type": "card", "token": card}}
        payment = self.call("/payments", body, who, keyed=True)
        if payment["status"] == "succeeded":
            self.until(lambda: "paidAt" in self.fetch(order))
        return payment

    def paid(self, who, lines, name):
        order = self.order(who, lines, name)
        return order, self.pay(who, order)

    def step(self, order, act):
        body = {"carrier": "DHL", "trackingNumber": f"JD{self.keys}"} if act == "ship" else {}
        self.call(f"/orders/{order['orderId']}/{act}", body, "admin")

    def refund(self, payment, minor=None):
        body = {} if minor is None else {"amount": {"amount": minor, "currency": "EUR"}}
        path = f"/payments/{payment['paymentId']}"
        self.call(f"{path}/refund", body, "admin", keyed=True)
        self.until(lambda: self.call(path, who="admin")["refundedAmount"]["amount"] > 0)

    def fetch(self, order):
        shown = self.call(f"/orders/{order['orderId']}", who="admin")
        return {key: value for key, value in shown.items() if value is not None}

    def until(self, is_true):
        deadline = time.monotonic() + 60
        while not is_true():
            if time.monotonic() > deadline:
                raise AssertionError("it takes too long")
            time.sleep(0.1)

    def upload_picture(self, product):
        url = f"http://127.0.0.1:{self.port}/api/products/{product}"
        with urllib.request.urlopen(url) as response:
            tag = response.headers["etag"]
        headers = {"content-type": "image/png", "if-match": tag, "authorization": f"Bearer {self.tokens['admin']}"}
        urllib.request.urlopen(urllib.request.Request(f"{url}/picture", PICTURE, headers)).read()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def status_on_disk(self, order):
        """The order's status in the store of a killed shop. Read from a copy: to close the store would empty its log."""
        with tempfile.TemporaryDirectory() as copy:
            for file in self.data.glob("order.db*"):
                shutil.copy(file, copy)
            with sqlite3.connect(f"{copy}/order.db") as store:
                return store.execute("SELECT status FROM shop_order WHERE order_id = ?", [order["orderId"]]).fetchone()[0]


def sell(shop):
    """Orders in every state. Those that lapse come first, because their clock is moved."""
    products = {product["name"]: product["productId"] for product in shop.call("/products?size=100")["items"]}
    kettle, lamp, mug, clock = (products[name] for name in ("Enamel kettle", "Reading lamp", "Blue mug", "Wall clock"))
    shop.upload_picture(kettle)
    for name in ("ada", "grace", "zoe"):
        shop.register(name)
    forgotten = shop.order("zoe", [(mug, 3)], "Zoë O'Neill-Müller")
    shop.advance(1800 + 31)
    shop.until(lambda: shop.fetch(forgotten)["status"] == "cancelled")

    for product in (clock, lamp):
        shop.call("/wishlist", {"productId": product}, "ada")
    shop.call("/cart", {"productId": kettle, "quantity": 1}, "ada")
    shop.call("/orders", {"shippingAddress": ADDRESS, "paymentTerms": "onDelivery"}, "ada", keyed=True)

    delivered, _ = shop.paid("ada", [(kettle, 1), (mug, 2)], "Ada Byron")
    shop.step(delivered, "ship")
    shop.step(delivered, "deliver")
    shipped, _ = shop.paid("grace", [(lamp, 2)], "Grace Hopper")
    shop.step(shipped, "ship")
    on_delivery = shop.order("grace", [(lamp, 1)], "Grace Hopper", "onDelivery")
    shop.step(on_delivery, "ship")
    collected = shop.order("grace", [(mug, 1)], "Grace Murray Hopper", "onDelivery")
    shop.step(collected, "ship")
    shop.pay("grace", collected)
    shop.step(collected, "deliver")
    shop.paid("ada", [(clock, 1)], "Ada Lovelace")
    shop.order("zoe", [(clock, 1)], "Zoë O'Neill-Müller")
    declined = shop.order("zoe", [(lamp, 1)], "Zoë O'Neill-Müller")
    shop.pay("zoe", declined, "tok_declined")
    shop.pay("zoe", declined)
    cancelled = shop.order("grace", [(kettle, 2)], "Grace Hopper")
    shop.call(f"/orders/{cancelled['orderId']}/cancel", {}, "grace")
    by_admin, _ = shop.paid("grace", [(kettle, 1)], "Grace Hopper")
    shop.step(by_admin, "cancel")
    returned, payment = shop.paid("ada", [(mug, 4)], "Ada Byron")
    shop.refund(payment)
    for order in (by_admin, returned):
        shop.until(lambda order=order: "refundedAt" in shop.fetch(order))
    _, payment = shop.paid("ada", [(lamp, 2)], "Ada Byron")
    shop.refund(payment, 1200)
    refused = shop.order("zoe", [(mug, 1)], "Zoë O'Neill-Müller")
    shop.pay("zoe", refused, "tok_insufficient_funds")
    waiting = shop.order("ada", [(kettle, 1)], "Ada Byron")
    shop.call("/cart", {"productId": mug, "quantity": 2}, "ada")
    return mug, waiting


def without(rows, *names):
    """The rows without the fields that change as long as the shop sells."""
    return [{key: value for key, value in row.items() if key not in names} for row in rows]


def seen(shop, waiting):
    """What the shop shows: an upgrade must show the same."""
    orders = shop.call("/orders?size=100", who="admin")["items"]
    payments = [shop.call(f"/payments?orderId={order['orderId']}", who="admin")["items"] for order in orders]
    customers = [
        {
            "email": f"{name}@example.com",
            "wishlist": without(shop.call("/wishlist", who=name)["items"], "stock", "available"),
            "notices": shop.call("/notifications?size=100", who=name)["items"],
        }
        for name in sorted(shop.tokens) if name != "admin"
    ]
    return {
        "waiting": waiting["orderId"],
        "orders": [
            shop.fetch(order) | {"timeline": shop.call(f"/orders/{order['orderId']}/timeline", who="admin")["items"]}
            for order in orders
        ],
        "payments": [payment for list_of_order in payments for payment in list_of_order],
        "customers": customers,
        "products": without(shop.call("/products?size=100")["items"], "stock", "updatedAt"),
    }


def interrupt(shop, mug):
    """Kills the shop between an order and the answer about its stock, while a payment is processing whose response was lost.
    Returns both orders."""
    for _ in range(ATTEMPTS):
        settling = shop.order("grace", [(mug, 1)], "Grace Hopper")
        payment = shop.pay("grace", settling, "tok_timeout")
        # Without waiting for the answer, which takes some milliseconds.
        undecided = shop.order("zoe", [(mug, 1)], "Zoë O'Neill-Müller", wait=False)
        shop.kill()
        if payment["status"] == "processing" and shop.status_on_disk(undecided) == "created":
            return settling, undecided
        shop.restart()
        shop.until(lambda: "paidAt" in shop.fetch(settling))
    sys.exit("the shop was never killed in the middle of an order")


def fold_logs(data):
    """Moves the write-ahead logs of a stopped shop into its stores. What follows is in new logs, which are short."""
    for path in data.glob("*.db"):
        store = sqlite3.connect(path)
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.close()


def pack(data, target):
    """Packs the folder without what a start makes again, and without owners and times of the files."""
    with tarfile.open(target, "w:gz", compresslevel=9) as archive:
        for path in sorted(data.iterdir()):
            if path.name in ("index", "souk.lock", "run.json", "test-clock", "products.csv"):
                continue

            def anonymous(entry):
                entry.uid = entry.gid = entry.mtime = 0
                entry.uname = entry.gname = ""
                return entry

            archive.add(path, path.name, filter=anonymous)


def begin(shop):
    """Signs the admin in, sets the clock, and fills the shop."""
    shop.sign_in()
    shop.advance(int(BEGIN.timestamp() - time.time()))
    catalogue = shop.data / "products.csv"
    catalogue.write_text(PRODUCTS)
    shop.command("import", catalogue)


def now_of(shop):
    ahead = int((shop.data / "test-clock").read_text())
    now = datetime.datetime.fromtimestamp(time.time() + ahead, datetime.UTC)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write(target, name, expected):
    text = json.dumps(expected, indent=1, ensure_ascii=False, sort_keys=True)
    (target / f"{name}shown.json").write_text(text + "\n")
    size = (target / f"{name}shop.tar.gz").stat().st_size // 1024
    print(f"{target}: {len(expected['orders'])} orders, {size} kB")


def make_on_files(target, folder):
    shop = Maker(folder)
    try:
        begin(shop)
        mug, waiting = sell(shop)
        stop(shop.process)
        fold_logs(shop.data)
        shop.restart()
        expected = seen(shop, waiting)
        settling, undecided = interrupt(shop, mug)
    finally:
        if shop.process.poll() is None:
            stop(shop.process)
    expected |= {"takenAt": now_of(shop), "settling": settling["orderId"], "undecided": undecided["orderId"]}
    pack(shop.data, target / "shop.tar.gz")
    write(target, "", expected)


def make_on_engines(target, folder):
    engines = Engines(folder)
    try:
        engines.create()
        shop = Maker(folder, engines)
        try:
            begin(shop)
            _, waiting = sell(shop)
            shop.until(shop.drained)
            expected = seen(shop, waiting) | {"takenAt": now_of(shop)}
        finally:
            stop(shop.process)
        dumps = pathlib.Path(folder, "dumps")
        dumps.mkdir()
        engines.dump(dumps)
        pack(dumps, target / "engines-shop.tar.gz")
    finally:
        engines.remove()
    write(target, "engines-", expected)


def main():
    arguments = argparse.ArgumentParser(description="Makes the fixture of a release.")
    arguments.add_argument("release")
    arguments.add_argument("--engines", action="store_true", help="dumps of a shop on engines instead of a folder")
    chosen = arguments.parse_args()
    target = FIXTURES / chosen.release
    made = target / ("engines-shop.tar.gz" if chosen.engines else "shop.tar.gz")
    if made.exists():
        sys.exit(f"{made} exists: the fixture of a release never changes")
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        (make_on_engines if chosen.engines else make_on_files)(target, folder)


main()
