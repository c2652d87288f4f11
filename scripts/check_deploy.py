#!/usr/bin/env python3
"""Compares what deploy/ says with the product: ports, probes, configuration keys, and the references within. Called by
check-deploy.sh, which has rendered and copied everything to a folder.

    check_deploy.py SOUK FOLDER

Probes are sent to real processes, and every container's environment is read by `souk config show`, which refuses unknown keys.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.parse
import urllib.request

import kubernetes_validate
import yaml

from shop import free_port

SOUK, WORK = sys.argv[1], pathlib.Path(sys.argv[2])
ROOT = pathlib.Path(__file__).resolve().parent.parent
# The oldest version of Kubernetes that the chart allows, and the newest whose schemas are installed.
KUBERNETES = ("1.30.0", "1.37.0")
# In place of the secrets of a cluster, where souk looks at their form.
SECRETS = {"stripe-api-key": "sk_test_0123", "stripe-account": "acct_0123", "stripe-webhook-secret": "whsec_0123"}
CRDS = {"ServiceMonitor", "PrometheusRule"}
MANAGEMENT = 8079
PORTS = {}
for source in ROOT.glob("services/*/src/lib.rs"):
    PORTS[source.parts[-3]] = int(re.search(r"const PORT: u16 = (\d+);", source.read_text())[1])
SHARED = {"shop", "bus", "telemetry", "serve", "registration", "services"}
# Keys of these are placeholders for others.
PLACEHOLDERS = {"engines", "secrets"}
CODE = "\n".join(path.read_text() for folder in ("souk/src", "crates/kit/src") for path in (ROOT / folder).rglob("*.rs"))
PLAIN = {name for name in re.findall(r'"(SOUK_[A-Z_]+)"', CODE) if "__" not in name}

found = []


def check(holds, finding):
    if not holds:
        found.append(finding)
    return holds


def check_variables(where, names):
    for name in (name for name in names if name.startswith("SOUK_")):
        section = name.removeprefix("SOUK_").split("__")[0].lower().replace("_", "-")
        known = name in PLAIN if "__" not in name else section in PORTS.keys() | SHARED | PLACEHOLDERS
        check(known, f"{where}: souk reads no variable {name}")


def check_configuration(where, service, environment):
    """`souk config show` has no mistake to report about this environment."""
    clean = {"PATH": os.environ["PATH"]} | environment
    run = subprocess.run([SOUK, "config", "show", service, "--distributed"], env=clean, cwd=WORK, capture_output=True, text=True)
    check(run.returncode == 0, f"{where}: souk refuses the configuration of {service}:\n{(run.stdout + run.stderr).split('mistake(s):')[-1]}")


def check_command(where, arguments):
    """The command line names a command, services and flags that souk has. Returns the service or command."""
    command, *rest = arguments
    run = subprocess.run([SOUK, command, "--help"], capture_output=True, text=True)
    if not check(run.returncode == 0, f"{where}: souk has no command {command}"):
        return command
    for flag in (one for one in rest if one.startswith("--")):
        check(flag in run.stdout, f"{where}: souk {command} has no flag {flag}")
    if command != "serve":
        return command
    check(rest[0] in PORTS, f"{where}: there is no service {rest[0]}")
    return rest[0]


class Product:
    """A real shop in one process and an audit of it, to send probes to."""

    def __enter__(self):
        self.base, self.audit = free_port(), free_port() + 5
        folder = WORK / "shop"
        environment = {"PATH": os.environ["PATH"]}
        log = (WORK / "shop.log").open("w")
        start = [SOUK, "up", "--data", str(folder), "--port", str(self.base), "--empty"]
        self.processes = [subprocess.Popen(start, env=environment, stdout=log, stderr=log)]
        self.wait(self.base, "/api/health/ready")
        watch = [SOUK, "audit", "--watch", "--data", str(folder), "--port", str(self.audit)]
        self.processes.append(subprocess.Popen(watch, env=environment, stdout=log, stderr=log))
        self.wait(self.audit, "/health/live")
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(30)

    def wait(self, port, path):
        deadline = time.monotonic() + 60
        while status(port, path) != 200:
            if time.monotonic() > deadline:
                sys.exit(f"check_deploy: nothing answers {path}:\n{(WORK / 'shop.log').read_text()[-3000:]}")
            time.sleep(0.2)

    def check_probe(self, where, service, port, path):
        expected = {PORTS.get(service)} | ({MANAGEMENT} if service in ("gateway", "audit") else set())
        if check(int(port) in expected, f"{where}: port {port} is not one of {service}"):
            real = self.audit if service == "audit" else self.base + int(port) - PORTS["gateway"]
            answer = status(real, path)
            check(answer == 200, f"{where}: {service} answers {path} at port {port} with {answer}")


def status(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def compose_environment(project, service):
    """The environment that souk makes of variables and secrets."""
    environment = {name: value or "" for name, value in (service.get("environment") or {}).items()}
    for secret in service.get("secrets", []):
        if secret["source"].startswith("SOUK_"):
            environment[secret["source"]] = pathlib.Path(project["secrets"][secret["source"]]["file"]).read_text()
    return environment


def check_compose(name, product):
    project = json.loads((WORK / f"{name}.json").read_text())
    services = project["services"]
    networks = project["networks"]
    for secret, its in project.get("secrets", {}).items():
        check(pathlib.Path(its["file"]).is_file(), f"{name}: secrets.sh generates no {secret}")
    for title, service in services.items():
        where = f"{name}: {title}"
        image = service["image"]
        check(re.search(r":[^:/]*\d[^:/]*$", image), f"{where}: {image} names no version")
        check(service.get("deploy", {}).get("resources", {}).get("limits", {}).get("memory"), f"{where}: no limit of memory")
        check("no-new-privileges:true" in service.get("security_opt", []) or title == "sqlserver-database", f"{where}: may gain privileges")
        for port in service.get("ports", []):
            check(port.get("host_ip") == "127.0.0.1", f"{where}: {port['published']} is published beyond this machine")
            check(any(not networks[one].get("internal") for one in service["networks"]), f"{where}: a port is published from a closed network")
        for volume in service.get("volumes", []):
            if volume["type"] == "bind":
                check(pathlib.Path(volume["source"]).exists(), f"{where}: {volume['source']} does not exist")
        for other in service.get("depends_on", {}):
            check(other in services, f"{where}: depends on {other}, which is not there")
        if not image.startswith("souk:"):
            continue
        check(service.get("read_only") and service.get("cap_drop") == ["ALL"], f"{where}: writes to its root or has capabilities")
        environment = compose_environment(project, service)
        if not service.get("entrypoint"):
            runs = check_command(where, service["command"] or ["up"])
            check_variables(where, environment)
            probe = service["healthcheck"]["test"]
            check(probe[:3] == ["CMD", "souk", "probe"], f"{where}: is not probed by souk")
            options = dict(zip(probe, probe[1:]))
            port = options.get("--port") or PORTS.get(probe[3])
            product.check_probe(where, "gateway" if runs == "up" else runs, port, options.get("--path", "/health/ready"))
    if "config-server" in services:
        check_served(name, project)
        check_targets(name, project)


def check_served(name, project):
    """With the configuration that the real config server serves of the mounted folders, no service has a mistake."""
    services = project["services"]
    server, port = services["config-server"], free_port()
    environment = compose_environment(project, server)
    folders = {volume["target"]: volume["source"] for volume in server["volumes"]}
    locations = environment["SOUK_CONFIG_SERVER__NATIVE__SEARCH_LOCATIONS"]
    for inside, outside in folders.items():
        locations = locations.replace(inside, outside)
        for file in pathlib.Path(outside).glob("*.yml"):
            sections = {key.split(".")[0] for document in yaml.safe_load_all(file.read_text()) for key in document or {}}
            unknown = sections - PORTS.keys() - SHARED - PLACEHOLDERS - {"spring"}
            check(not unknown, f"{name}: {file.name} has sections that souk does not read: {unknown}")
    environment |= {"SOUK_CONFIG_SERVER__NATIVE__SEARCH_LOCATIONS": locations, "SOUK_SERVE__HOST": "127.0.0.1", "PATH": os.environ["PATH"]}
    log = (WORK / "config-server.log").open("w")
    process = subprocess.Popen([SOUK, "serve", "config-server", "--port", str(port)], env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while status(port, "/health/ready") != 200:
            if time.monotonic() > deadline or process.poll() is not None:
                sys.exit(f"check_deploy: the config server does not start:\n{(WORK / 'config-server.log').read_text()}")
            time.sleep(0.2)
        for title, service in services.items():
            if not service["image"].startswith("souk:") or title in ("config-server", "discovery", "catalogue"):
                continue
            environment = compose_environment(project, service)
            environment["SOUK_CONFIG_URL"] = environment["SOUK_CONFIG_URL"].replace("config-server:8888", f"127.0.0.1:{port}")
            shown = PORTS.keys() - {"config-server", "discovery", "gateway"} if title == "audit" else [title]
            for one in shown:
                check_configuration(f"{name}: {title}", one, environment)
        check_configuration(f"{name}: discovery", "discovery", compose_environment(project, services["discovery"]))
    finally:
        process.terminate()
        process.wait(30)


def check_targets(name, project):
    """Prometheus scrapes each process at its own port, with a password that it has."""
    scraped = {}
    for job in yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]:
        for names in job.get("dns_sd_configs", []):
            scraped |= {one: names["port"] for one in names["names"]}
        password = job.get("basic_auth", {}).get("password_file", "")
        has = [secret["source"] for secret in project["services"]["prometheus"].get("secrets", [])]
        check(not password or password.removeprefix("/run/secrets/") in has, f"{name}: prometheus has no {password}")
    expected = PORTS | {"gateway": MANAGEMENT, "audit": MANAGEMENT}
    check(scraped == expected, f"{name}: prometheus scrapes {scraped} rather than {expected}")


def check_settings():
    """.env.example has the variables of the Compose files, and no others."""
    folder = ROOT / "deploy/compose"
    read = {name for file in folder.glob("*.yml") for name in re.findall(r"(?<!\$)\$\{([A-Z_]+)", file.read_text())}
    named = set(re.findall(r"^([A-Z_]+)=", (folder / ".env.example").read_text(), re.M))
    check(read == named, f".env.example and the Compose files differ: {read ^ named}")


def variables(container):
    """A container's variables as the kubelet expands them, with a text for each secret."""
    values = {}
    for variable in container["env"]:
        key = variable.get("valueFrom", {}).get("secretKeyRef", {}).get("key")
        text = variable.get("value", SECRETS.get(key, "0123456789abcdef"))
        values[variable["name"]] = re.sub(r"\$\(([A-Z_]+)\)", lambda match: values.get(match[1], match[0]), text)
    return values


