"""The queries of the Grafana dashboards in deploy/, with times, steps and variables as Grafana and its Prometheus data source
compute them."""

import json
import pathlib
import re
import sys
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).parents[1]
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# Width in pixels of the 24 columns, and so of the curves: Grafana requests at most one point for each pixel.
WIDTH = 1600
# Steps that Grafana rounds to, in seconds.
STEPS = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400]
# The variables of the dashboards as they are at first.
VARIABLES = {"service": ".*", "route": ".*", "minor": "100"}


@dataclass
class Query:
    """A query of a panel. `step` is 0 for one that is evaluated at `end` alone."""

    panel: dict
    target: dict
    text: str
    start: float
    end: float
    step: float

    def run(self, prometheus):
        """The series: labels, and pairs of time and value."""
        if self.step:
            return prometheus.query_range(self.text, self.start, self.end, self.step)
        return [(labels, [(self.end, value)]) for labels, value in prometheus.query(self.text, self.end)]


def load():
    """The dashboards by the name of their file."""
    files = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))
    return {file.stem: json.loads(file.read_text()) for file in files}


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)([smhd])", text).groups()
    return int(number) * SECONDS[unit]


def moment(text, now):
    """The time that an expression such as now-3h, 7d or now/d means. Days are those of UTC."""
    back, whole = re.fullmatch(r"(?:now|(?=\d))-?(\d+[smhd])?(?:/([hd]))?", text).groups()
    at = now - (seconds(back) if back else 0)
    return at - at % SECONDS[whole] if whole else at


def source_interval():
    """The scrape interval that the data source states."""
    file = ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml"
    return seconds(re.search(r"timeInterval: (\w+)", file.read_text())[1])


def rounded(step):
    return min(STEPS, key=lambda known: abs(known - step))


def queries(dashboard, period=None, rate_interval=None, now=None):
    """Yields each `Query` of `dashboard`. `period`, such as now-10m, is what its time picker says instead of its default;
    `rate_interval`, in seconds, replaces the one that follows from the step."""
    now = now or time.time()
    source = source_interval()
    for panel in dashboard["panels"]:
        start = moment(panel.get("timeFrom") or period or dashboard["time"]["from"], now)
        points = WIDTH * panel["gridPos"]["w"] / 24
        step = max(rounded((now - start) / points), seconds(panel["interval"]) if "interval" in panel else source)
        values = VARIABLES | {
            "__rate_interval": f"{int(rate_interval or max(step + source, 4 * source))}s",
            "__interval": f"{int(step)}s",
            "__range": f"{max(1, round(now - start))}s",
        }
        for target in panel.get("targets", []):
            text = re.sub(r"\$(\w+)", lambda match: values.get(match[1], match[0]), target["expr"])
            # The capture of a label_replace is Prometheus' own.
            if "$" in re.sub(r"\$\{?1\}?", "", text):
                sys.exit(f"a variable of the query is not known here: {text}")
            if target.get("range"):
                # Grafana evaluates at multiples of the step, so that curves do not flicker.
                yield Query(panel, target, text, start - start % step, now - now % step, step)
            else:
                yield Query(panel, target, text, start, now, 0)
