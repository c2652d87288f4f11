"""A line of JSON in, a line of JSON out: `{"do": "act", ..}` is resulted with `{"ok": ..}` or `{"error": ".."}`."""

import json
import os
import sys


def serve(acts):
    """Runs calls until standard input ends, or the act `stop` is done."""
    # Output of the client goes to standard error: standard output has nothing but results.
    results = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        args = json.loads(line)
        try:
            result = {"ok": acts[args["do"]](args)}
        except (Exception, SystemExit) as error:  # config-client exits when it fails
            result = {"error": f"{type(error).__name__}: {error}"}
        results.write(json.dumps(result) + "\n")
        if args["do"] == "stop":
            break
    results.flush()
    # Not sys.exit: a thread of the client that still runs must not register it again.
    os._exit(0)
