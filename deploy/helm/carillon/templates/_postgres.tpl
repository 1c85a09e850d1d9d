{{/* How a process gets to Postgres: of a dict root, database (existingSecret, urlKey, passwordKey) and prefix of its settings. */}}

{{/* The secret with the ledger's database; the chart's own where Postgres is the trial one. */}}
{{- define "carillon.ledgerDatabase" -}}
{{- if .Values.trial.postgres.enabled -}}
{{- dict "existingSecret" (include "carillon.name" (dict "root" . "component" "trial-postgres")) "urlKey" "url" "passwordKey" "" | toJson -}}
{{- else -}}
{{- pick .Values.postgres "existingSecret" "urlKey" "passwordKey" | toJson -}}
{{- end -}}
{{- end -}}

{{- define "carillon.postgres" -}}
{{- $database := .database -}}
{{- $topic := ternary "postgres" "bridge-postgres" (empty .prefix) -}}
{{- $env := dict (printf "%sDATABASE_URL_FILE" .prefix) (printf "/run/carillon/%s/url" $topic) -}}
{{- $keys := dict $database.urlKey "url" -}}
{{- if $database.passwordKey -}}
{{- $_ := set $keys $database.passwordKey "password" -}}
{{- $_ := set $env (printf "%sDATABASE_PASSWORD_FILE" .prefix) (printf "/run/carillon/%s/password" $topic) -}}
{{- end -}}
{{- $files := include "carillon.secretItems" (dict "topic" $topic "secret" $database.existingSecret "keys" $keys) | fromJsonArray -}}
{{- with .root.Values.postgres.caConfigMap -}}
{{- $files = append $files (dict "name" "postgres-ca" "configMap" . "items" (list (dict "key" "ca.crt" "path" "ca.crt"))) -}}
{{- end -}}
{{- dict "env" $env "files" $files | toJson -}}
{{- end -}}

{{/* Of a workload: to which database, or to none. */}}
{{- define "carillon.workloadDatabase" -}}
{{- $own := .settings.database | default dict -}}
{{- if and (eq (.fact.database | default "") "application") $own.existingSecret -}}
{{- include "carillon.postgres" (dict "root" .root "database" $own "prefix" "TABLE_BRIDGE_") -}}
{{- else if .fact.database -}}
{{- include "carillon.postgres" (dict "root" .root "database" (include "carillon.ledgerDatabase" .root | fromJson) "prefix" "") -}}
{{- else -}}
{}
{{- end -}}
{{- end -}}
