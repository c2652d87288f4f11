"""Dashboard "Customer Experience": how fast the shop answers, and where customers give up."""

from grafana_foundation_sdk.builders.dashboard import Row

from panels import GREEN, RED, YELLOW, bars, choice, frame, levels, lines, quantiles, rows_of, tile

# What customers wait for: the gateway's own measure of every request.
SERVED = 'http_server_request_duration_seconds_count{service="gateway",http_route=~"$route"}'
FAILED = 'http_server_request_duration_seconds_count{service="gateway",http_route=~"$route",http_response_status_code=~"5.."}'
BUCKETS = 'http_server_request_duration_seconds_bucket{service="gateway",http_route=~"$route"}'
ABANDONED = "sum(increase(cart_abandoned_total[$__range]))"
FUNNEL = 'sum(increase(funnel_steps_total{{step="{}"}}[$__range]))'


def dashboard():
    errors = f"(sum(rate({FAILED}[$__rate_interval])) or vector(0)) / sum(rate({SERVED}[$__rate_interval]))"
    slow = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)]
    return (
        frame("souk-customers", "Speed and errors as customers see them; carts and checkouts.")
        .with_variable(choice("route", "Route", 'label_values(http_server_request_duration_seconds_count{service="gateway"}, http_route)'))
        .with_row(Row("At a glance"))
        .with_panel(tile("Requests", "Requests a second at the gateway.", f"sum(rate({SERVED}[$__rate_interval]))", "reqps", decimals=1))
        .with_panel(tile("Errors", "Share of requests that the shop could not answer (5xx). The goal is less than 0.1 %.",
                         errors, "percentunit", levels((None, GREEN), (0.001, YELLOW), (0.01, RED)), decimals=2))
        .with_panel(tile("p95", "19 of 20 requests are answered within this time.",
                         f"histogram_quantile(0.95, sum by (le) (rate({BUCKETS}[$__rate_interval])))", "s",
                         levels((None, GREEN), (0.25, YELLOW), (1, RED))))
        .with_panel(tile("Checkout success", "Orders paid for each checkout that was begun, in the period.",
                         f"sum(increase(orders_paid_total[$__range])) / ({FUNNEL.format('checkout')} > 0)", "percentunit",
                         levels((None, RED), (0.5, YELLOW), (0.7, GREEN)), decimals=1))
        .with_panel(tile("Cart abandonment", "Carts whose owner was reminded of them because their time was nearly over, of the "
                         "carts that were started in the period.",
                         f"{ABANDONED} / (sum(increase(carts_started_total[$__range])) > 0)", "percentunit", decimals=1))
        .with_panel(tile("Open carts", "Carts with an item now.", "max(carts_active)", "locale", decimals=0))
        .with_row(Row("Speed"))
        .with_panel(lines("Latency", "Time to answer at the gateway.", quantiles(BUCKETS), "s"))
        .with_panel(lines("Requests by status", "A second, by class of status.",
                          [(f'sum by (class) (label_replace(rate({SERVED}[$__rate_interval]), "class", "${{1}}xx", '
                            '"http_response_status_code", "(.).."))', "{{class}}")], "reqps", stacked=True))
        .with_panel(rows_of("Routes", "Each route in the last minutes, the slowest to be looked at first.",
                            [("Requests", f"sum by (http_route) (rate({SERVED}[$__rate_interval]))", "reqps")]
                            + [(name, f"histogram_quantile({q}, sum by (http_route, le) (rate({BUCKETS}[$__rate_interval])))", "s")
                               for name, q in slow]
                            + [("Errors", f"sum by (http_route) (rate({FAILED}[$__rate_interval])) or 0 * sum by (http_route) "
                                f"(rate({SERVED}[$__rate_interval]))", "reqps")], "http_route", "Route", "p99"))
        .with_panel(lines("Requests under way", "Requests that the gateway is answering at the moment.",
                          [("sum(http_server_active_requests)", "under way")], "short", 8))
        .with_panel(lines("Refused for their number", "Requests a second that a limit refused (429), by limit. Many from one "
                          "network are a script; many customers are a limit that is too low.",
                          [("sum by (bucket) (rate(rate_limited_requests_total[$__rate_interval]))", "{{bucket}}")], "reqps", 8))
        .with_panel(lines("Sign-ins", "A minute, by outcome.",
                          [("60 * sum by (outcome) (rate(sign_ins_total[$__rate_interval]))", "{{outcome}}")], "opm", 8))
        .with_row(Row("Carts"))
        .with_panel(lines("Carts", "A minute: carts started, items put in, items whose time was over, carts left behind.",
                          [(f"60 * sum(rate({counter}[$__rate_interval]))", name) for counter, name in
                           (("carts_started_total", "carts started"), ("cart_items_added_total", "items added"),
                            ("cart_expirations_total", "items expired"), ("cart_abandoned_total", "carts abandoned"))], "opm"))
        .with_panel(lines("Lifetimes of items", "Time that items were given to stay in their cart: a day, and longer once "
                          "they are ordered.", quantiles("cart_item_ttl_seconds_bucket"), "s"))
        .with_panel(lines("Open carts", "Carts with an item.", [("max(carts_active)", "open")], "short"))
        .with_panel(bars("Mails", "Mails of the period by outcome. 'failed' and 'refused' did not arrive.",
                         [("sum by (outcome) (increase(mails_sent_total[$__range]))", "{{outcome}}")]))
    )
