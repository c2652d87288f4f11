"""Runs a Prometheus on a shop, with the rules of deploy/, and queries it. Needs Debian's package prometheus."""

import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from shop import free_port

ROOT = pathlib.Path(__file__).parents[1]
RULES = ROOT / "deploy/prometheus/rules"
# As in deploy/prometheus/prometheus.yml.
OF_JOB = {"rabbitmq": {"metrics_path": "/metrics/detailed", "params": {"family": ["queue_coarse_metrics"]}}}


class Prometheus:
    """A Prometheus that scrapes `targets`, for each job its addresses by the name of the instance, each `interval`, with the
    rules of the folder `rules`. The addresses are read from a file and can be changed while it runs, as those of a registry
    change."""

    def __init__(self, folder, targets, interval="1s", rules=RULES, alertmanager=None):
        self.port = free_port()
        self.folder = pathlib.Path(folder)
        for job, of_job in targets.items():
            self.set_targets(job, of_job)
        configuration = {
            "global": {"scrape_interval": interval, "evaluation_interval": interval},
            "rule_files": [f"{rules}/*.yml"],
            "scrape_configs": [
                {
                    "job_name": job,
                    "file_sd_configs": [{"files": [str(self.folder / f"{job}.json")], "refresh_interval": "1s"}],
                    **OF_JOB.get(job, {}),
                }
                for job in targets
            ],
        }
        if alertmanager:
            configuration["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
        file = self.folder / "prometheus.yml"
        # JSON is YAML.
        file.write_text(json.dumps(configuration))
        log = open(self.folder / "prometheus.log", "wb")
        command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder}/tsdb",
                   f"--web.listen-address=127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def set_targets(self, job, instances):
        # Replaced as a whole: Prometheus may read it at any moment.
        written = self.folder / f"{job}.json.new"
        written.write_text(json.dumps([{"targets": [address], "labels": {"instance": name}} for name, address in instances.items()]))
        os.replace(written, self.folder / f"{job}.json")

    def api(self, path, **parameters):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?" + urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(url, timeout=30) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            sys.exit(f"Prometheus refuses {parameters}: {json.load(error)['error']}")

    def query(self, query, at=None):
        """The samples of `query` now, or at a time in seconds since 1970: labels and value."""
        result = self.api("query", query=query, **({"time": at} if at else {}))["result"]
        return [(sample["metric"], float(sample["value"][1])) for sample in result]

    def query_range(self, query, start, end, step):
        """The series of `query`: labels, and pairs of time and value."""
        result = self.api("query_range", query=query, start=start, end=end, step=step)["result"]
        return [(series["metric"], [(at, float(value)) for at, value in series["values"]]) for series in result]

    def number(self, query):
        samples = self.query(query)
        return samples[0][1] if samples else None

    def wait_for(self, query, wanted):
        """Waits until a scrape has brought `query` to `wanted`."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            try:
                found = self.number(query)
            except OSError:
                found = None
            if found == wanted:
                return
            time.sleep(0.5)
        sys.exit(f"{query} is {found}, not {wanted}")
