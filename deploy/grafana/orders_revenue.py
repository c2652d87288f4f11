"""Dashboard "Orders & Revenue": what was ordered, paid, refunded, and what failed."""

from grafana_foundation_sdk.builders.dashboard import CustomVariable, Row

from panels import GREEN, RED, YELLOW, bars, frame, levels, lines, none_is_good, quantiles, tile

SUCCESS = levels((None, RED), (0.85, YELLOW), (0.95, GREEN))


def since(counter: str, period: str = "$__range") -> str:
    return f"sum(increase({counter}[{period}]))"


def dashboard():
    minor = (
        CustomVariable("minor").label("Minor units in a unit").values("100,1,1000")
    )
    failed = since("payment_failure_total")
    return (
        frame("souk-orders", "Orders from their placing to their payment, and the money.", "now-24h")
        .with_variable(minor)
        .with_row(Row("Today"))
        .with_panel(tile("Orders placed", "Orders placed since midnight.", since("orders_created_total"), "locale", today=True, decimals=0))
        .with_panel(tile("Orders paid", "Orders since midnight whose money was captured.", since("orders_paid_total"),
                         "locale", today=True, decimals=0))
        .with_panel(tile("Revenue", "Money captured since midnight, in units of the shop's currency; refunds are not deducted.",
                         f"{since('order_revenue_minor_total')} / $minor", "locale", today=True, decimals=2))
        .with_panel(tile("Order success", "Paid of placed since midnight. Orders on delivery count once they are paid, and "
                         "those that still wait for their payment not yet.",
                         f"{since('orders_paid_total')} / ({since('orders_created_total')} > 0)", "percentunit", SUCCESS,
                         today=True, decimals=1))
        .with_panel(tile("Failed payments", "Payments since midnight that were declined or could not be made.", failed, "locale",
                         thresholds=levels((None, GREEN), (1, YELLOW)), today=True, decimals=0))
        .with_panel(tile("Stuck", "Orders and payments that have waited for over five minutes for somebody else.",
                         "max(orders_stuck) + max(payments_stuck)", thresholds=none_is_good()))
        .with_row(Row("Orders"))
        .with_panel(lines("Placed, confirmed, paid", "Orders a minute. 'Confirmed' follows 'placed' within a second; a gap "
                          "between them is stock that is not decided about.",
                          [(f"60 * sum(rate({counter}[$__rate_interval]))", name) for counter, name in
                           (("orders_created_total", "placed"), ("orders_confirmed_total", "confirmed"),
                            ("orders_paid_total", "paid"))], "opm"))
        .with_panel(lines("Cancelled, by reason", "Orders a minute. 'unpaid' lapsed without payment, 'undecided' had no answer "
                          "about their stock in time.",
                          [("60 * sum by (reason) (rate(orders_cancelled_total[$__rate_interval]))", "{{reason}}")], "opm",
                          stacked=True))
        .with_panel(lines("Time to confirm and to pay", "From the placing of an order to its stage. To pay includes the "
                          "customer's own time.", quantiles("order_saga_seconds_bucket", "stage"), "s"))
        .with_panel(lines("Reservations of stock", "Lines of orders a minute, by outcome.",
                          [("60 * sum by (outcome) (rate(stock_reservations_total[$__rate_interval]))", "{{outcome}}")],
                          "opm"))
        .with_row(Row("Money"))
        .with_panel(lines("Revenue of seven days", "Money captured each day, in units of the shop's currency.",
                          [("sum by (currency) (increase(order_revenue_minor_total[1d] offset -1d)) / $minor", "{{currency}}")],
                          "short", 12, bars=True, days=7))
        .with_panel(lines("Payments", "A minute: succeeded, failed, refunded.",
                          [("60 * sum(rate(payment_success_total[$__rate_interval]))", "succeeded"),
                           ("60 * sum(rate(payment_failure_total[$__rate_interval]))", "failed"),
                           ("60 * sum(rate(payment_refunds_total[$__rate_interval]))", "refunded"),
                           ("60 * sum(rate(payment_refund_failures_total[$__rate_interval]))", "refund failed")], "opm"))
        .with_panel(bars("Why payments failed", "Failed payments of the period, by reason. 'provider_unavailable' is the "
                         "provider's trouble, the others are the cards'.",
                         [("sum by (reason) (increase(payment_failure_total[$__range]))", "{{reason}}")], width=8))
        .with_panel(lines("Failures by provider", "Calls a second to each payment provider that failed or were not let through. "
                          "A spike at one provider alone is its outage.",
                          [('sum by (name) (rate(resilience4j_circuitbreaker_calls_seconds_count{service="payment",kind="failed",'
                            'name!~"auth|order"}[$__rate_interval]))', "{{name}} failed"),
                           ('sum by (name) (rate(resilience4j_circuitbreaker_not_permitted_calls_total{service="payment",'
                            'name!~"auth|order"}[$__rate_interval]))', "{{name}} not let through")], "cps", 8))
        .with_panel(lines("Payments under way", "Payments that wait for their provider, and those that have for too long.",
                          [("max(payments_processing)", "processing"), ("max(payments_stuck)", "stuck")], "short", 8))
        .with_row(Row("Stock"))
        .with_panel(bars("Stock of the best sellers", "Units that can be bought, of at most 20 products that sell most.",
                         [("sort(max by (productId) (stock_available))", "{{productId}}")], width=24, height=15))
    )
