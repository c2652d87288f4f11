"""Dashboard "Marketing": who comes, from where, and how many of them buy."""

from grafana_foundation_sdk.builders.dashboard import Row

from panels import bars, frame, lines, shares, tile

STEPS = [("visit", "visit"), ("product", "saw a product"), ("cart", "filled a cart"), ("checkout", "began a checkout"), ("purchase", "paid")]


def step(name: str, period: str = "$__range") -> str:
    return f'sum(increase(funnel_steps_total{{step="{name}"}}[{period}]))'


def dashboard():
    return (
        frame("souk-marketing", "Visits, their sources, and the way from a visit to a purchase. Pages and steps are counted, "
              "not people; browsers that ask not to be tracked are not counted.", "now-24h")
        .with_row(Row("Today"))
        .with_panel(tile("Visits", "Visits since midnight.", "sum(increase(storefront_visits_total[$__range]))", "locale", today=True, decimals=0))
        .with_panel(tile("Purchases", "Visits since midnight that ended with a payment.", step("purchase"), "locale", today=True, decimals=0))
        .with_panel(tile("Conversion", "Purchases for each visit since midnight. Two to three percent are usual.",
                         f"{step('purchase')} / ({step('visit')} > 0)", "percentunit", today=True, decimals=2))
        .with_panel(tile("New accounts", "Registrations since midnight.", "sum(increase(registrations_total[$__range]))",
                         "locale", today=True, decimals=0))
        .with_panel(tile("Traffic now", "Visits of the last ten minutes against the hour before, per minute. Above 3 is a spike.",
                         "(sum(rate(storefront_visits_total[10m])) / (sum(rate(storefront_visits_total[1h] offset 10m)) > 0)) "
                         "or (0 * sum(rate(storefront_visits_total[10m])))", "short", decimals=1))
        .with_panel(tile("Value of a visit", "Captured money for each visit since midnight, in minor units (cents).",
                         f"sum(increase(order_revenue_minor_total[$__range])) / ({step('visit')} > 0)", "locale", today=True, decimals=0))
        .with_row(Row("Traffic"))
        .with_panel(lines("Visits by source", "A minute. The source is the campaign's, or the kind of the page that linked here.",
                          [("60 * sum by (source) (rate(storefront_visits_total[$__rate_interval]))", "{{source}}")], "opm", 16,
                          stacked=True))
        .with_panel(shares("Sources", "Shares of the period's visits.",
                           "sum by (source) (increase(storefront_visits_total[$__range]))", "{{source}}"))
        .with_panel(lines("Traffic against yesterday", "Visits a minute, now and at the same time of the day before.",
                          [("60 * sum(rate(storefront_visits_total[$__rate_interval]))", "now"),
                           ("60 * sum(rate(storefront_visits_total[$__rate_interval] offset 1d)) or "
                            "0 * sum(rate(storefront_visits_total[$__rate_interval]))", "a day before")], "opm", 16))
        .with_panel(bars("Visits of seven days", "By source.",
                         [("sum by (source) (increase(storefront_visits_total[7d]))", "{{source}}")], width=8))
        .with_row(Row("From a visit to a purchase"))
        .with_panel(bars("Funnel", "How many of the period's visits reached each step.",
                         [(step(name), legend) for name, legend in STEPS]))
        .with_panel(lines("Conversion from step to step", "Of those who reached a step, the share that reached the next one. The "
                          "lowest line is where to look first.",
                          [(f"{step(after, '1h')} / ({step(before, '1h')} > 0)", f"{before} → {after}")
                           for (before, _), (after, _) in zip(STEPS, STEPS[1:])], "percentunit", most=1))
        .with_panel(lines("Steps", "A minute, by step.",
                          [("60 * sum by (step) (rate(funnel_steps_total[$__rate_interval]))", "{{step}}")], "opm"))
        .with_panel(lines("Notices that bring people back", "Mails a minute about carts that wait and products that are back.",
                          [('60 * sum by (kind) (rate(mails_sent_total{outcome="sent",kind=~"cart_reminder|back_in_stock|'
                            'price_dropped"}[$__rate_interval]))', "{{kind}}")], "opm"))
    )
