#!/usr/bin/env python3
"""Writes the four dashboards to dashboards/*.json, or checks that they are current.

    generate.py [--check]

Needs the packages of requirements.txt; `make dashboards` installs them below target/.
"""

import json
import pathlib
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder

import customer_experience
import marketing
import orders_revenue
import system_health

FOLDER = pathlib.Path(__file__).parent / "dashboards"
ALL = {
    "system-health": system_health,
    "orders-revenue": orders_revenue,
    "customer-experience": customer_experience,
    "marketing": marketing,
}


def rendered(module) -> str:
    """The dashboard as Grafana stores it, with panels numbered from 1."""
    model = json.loads(json.dumps(module.dashboard().build(), cls=JSONEncoder))
    for number, panel in enumerate(model["panels"], start=1):
        panel["id"] = number
    for variable in model["templating"]["list"]:
        # The SDK writes these options of interval variables into variables of every type.
        for option in ("auto", "auto_count", "auto_min"):
            variable.pop(option)
    return json.dumps(model, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> int:
    stale = []
    for name, module in ALL.items():
        file, text = FOLDER / f"{name}.json", rendered(module)
        if "--check" in sys.argv:
            stale += [name] if not file.exists() or file.read_text() != text else []
        else:
            file.write_text(text)
    if stale:
        print(f"not current: {', '.join(stale)}; run `make dashboards`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
