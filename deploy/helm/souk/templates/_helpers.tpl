{{- define "souk.fullname" -}}
{{- if contains "souk" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-souk" (.Release.Name | trunc 35 | trimSuffix "-") }}{{ end }}
{{- end }}

{{- /* Ports as in the services' code; scripts/check-deploy.sh compares them. `metrics` is the port of /metrics and probes. */ -}}
{{- define "souk.services" -}}
gateway: { port: 8080, metrics: 8079, calls: [auth, product, order, cart, payment, notification], engines: [redis] }
auth: { port: 8081, calls: [auth], engines: [postgres, rabbitmq] }
product: { port: 8082, calls: [auth], engines: [mysql, rabbitmq] }
order: { port: 8083, calls: [auth, product, cart, payment], engines: [postgres, rabbitmq] }
cart: { port: 8084, calls: [auth, product], engines: [redis, rabbitmq] }
payment: { port: 8085, calls: [auth, order], engines: [postgres, sqlserver, rabbitmq], outside: [443] }
notification: { port: 8086, calls: [auth], engines: [postgres, rabbitmq], outside: [mail] }
discovery: { port: 8761, calls: [discovery], engines: [], platform: true }
config-server: { port: 8888, calls: [], engines: [], platform: true }
audit: { port: 8079, metrics: 8079, calls: [auth], engines: [postgres, mysql, redis, sqlserver, rabbitmq], outside: [443] }
{{- end }}

{{- define "souk.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: souk
{{ include "souk.selector" . }}
{{- end }}

{{- define "souk.selector" -}}
app.kubernetes.io/name: souk
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "souk.image" -}}
{{- with .Values.image }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}{{ end }}
{{- end }}

{{- /* Values of one service over the defaults, as YAML. */ -}}
{{- define "souk.settings" -}}
{{- mergeOverwrite (deepCopy .root.Values.defaults) (deepCopy (index .root.Values.services .name | default dict)) | toYaml }}
{{- end }}

{{- define "souk.secretEnv" -}}
- name: {{ .name }}
  valueFrom: { secretKeyRef: { name: {{ .root.Values.existingSecret }}, key: {{ .key }}{{ if .optional }}, optional: true{{ end }} } }
{{- end }}

{{- /* Kubernetes replaces $(POSTGRES_PASSWORD) by the variable before it, so no password is in the manifest. */ -}}
{{- define "souk.sqlUrl" -}}
{{- $engine := index .root.Values.engines .engine -}}
{{- $schemes := dict "postgres" "postgres" "mysql" "mysql" "sqlserver" "mssql" -}}
{{- $password := printf "$(%s_PASSWORD)" (upper .engine) -}}
{{- $query := list -}}
{{- if ne .engine "sqlserver" }}{{ $query = append $query (printf "connections=%v" .connections) }}{{ end -}}
{{- with $engine.parameters }}{{ $query = append $query . }}{{ end -}}
{{ index $schemes .engine }}://{{ $engine.user }}:{{ $password }}@{{ .host | default $engine.host }}:{{ $engine.port }}/{{ .database }}{{ with $query }}?{{ join "&" . }}{{ end }}
{{- end }}

{{- define "souk.redisUrl" -}}
{{- with .Values.engines.redis }}redis{{ if .tls }}s{{ end }}://:$(REDIS_PASSWORD)@{{ .host }}:{{ .port }}{{ end }}
{{- end }}

{{- define "souk.passwords" -}}
{{- range .engines }}
{{- if or (ne . "sqlserver") (eq $.root.Values.payment.engine "sqlserver") }}
{{ include "souk.secretEnv" (dict "root" $.root "name" (printf "%s_PASSWORD" (upper .)) "key" .) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Addresses of the stores of `.stores`, a list of services. */ -}}
{{- define "souk.stores" -}}
{{- $root := .root -}}
{{- range .stores }}
{{- $settings := include "souk.settings" (dict "root" $root "name" .) | fromYaml }}
{{- $connections := $settings.connections }}
{{- if eq . "cart" }}
- name: SOUK_CART__STORE_URL
  value: {{ include "souk.redisUrl" $root | quote }}
{{- else }}
{{- $engine := "postgres" }}
{{- if eq . "product" }}{{ $engine = "mysql" }}{{ end }}
{{- if eq . "payment" }}{{ $engine = $root.Values.payment.engine }}{{ end }}
- name: SOUK_{{ upper . }}__STORE_URL
  value: {{ include "souk.sqlUrl" (dict "root" $root "engine" $engine "database" (printf "souk_%s" .) "connections" $connections "host" $settings.storeHost) | quote }}
{{- end }}
{{- if eq . "payment" }}
- name: SOUK_PAYMENT__PROVIDER
  value: {{ $root.Values.payment.provider | quote }}
{{- if eq $root.Values.payment.provider "sandbox" }}
- name: SOUK_PAYMENT__SANDBOX_LEDGER_URL
  value: {{ include "souk.sqlUrl" (dict "root" $root "engine" "postgres" "database" "souk_sandbox" "connections" $connections) | quote }}
{{- else }}
{{ include "souk.secretEnv" (dict "root" $root "name" "SOUK_PAYMENT__STRIPE_API_KEY" "key" "stripe-api-key") }}
{{ include "souk.secretEnv" (dict "root" $root "name" "SOUK_PAYMENT__STRIPE_ACCOUNT" "key" "stripe-account") }}
{{ include "souk.secretEnv" (dict "root" $root "name" "SOUK_PAYMENT__STRIPE_WEBHOOK_SECRET" "key" "stripe-webhook-secret") }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Port of the collector of traces. */ -}}
{{- define "souk.tracesPort" -}}
{{- $url := urlParse .Values.traces.otlpUrl -}}
{{ regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "443" "80" (eq $url.scheme "https")) }}
{{- end }}

