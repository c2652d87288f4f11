#!/usr/bin/env bash
# Every alert has a severity, a page in docs/runbooks that names it, and a test in which it fires.
set -euo pipefail
cd "$(dirname "$0")/.."
rules=deploy/prometheus/rules/alerts.yml
status=0
missing() {
    echo "$rules: $1: $2" >&2
    status=1
}
for alert in $(sed -n 's/^ *- alert: //p' "$rules"); do
    rule=$(awk -v name="$alert" '/- alert: /{on = ($3 == name)} on' "$rules")
    grep -q 'severity: \(page\|ticket\)' <<<"$rule" || missing "$alert" "no severity"
    page=$(sed -n 's/.*runbook_url: //p' <<<"$rule")
    [ -f "$page" ] || missing "$alert" "its page '$page' does not exist"
    grep -qs "\`$alert\`" "$page" || missing "$alert" "its page does not name it"
    fires=$(awk -v name="$alert" '/alertname: /{on = ($0 ~ "alertname: " name "( |,|$)")} on && /exp_labels/{print; exit}' \
        deploy/prometheus/tests/alerts.yml)
    [ -n "$fires" ] || missing "$alert" "no test in which it fires"
done
exit $status
