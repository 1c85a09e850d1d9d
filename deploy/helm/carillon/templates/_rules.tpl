{{/* What of alerts and of what they are computed from is this release's own. */}}

{{/* JSON: the labels of all that a Prometheus reads of this release; the monitors see to them. */}}
{{- define "carillon.ownSeries" -}}
{{- dict "namespace" .Release.Namespace "job" (include "carillon.fullname" .) | toJson -}}
{{- end -}}

{{/*
Of a dict root and rule: the rule, as YAML, about this release alone. One that looked at all that a Prometheus reads would
take another release's scheduler for ours, and be silent when ours is gone. It says whose it is, or Alertmanager would take
two releases' alerts for one.
*/}}
{{- define "carillon.ownRule" -}}
{{- $own := include "carillon.ownSeries" .root | fromJson -}}
{{- $matchers := printf "${0}{namespace=%q,job=%q}" $own.namespace $own.job -}}
{{- $expr := regexReplaceAll "\\bcarillon[_:][a-z0-9_:]+" .rule.expr $matchers | replace "}{" "," -}}
{{- mergeOverwrite (deepCopy .rule) (dict "expr" $expr "labels" (merge $own (.rule.labels | default dict))) | toYaml -}}
{{- end -}}

{{/* JSON: alerts that fire when nothing is heard of what this release does not run: they would fire for ever. */}}
{{- define "carillon.unheard" -}}
{{- $unheard := list "CarillonSchedulerSilent" "CarillonLedgerSilent" "CarillonWatchdogSilent" -}}
{{- range include "carillon.workloads" . | fromJsonArray -}}
{{- if eq .component "scheduler" }}{{ $unheard = without $unheard "CarillonSchedulerSilent" }}{{ end -}}
{{- if eq .component "ledger" -}}
{{- $unheard = without $unheard "CarillonLedgerSilent" -}}
{{- if ne (get .settings.env "WATCHDOG_SECONDS") "0" }}{{ $unheard = without $unheard "CarillonWatchdogSilent" }}{{ end -}}
{{- end -}}
{{- end -}}
{{- $unheard | toJson -}}
{{- end -}}