{{- /* Where the registry's servers are, from the view of a client. */ -}}
{{- define "souk.registry" -}}
{{- $urls := list -}}
{{- $name := include "souk.fullname" . -}}
{{- $replicas := (include "souk.settings" (dict "root" . "name" "discovery") | fromYaml).replicas | int -}}
{{- range $nth := until $replicas }}{{ $urls = append $urls (printf "http://souk:$(DISCOVERY_PASSWORD)@%s-discovery-%d.%s-discovery:8761/eureka" $name $nth $name) }}{{ end -}}
{{ join "," $urls }}
{{- end }}

{{- /* The environment of a component. */ -}}
{{- define "souk.env" -}}
{{- $values := .root.Values -}}
{{- $name := include "souk.fullname" .root -}}
{{- $secret := $values.existingSecret -}}
- name: SOUK_TELEMETRY__LEVEL
  value: {{ $values.logLevel }}
{{- if eq .name "discovery" }}
{{ include "souk.secretEnv" (dict "root" .root "name" "DISCOVERY_PASSWORD" "key" "discovery") }}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: SOUK_DISCOVERY__SECURITY__USER
  value: souk
- name: SOUK_DISCOVERY__SECURITY__PASSWORD
  value: $(DISCOVERY_PASSWORD)
- name: SOUK_DISCOVERY__HOSTNAME
  value: $(POD_NAME).{{ $name }}-discovery
- name: SOUK_DISCOVERY__PEERS
  value: {{ include "souk.registry" .root | quote }}
{{- else if eq .name "config-server" }}
- name: SOUK_CONFIG_SERVER__NATIVE__SEARCH_LOCATIONS
  value: /etc/souk/config
- name: SOUK_CONFIG_SERVER__SECURITY__USER
  value: souk
{{ include "souk.secretEnv" (dict "root" .root "name" "SOUK_CONFIG_SERVER__SECURITY__PASSWORD" "key" "config-server") }}
{{- else }}
{{ include "souk.secretEnv" (dict "root" .root "name" "CONFIG_SERVER_PASSWORD" "key" "config-server") }}
{{ include "souk.secretEnv" (dict "root" .root "name" "DISCOVERY_PASSWORD" "key" "discovery") }}
{{ include "souk.secretEnv" (dict "root" .root "name" "SOUK_SHOP__SERVICE_SECRET" "key" "service-secret") }}
{{- include "souk.passwords" (dict "root" .root "engines" .service.engines) }}
- name: SOUK_CONFIG_URL
  value: http://souk:$(CONFIG_SERVER_PASSWORD)@{{ $name }}-config-server:8888
- name: SOUK_DISCOVERY_URL
  value: {{ include "souk.registry" .root | quote }}
- name: SOUK_SHOP__PUBLIC_URL
  value: {{ $values.shop.publicUrl | quote }}
- name: SOUK_SHOP__NAME
  value: {{ $values.shop.name | quote }}
- name: SOUK_SHOP__CURRENCY
  value: {{ $values.shop.currency | quote }}
- name: SOUK_SHOP__TIME_ZONE
  value: {{ $values.shop.timeZone | quote }}
{{- if and $values.traces.otlpUrl (ne .name "audit") }}
{{ include "souk.secretEnv" (dict "root" .root "name" "OTLP_PASSWORD" "key" "otlp" "optional" true) }}
- name: SOUK_TELEMETRY__OTLP_URL
  value: {{ $values.traces.otlpUrl | quote }}
- name: SOUK_TELEMETRY__TRACE_RATIO
  value: {{ $values.traces.ratio | quote }}
{{- end }}
{{- if has "rabbitmq" .service.engines }}
{{- with $values.engines.rabbitmq }}
- name: SOUK_BUS__URL
  value: "amqp{{ if .tls }}s{{ end }}://{{ .user }}:$(RABBITMQ_PASSWORD)@{{ .host }}:{{ .port }}/{{ .vhost | replace "/" "%2f" }}"
{{- end }}
{{- end }}
{{- if eq .name "gateway" }}
- name: SOUK_GATEWAY__REDIS_URL
  value: {{ include "souk.redisUrl" .root | quote }}
