{{/* What is done once for each version, before its services start: streams, tables. */}}

{{/* Hooks must succeed before anything else is changed. They would run before trial servers and external secrets are there. */}}
{{- define "carillon.hooks" -}}
{{- if and .Values.jobs.hooks (not .Values.trial.nats.enabled) (not .Values.trial.postgres.enabled) (not .Values.externalSecrets.enabled) }}true{{ end -}}
{{- end -}}

{{/* JSON: [{component, args, parts, database}]. */}}
{{- define "carillon.jobs" -}}
{{- $jobs := list -}}
{{- if eq .Values.streams.manage "job" -}}
{{- $nats := include "carillon.nats" (dict "root" . "user" "provisioner") | fromJson -}}
{{- $_ := set $nats.env "STREAMS_REPLICAS" (.Values.streams.replicas | int) -}}
{{- $args := concat (list "carillon" "nats" "provision") (include "carillon.senderFlags" . | fromJsonArray) -}}
{{- $jobs = append $jobs (dict "component" "streams" "args" $args "needs" "nats" "parts" $nats) -}}
{{- end -}}
{{- if and .Values.services.ledger.enabled (eq .Values.migrations.manage "job") -}}
{{- $owner := ternary .Values.migrations.database (include "carillon.ledgerDatabase" . | fromJson) (not (empty .Values.migrations.database.existingSecret)) -}}
{{- $postgres := include "carillon.postgres" (dict "root" . "database" $owner "prefix" "") | fromJson -}}
{{- $jobs = append $jobs (dict "component" "migrations" "args" (list "carillon" "ledger" "migrate") "needs" "postgres" "parts" $postgres) -}}
{{- end -}}
{{- $jobs | toJson -}}
{{- end -}}

{{/* Annotations of what a job consists of, by weight: its account and network policy are there before it. */}}
{{- define "carillon.hookAnnotations" -}}
{{- if include "carillon.hooks" .root -}}
{{- dict "helm.sh/hook" "pre-install,pre-upgrade" "helm.sh/hook-weight" (.weight | toString) "helm.sh/hook-delete-policy" "before-hook-creation,hook-succeeded" | toJson -}}
{{- else -}}
{}
{{- end -}}
{{- end -}}
