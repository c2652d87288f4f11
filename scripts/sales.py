"""Visits, orders and payments of people, for scripts that look at what is measured of a shop."""

import time
import urllib.error

from shop import ADDRESS, ADMIN, call

SOURCES = ["direct", "search", "social", "email", "ad", "referral"]
STEPS = ["product", "cart", "checkout", "purchase"]
ENOUGH = 20
CARDS = {"tok_visa": "succeeded", "tok_declined": "failed", "tok_insufficient_funds": "failed", "tok_provider_down": "failed"}


class Sales:
    """Visits, orders and payments in one shop, with the number of each."""

    def __init__(self, url):
        self.url = f"{url}/api"
        self.keys = 0
        # On engines there may be an earlier run's customers and keys.
        self.run = time.time_ns()
        self.done = {"placed": 0, "paid": 0, "failed": 0, "refunded": 0, "visits": 0, "minor": 0}
        self.admin = call(f"{self.url}/auth/login", ADMIN)["accessToken"]
        found = call(f"{self.url}/products?inStock=true&size=100")["items"]
        # Those that are not sold out soon.
        self.products = [product["productId"] for product in found if product["stock"] >= ENOUGH]

    def send(self, path, body, token=None):
        self.keys += 1
        return call(self.url + path, body, token, f"k{self.run}-{self.keys}")

    def visit(self, source, steps):
        for step in ["visit", *steps]:
            call(f"{self.url}/visits", {"page": "/", "step": step, "source": source})
        self.done["visits"] += 1

    def customer(self, name):
        body = {"username": name, "email": f"{name}@example.org", "password": ADMIN["password"]}
        return call(f"{self.url}/auth/register", body)["accessToken"]

    def order(self, customer, product):
        self.send("/cart", {"productId": product, "quantity": 1}, customer)
        order = self.send("/orders", {"shippingAddress": ADDRESS}, customer)
        self.done["placed"] += 1
        return order

    def pay(self, customer, order, card):
        body = {"orderId": order["orderId"], "method": {"type": "card", "token": card}}
        payment = self.send("/payments", body, customer)
        if payment["status"] != CARDS[card]:
            raise AssertionError(f"a payment with {card} is {payment['status']}")
        if payment["status"] == "succeeded":
            self.done["paid"] += 1
            self.done["minor"] += order["totalAmount"]["amount"]
        else:
            self.done["failed"] += 1
        return payment

    def refund(self, payment):
        self.send(f"/payments/{payment['paymentId']}/refund", {}, self.admin)
        self.done["refunded"] += 1

    def cancel(self, customer, order):
        self.send(f"/orders/{order['orderId']}/cancel", {}, customer)

    def sign_in_wrongly(self):
        self.keys += 1
        try:
            call(f"{self.url}/auth/login", {"email": f"nobody{self.run}-{self.keys}@example.org", "password": "a wrong password"})
        except urllib.error.HTTPError as error:
            # After many of them from one address, none is checked for a while.
            if error.code not in (401, 429):
                raise

    def sleep_an_hour(self):
        # Every token ends with it.
        admin = call(f"{self.url}/auth/login", ADMIN)["accessToken"]
        call(f"{self.url}/test-clock", {"advanceSeconds": 3600}, admin)
        time.sleep(0.3)

    def drive(self, round_number):
        """One round: visits, carts, orders that are paid, declined, refunded and cancelled, and a failed sign-in."""
        customer = self.customer(f"s{self.run}-{round_number}")
        for number, source in enumerate(SOURCES):
            self.visit(source, STEPS[: number % 5])
        self.visit("direct", STEPS)
        for card in ("tok_visa", "tok_declined", "tok_insufficient_funds"):
            self.pay(customer, self.order(customer, self.products[self.keys % len(self.products)]), card)
        self.refund(self.pay(customer, self.order(customer, self.products[0]), "tok_visa"))
        self.cancel(customer, self.order(customer, self.products[1]))
        # Stays in the cart until its time is over.
        self.send("/cart", {"productId": self.products[2], "quantity": 1}, customer)
        self.sign_in_wrongly()
