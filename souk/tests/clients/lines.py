"""A line of JSON in, a line of JSON out: `{"do": "act", ..}` is answered with `{"ok": ..}` or `{"error": ".."}`."""

import json
import os
import sys


def serve(acts):
    """Answers until standard input ends, or the act `stop` is done."""
    # Whatever a client prints goes to standard error; answers are alone on standard output.
    answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            answer = {"ok": acts[ask["do"]](ask)}
        except (Exception, SystemExit) as error:  # config-client ends the process where it fails
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        if ask["do"] == "stop":
            break
    answers.flush()
    # At once: a client's thread that is still running must not register it again.
    os._exit(0)
