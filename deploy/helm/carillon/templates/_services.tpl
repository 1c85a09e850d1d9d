{{/* The Deployments that there are: of each service that is enabled one, of a gateway one for each of its senders. */}}

{{/* JSON: [{component, sender, fact, settings}]. settings: `defaults`, over them the service's own, over them its sender's. */}}
{{- define "carillon.workloads" -}}
{{- $facts := .Files.Get "files/services.yaml" | fromYaml -}}
{{- $workloads := list -}}
{{- range $service, $own := .Values.services -}}
{{- if $own.enabled -}}
{{- $fact := get $facts $service -}}
{{- $settings := mergeOverwrite (deepCopy $.Values.defaults) (omit (deepCopy $own) "senders") -}}
{{- $workload := dict "component" $service "sender" "" "fact" $fact "settings" $settings -}}
{{- if $fact.gateway -}}
{{- range $sender, $its := $own.senders -}}
{{- $both := mergeOverwrite (deepCopy $settings) (deepCopy $its) -}}
{{- $workloads = append $workloads (mergeOverwrite (deepCopy $workload) (dict "sender" $sender "settings" $both)) -}}
{{- end -}}
{{- else -}}
{{- $workloads = append $workloads $workload -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $workloads | toJson -}}
{{- end -}}

{{/* Whether a workload's number of pods is left to an autoscaler. */}}
{{- define "carillon.autoscaled" -}}
{{- if and (ne .root.Values.autoscaling.kind "none") .fact.scales .settings.autoscaling.enabled }}true{{ end -}}
{{- end -}}

{{/* The least number of pods that there are. */}}
{{- define "carillon.leastReplicas" -}}
{{- if include "carillon.autoscaled" . }}{{ .settings.autoscaling.minReplicas | int }}{{ else }}{{ .settings.replicas | int }}{{ end -}}
{{- end -}}

{{/* Senders that are not called default, as `carillon nats` takes them. */}}
{{- define "carillon.senderFlags" -}}
{{- $flags := list -}}
{{- range include "carillon.workloads" . | fromJsonArray -}}
{{- if and .sender (ne .sender "default") }}{{ $flags = concat $flags (list "--sender" (printf "%s/%s" .fact.gateway .sender)) }}{{ end -}}
{{- end -}}
{{- $flags | toJson -}}
{{- end -}}