# Probes and Prometheus come from other addresses; the network policy closes the port to all others.
- name: SOUK_GATEWAY__MANAGEMENT_HOST
  value: 0.0.0.0
- name: SOUK_GATEWAY__MANAGEMENT_INSECURE
  value: "true"
{{- with $values.trustedProxies.gateway }}
- name: SOUK_GATEWAY__TRUSTED_PROXIES
  value: {{ join "," . | quote }}
{{- end }}
{{- else if eq .name "audit" }}
{{- include "souk.stores" (dict "root" .root "stores" (list "auth" "product" "order" "cart" "payment" "notification")) }}
{{- else }}
{{- include "souk.stores" (dict "root" .root "stores" (list .name)) }}
{{- end }}
{{- if eq .name "auth" }}
- name: SOUK_AUTH__ADMIN_EMAIL
  value: {{ $values.shop.adminEmail | quote }}
{{ include "souk.secretEnv" (dict "root" .root "name" "SOUK_AUTH__ADMIN_PASSWORD" "key" "admin-password") }}
- name: SOUK_AUTH__TRUSTED_PROXIES
  value: {{ join "," $values.trustedProxies.auth | quote }}
{{- end }}
{{- if eq .name "product" }}
- name: SOUK_PRODUCT__PICTURES_DIR
  value: /var/lib/souk/pictures
- name: SOUK_PRODUCT__INDEX_DIR
  value: /var/cache/souk/index
{{- end }}
{{- if eq .name "notification" }}
{{ include "souk.secretEnv" (dict "root" .root "name" "SMTP_PASSWORD" "key" "smtp" "optional" true) }}
- name: SOUK_NOTIFICATION__SMTP_URL
  value: {{ $values.mail.url | quote }}
{{- with $values.mail.from }}
- name: SOUK_NOTIFICATION__FROM
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "souk.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "souk.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- /* The template of the pods of a component. */ -}}
{{- define "souk.pod" -}}
{{- $settings := include "souk.settings" . | fromYaml -}}
{{- $probed := .service.metrics | default .service.port -}}
metadata:
  labels: {{- include "souk.labels" . | nindent 4 }}
  annotations:
    # New configuration, new pods: a process reads it at its start.
    checksum/config: {{ toYaml .root.Values.config | sha256sum }}
spec:
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  serviceAccountName: {{ include "souk.fullname" .root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext: {{- include "souk.podSecurity" . | nindent 4 }}
  terminationGracePeriodSeconds: {{ .root.Values.terminationGracePeriodSeconds }}
  {{- with $settings.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $settings.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $settings.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "souk.selector" $ | nindent 10 }}
    {{- end }}
  containers:
    - name: {{ .name }}
      image: {{ include "souk.image" .root }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      {{- if eq .name "audit" }}
      args: [audit, --distributed, --watch, --port, "{{ .service.port }}"]
      {{- else }}
      args: [serve, {{ .name }}]
      {{- end }}
      env: {{- include "souk.env" . | nindent 8 }}
        {{- with $settings.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        {{- if ne .name "audit" }}
        - { name: http, containerPort: {{ .service.port }} }
        {{- end }}
        {{- with .service.metrics }}
        - { name: management, containerPort: {{ . }} }
        {{- end }}
      # A process listens at once, and is ready when its engines are available. Being without one is no reason to restart.
      startupProbe:
        httpGet: { path: /health/live, port: {{ $probed }} }
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: { path: /health/live, port: {{ $probed }} }
        periodSeconds: 10
        timeoutSeconds: 3
        failureThreshold: 3
      readinessProbe:
        httpGet: { path: /health/ready, port: {{ $probed }} }
        periodSeconds: 5
        # A check of an engine is given up after 1.5 s.
        timeoutSeconds: 3
        failureThreshold: 2
      lifecycle:
        # Until load balancers have noticed that the pod ends; then it deregisters, drains for 4 s, and exits.
        preStop: { sleep: { seconds: 5 } }
      resources: {{- toYaml $settings.resources | nindent 8 }}
      securityContext: {{- include "souk.containerSecurity" . | nindent 8 }}
      volumeMounts:
        - { name: tmp, mountPath: /tmp }
        {{- if eq .name "product" }}
        - { name: pictures, mountPath: /var/lib/souk/pictures }
        - { name: index, mountPath: /var/cache/souk }
        {{- end }}
        {{- if eq .name "config-server" }}
        - { name: config, mountPath: /etc/souk/config, readOnly: true }
        {{- end }}
        {{- with $settings.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - { name: tmp, emptyDir: { sizeLimit: 256Mi } }
    {{- if eq .name "product" }}
    - name: pictures
      persistentVolumeClaim: { claimName: {{ .root.Values.pictures.existingClaim | default (printf "%s-pictures" (include "souk.fullname" .root)) }} }
    - { name: index, emptyDir: { sizeLimit: {{ .root.Values.index.sizeLimit }} } }
    {{- end }}
    {{- if eq .name "config-server" }}
    - { name: config, configMap: { name: {{ include "souk.fullname" .root }}-config } }
    {{- end }}
    {{- with $settings.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
