{{/* The other settings of a workload: of the chart, of `env`, of `secretFiles`, of its sender, of telemetry. */}}

{{- define "carillon.settings" -}}
{{- $values := .root.Values -}}
{{- $env := dict "HTTP_PORT" "8080" "STREAMS_MANAGE" "none" -}}
{{- if .fact.gateway }}{{ $_ := set $env "SHUTDOWN_GRACE_SECONDS" (.settings.shutdownGraceSeconds | int) }}{{ end -}}
{{- if and (eq .component "ledger") (eq $values.migrations.manage "job") }}{{ $_ := set $env "TABLES_MANAGE" "none" }}{{ end -}}
{{- $secrets := deepCopy .settings.secretFiles -}}
{{- if .sender -}}
{{- $setting := ternary .fact.secret .fact.secrets (eq .sender "default") -}}
{{- $_ := set $secrets $setting (dict "secret" .settings.secret "key" .settings.key) -}}
{{- end -}}
{{- with $values.telemetry.endpoint -}}
{{- $_ := set $env "OTEL_EXPORTER_OTLP_ENDPOINT" . -}}
{{- $_ := set $env "OTEL_EXPORTER_OTLP_PROTOCOL" $values.telemetry.protocol -}}
{{- with $values.telemetry.headers.existingSecret -}}
{{- $_ := set $secrets "OTEL_EXPORTER_OTLP_HEADERS" (dict "secret" . "key" $values.telemetry.headers.key) -}}
{{- end -}}
{{- $env = mergeOverwrite $env (deepCopy $values.telemetry.env) -}}
{{- end -}}
{{- $files := list -}}
{{- range $setting, $from := $secrets -}}
{{- $topic := $setting | lower | replace "_" "-" -}}
{{- $files = concat $files (include "carillon.secretItems" (dict "topic" $topic "secret" $from.secret "keys" (dict $from.key "value")) | fromJsonArray) -}}
{{- $_ := set $env (printf "%s_FILE" $setting) (printf "/run/carillon/%s/value" $topic) -}}
{{- end -}}
{{- dict "env" (mergeOverwrite (deepCopy .settings.env) $env) "files" $files | toJson -}}
{{- end -}}

{{/* Of a workload: the file of its bridge, if it has one. */}}
{{- define "carillon.bridgeFile" -}}
{{- if .settings.config -}}
{{- $items := list (dict "key" "bridge.json" "path" "bridge.json") -}}
{{- $files := list (dict "name" "bridge" "configMap" (include "carillon.name" .) "items" $items) -}}
{{- dict "env" (dict "TABLE_BRIDGE_CONFIG" "/run/carillon/bridge/bridge.json") "files" $files | toJson -}}
{{- else -}}
{}
{{- end -}}
{{- end -}}

{{/* All that a workload is told. */}}
{{- define "carillon.workloadParts" -}}
{{- $nats := include "carillon.nats" (dict "root" .root "user" .component) -}}
{{- include "carillon.joined" (list $nats (include "carillon.workloadDatabase" .) (include "carillon.settings" .) (include "carillon.bridgeFile" .)) -}}
{{- end -}}

{{/* Changes when what the chart itself puts into a pod's files does: new pods then. Secrets of yours it cannot see. */}}
{{- define "carillon.checksum" -}}
{{- list .settings.config (ternary (include "carillon.trialDatabaseUrl" .root) "" (not (empty .fact.database))) | toJson | sha256sum -}}
{{- end -}}
