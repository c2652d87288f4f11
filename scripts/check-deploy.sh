#!/usr/bin/env bash
# Checks everything in deploy/ that is started from it: image, Compose files, chart, systemd units. `make deploy-check` installs
# the tools first; one that is missing fails the check. check_deploy.py has what needs more than a tool: whether ports, probes
# and keys are those of the product.
#
#   SOUK_BIN   souk whose configuration and probes are compared, target/debug/souk by default
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$PWD/target/deploy/bin
souk=$(realpath "${SOUK_BIN:-target/debug/souk}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PATH="$tools:$PATH"

fail() {
    echo "check-deploy: $*" >&2
    exit 1
}

[ -x "$souk" ] || fail "there is no program at $souk; SOUK_BIN names another"
for tool in hadolint shellcheck yamllint docker-compose helm systemd-analyze promtool; do
    command -v "$tool" >/dev/null || fail "$tool is missing; 'make deploy-check' installs those of deploy/requirements.txt, \
Debian's systemd and prometheus have the others"
done

echo "Shell scripts"
mapfile -t scripts < <(grep -rlE '^#!/(bin/sh|bin/bash|usr/bin/env bash)' deploy --exclude-dir=secrets)
shellcheck "${scripts[@]}" scripts/check-deploy.sh

echo "YAML"
yamllint --strict --config-file deploy/yamllint.yml deploy config-repo

echo "Dockerfile"
hadolint --failure-threshold style deploy/docker/Dockerfile

echo "Compose files"
# In a copy, so that no secret is generated beside the originals.
mkdir "$work/repository"
cp -r deploy config-repo catalogue "$work/repository"
compose=$work/repository/deploy/compose
rm -rf "$compose/secrets" "$compose/.env"
"$compose/secrets.sh" >/dev/null
# compose NAME FILE [PROFILE]: writes what Compose reads from a file as JSON.
compose() {
    COMPOSE_PROFILES=${3:-} docker-compose --env-file "$compose/.env.example" --file "$compose/$2" config --format json >"$work/$1.json" ||
        fail "deploy/compose/$2 is refused"
}
compose compose compose.yml minimal
compose compose-full compose.yml full
# The full shop is started once the licence of its engine is accepted, the minimal one without.
mkdir "$work/stub"
cat >"$work/stub/docker" <<'END'
#!/bin/sh
echo "started $COMPOSE_PROFILES"
END
chmod +x "$work/stub/docker"
# up SETTING...: starts the copy with these settings over those of .env.example, where Compose is a stub.
up() { env -u COMPOSE_PROFILES -u ACCEPT_EULA PATH="$work/stub:$PATH" "$@" "$compose/up.sh" 2>&1; }
refused=$(up) && fail "up.sh starts SQL Server without its licence"
[[ $refused == *ACCEPT_EULA=Y*COMPOSE_PROFILES=minimal* ]] || fail "up.sh says: $refused"
[[ $(up ACCEPT_EULA=Y) == *"started "* ]] || fail "up.sh does not start the full shop"
[[ $(up COMPOSE_PROFILES=minimal) == *"started minimal"* ]] || fail "up.sh does not start the minimal shop"
compose compose-embedded compose.embedded.yml

echo "Chart"
chart=deploy/helm/souk
# A chart holds all its files itself, so it has copies of rules and dashboards.
for copied in prometheus/rules grafana/dashboards; do
    diff --recursive --brief "deploy/$copied" "$chart/files/${copied#*/}" || fail "run 'make chart-files'"
done
# Values that the schema refuses, each beside values that are complete.
for wrong in existingSecret= shop.publicUrl= engines.{postgres,mysql,redis,rabbitmq}.host= mail.url= payment.engine=sqlserver ingress.enabled=true \
    traces.otlpUrl=collector:4318 traces.ratio=2 ingress.enabld=true services.order.replica=3 image.digest=sha256:0; do
    if helm template shop "$chart" --values "$chart/ci/minimal-values.yaml" --set "$wrong" >/dev/null 2>&1; then fail "the chart takes $wrong"; fi
done
for values in "$chart"/ci/*-values.yaml; do
    name=$(basename "$values" -values.yaml)
    helm lint --strict --quiet --values "$values" "$chart" 2>"$work/helm.log" || { cat "$work/helm.log" >&2; fail "helm lint: $values"; }
    helm template shop "$chart" --values "$values" >"$work/chart-$name.yaml" 2>"$work/helm.log" || { cat "$work/helm.log" >&2; fail "helm template: $values"; }
done

echo "Units of systemd"
mkdir "$work/units"
cp -r deploy/systemd/. "$work/units"
# The programs of the units must exist for their check.
grep -rl /usr/bin/souk "$work/units" | xargs sed -i "s|/usr/bin/souk|$souk|"
units=(souk.service souk.target souk@audit.service)
for service in services/*/; do units+=("souk@$(basename "$service").service"); done
(cd "$work/units" && SYSTEMD_UNIT_PATH="$work/units:" systemd-analyze verify --man=no "${units[@]/#/./}") 2>"$work/verify.log" || { cat "$work/verify.log" >&2; fail "a unit is refused"; }
[ ! -s "$work/verify.log" ] || { cat "$work/verify.log" >&2; fail "a unit has a setting that systemd ignores"; }
for unit in souk.service souk@order.service; do
    [ -f "$work/units/$unit" ] || cp "$work/units/${unit/@*./@.}" "$work/units/$unit"
    # In tenths: 1.5, where 10.0 is a service without any protection.
    systemd-analyze security --offline=true --threshold=15 --no-pager "$work/units/$unit" >"$work/security.log" ||
        { cat "$work/security.log" >&2; fail "$unit is less protected than it was"; }
done

echo "Ports, probes, keys and references"
python scripts/check_deploy.py "$souk" "$work"