def check_pod(where, manifest, product, objects):
    pod = manifest["spec"]["template"]["spec"]
    check(pod["automountServiceAccountToken"] is False, f"{where}: has a token of the cluster")
    check(pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", f"{where}: is not confined")
    volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
    for volume in volumes.values():
        if "configMap" in volume and volume["configMap"]["name"].startswith("shop-souk"):
            check(("ConfigMap", volume["configMap"]["name"]) in objects, f"{where}: there is no {volume['configMap']['name']}")
        claim = volume.get("persistentVolumeClaim", {}).get("claimName", "pictures")
        check(claim == "pictures" or ("PersistentVolumeClaim", claim) in objects, f"{where}: there is no {claim}")
    for container in pod["containers"]:
        security = container["securityContext"]
        confined = security["readOnlyRootFilesystem"] and security["capabilities"] == {"drop": ["ALL"]} and not security["allowPrivilegeEscalation"]
        check(confined, f"{where}: has rights that it does not need")
        check(container["resources"]["limits"]["memory"] and container["resources"]["requests"]["cpu"], f"{where}: no resources")
        check(re.fullmatch(r"[a-z./]*souk(:[\d.]+|@sha256:[0-9a-f]{64})", container["image"]), f"{where}: image {container['image']}")
        check({mount["name"] for mount in container.get("volumeMounts", [])} == volumes.keys(), f"{where}: volumes and mounts differ")
        runs = check_command(where, container["args"])
        environment = variables(container)
        check_variables(where, environment)
        check(not any("$(" in text for text in environment.values()), f"{where}: a variable is used before it is set")
        # The config server that the pod reads from is not there.
        environment.pop("SOUK_CONFIG_URL", None)
        shown = PORTS.keys() - {"config-server", "discovery", "gateway"} if runs in ("audit", "migrate") else [runs]
        for one in shown:
            check_configuration(where, one, environment)
        if manifest["kind"] == "Job":
            continue
        ports = {port["containerPort"] for port in container["ports"]}
        expected = {PORTS.get(runs, MANAGEMENT)} | ({MANAGEMENT} if runs == "gateway" else set())
        check(ports == expected, f"{where}: has ports {ports} rather than {expected}")
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            probe = container[kind]["httpGet"]
            product.check_probe(f"{where}: {kind}", runs, probe["port"], probe["path"])


def selected(manifests, selector):
    wanted = selector.get("matchLabels", selector).items()
    templates = [one["spec"]["template"]["metadata"]["labels"] for one in manifests if "template" in one.get("spec", {})]
    return any(wanted <= labels.items() for labels in templates)


def port_names(manifests, labels):
    """Names of the ports of the pods with these labels."""
    pods = [one["spec"]["template"] for one in manifests if one["kind"] in ("Deployment", "StatefulSet")]
    matching = [pod for pod in pods if labels.items() <= pod["metadata"]["labels"].items()]
    return {port["name"] for pod in matching for container in pod["spec"]["containers"] for port in container["ports"]}


def check_traces(where, manifests):
    """Each of the seven services exports traces or none does, and those that do may reach the collector."""
    ports, allowed = {}, {}
    for one in manifests:
        component = one["metadata"]["labels"]["app.kubernetes.io/component"]
        if one["kind"] in ("Deployment", "StatefulSet"):
            url = variables(one["spec"]["template"]["spec"]["containers"][0]).get("SOUK_TELEMETRY__OTLP_URL")
            if url:
                address = urllib.parse.urlsplit(url)
                ports[component] = address.port or {"http": 80, "https": 443}[address.scheme]
        if one["kind"] == "NetworkPolicy":
            allowed[component] = {port["port"] for rule in one["spec"]["egress"] for port in rule["ports"]}
    check(ports.keys() in (set(), PORTS.keys() - {"config-server", "discovery"}), f"{where}: traces are those of {list(ports)}")
    for component, port in ports.items():
        check(port in allowed.get(component, {port}), f"{where}: {component} may not reach the collector of traces at port {port}")


def check_chart(path, product):
    manifests = [one for one in yaml.safe_load_all(path.read_text()) if one]
    objects = {(one["kind"], one["metadata"]["name"]) for one in manifests}
    check(len(objects) == len(manifests), f"{path.name}: two objects have one name")
    services = {one["metadata"]["labels"]["app.kubernetes.io/component"]: one for one in manifests if one["kind"] == "Service"}
    check_traces(path.name, manifests)
    secrets = set()
    for manifest in manifests:
        kind, spec = manifest["kind"], manifest.get("spec", {})
        where = f"{path.name}: {kind} {manifest['metadata']['name']}"
        secrets |= set(re.findall(r"'key': '([a-z-]+)', 'name': 'souk'|'name': 'souk', 'key': '([a-z-]+)'", str(manifest)))
        if kind not in CRDS:
            for version in KUBERNETES:
                try:
                    kubernetes_validate.validate(manifest, version, strict=True)
                except kubernetes_validate.ValidationError as error:
                    found.append(f"{where}, Kubernetes {version}: {'.'.join(map(str, error.path))}: {error.message[:200]}")
        if kind in ("Deployment", "StatefulSet", "Job"):
            check_pod(where, manifest, product, objects)
        if kind == "HorizontalPodAutoscaler":
            target = spec["scaleTargetRef"]
            check((target["kind"], target["name"]) in objects, f"{where}: there is no {target['name']}")
        if kind == "Service":
            check(selected(manifests, spec["selector"]), f"{where}: selects no pod")
            names = {port["targetPort"] for port in spec["ports"]}
            check(names <= port_names(manifests, spec["selector"]), f"{where}: its pods have no port {names}")
        if kind == "PodDisruptionBudget":
            check(selected(manifests, spec["selector"]), f"{where}: selects no pod")
        if kind == "NetworkPolicy":
            component = spec["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
            check(component == "migrate" or selected(manifests, spec["podSelector"]), f"{where}: selects no pod")
            names = {port["port"] for rule in spec["ingress"] for port in rule["ports"]}
            check(names <= port_names(manifests, spec["podSelector"]["matchLabels"]), f"{where}: its pods have no port {names}")
        if kind == "ServiceMonitor":
            service = services.get(spec["selector"]["matchLabels"]["app.kubernetes.io/component"])
            names = {port["name"] for port in service["spec"]["ports"]} if service else set()
            for endpoint in spec["endpoints"]:
                check(endpoint["port"] in names, f"{where}: no service has the port {endpoint['port']}")
                check(endpoint["honorLabels"], f"{where}: would rename the label `service` that dashboards use")
        if kind == "PrometheusRule":
            rules = WORK / "rules.yml"
            rules.write_text(yaml.safe_dump(spec))
            run = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True)
            check(run.returncode == 0, f"{where}: {run.stderr}")
        if kind == "Ingress":
            backend = spec["rules"][0]["http"]["paths"][0]["backend"]["service"]
            check(("Service", backend["name"]) in objects, f"{where}: there is no {backend['name']}")
    components = {one["metadata"]["labels"]["app.kubernetes.io/component"] for one in manifests if one["kind"] in ("Deployment", "StatefulSet")}
    check(components == PORTS.keys() | {"audit"}, f"{path.name}: runs {components}")
    return {name for pair in secrets for name in pair if name}


def check_chart_page(secrets):
    """The chart's README names every value and every key of the Secret."""
    page = (ROOT / "deploy/helm/souk/README.md").read_text()
    values = yaml.safe_load((ROOT / "deploy/helm/souk/values.yaml").read_text())
    for name, value in values.items():
        inner = value if isinstance(value, dict) and value and name not in ("services", "engines") else {}
        for path in [f"{name}.{key}" for key in inner] or [name]:
            check(f"`{path}" in page, f"the chart's README does not name {path}")
    listed = set(re.findall(r"^\| `([a-z-]+)` \| (?:yes|no|with)", page, re.M))
    check(secrets == listed, f"the chart's README and the chart differ about the Secret's keys: {secrets ^ listed}")


def check_units():
    folder = ROOT / "deploy/systemd"
    for file in [path for path in folder.rglob("*") if path.is_file()]:
        for line in file.read_text().splitlines():
            where = f"deploy/systemd/{file.name}"
            if line.startswith("ExecStart=/"):
                arguments = line.split()[1:]
                check_command(where, [one.replace("%i", "order") for one in arguments])
            if line.startswith("Environment="):
                check_variables(where, [line.removeprefix("Environment=").split("=")[0]])


def check_package():
    """Every file of the Debian package is there, and so is every unit."""
    package = tomllib.loads((ROOT / "souk/Cargo.toml").read_text())["package"]["metadata"]["deb"]
    sources = {one[0] for one in package["assets"]}
    for source in (one for one in sources if one.startswith("../") and not one.startswith("../target/")):
        check((ROOT / "souk" / source).is_file(), f"the Debian package: there is no {source}")
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    changes = (ROOT / "souk" / package["changelog"]).read_text()
    check(changes.startswith(f"souk ({version}-1) "), f"the Debian package: its changelog does not begin with {version}")
    for unit in (path for path in (ROOT / "deploy/systemd").rglob("*") if path.is_file()):
        name = f"../{unit.relative_to(ROOT)}"
        check(name in sources, f"the Debian package has no {name}")
    for line in (ROOT / "deploy/debian/souk.env").read_text().splitlines():
        if name := re.match(r"#(SOUK_[A-Z_]+)=", line):
            check_variables("deploy/debian/souk.env", [name[1]])


def check_image():
    """The image is built from every member of the workspace, and from what says how its dependencies are compiled."""
    members = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["members"]
    needed = {member.removesuffix("/*") for member in members} | {".cargo/config.toml", "Cargo.lock"}
    copied = {word for line in (ROOT / "deploy/docker/Dockerfile").read_text().splitlines() if line.startswith("COPY ") for word in line.split()}
    sent = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for part in sorted(needed):
        check(part in copied, f"deploy/docker/Dockerfile does not copy {part}")
        check(part in sent, f".dockerignore does not send {part}")


def main():
    check_settings()
    check_image()
    check_package()
    check_units()
    with Product() as product:
        for name in ("compose", "compose-full", "compose-embedded"):
            check_compose(name, product)
        secrets = set()
        for path in sorted(WORK.glob("chart-*.yaml")):
            secrets |= check_chart(path, product)
    check_chart_page(secrets)
    for finding in found:
        print(f"check-deploy: {finding}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
