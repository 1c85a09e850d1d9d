{{/* Rules of NetworkPolicies, by what is to be reached. */}}

{{/* Of a dict to (peers; none is any address) and ports. */}}
{{- define "carillon.egressRule" -}}
- ports:
    {{- range .ports }}
    - port: {{ . | int }}
      protocol: TCP
    {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "carillon.egressDns" -}}
{{- with .Values.networkPolicy.dns -}}
- ports:
    {{- range .ports }}
    - { port: {{ . | int }}, protocol: UDP }
    - { port: {{ . | int }}, protocol: TCP }
    {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* Of a dict root and component of the trial server. */}}
{{- define "carillon.trialPeer" -}}
{{- list (dict "podSelector" (dict "matchLabels" (include "carillon.selectorLabels" . | fromYaml))) | toJson -}}
{{- end -}}

{{- define "carillon.egressNats" -}}
{{- $rule := .Values.networkPolicy.nats -}}
{{- if .Values.trial.nats.enabled -}}
{{- $rule = dict "ports" (list 4222) "to" (include "carillon.trialPeer" (dict "root" . "component" "trial-nats") | fromJsonArray) -}}
{{- end -}}
{{- include "carillon.egressRule" $rule -}}
{{- end -}}

{{- define "carillon.egressPostgres" -}}
{{- $rule := .Values.networkPolicy.postgres -}}
{{- if .Values.trial.postgres.enabled -}}
{{- $rule = dict "ports" (list 5432) "to" (include "carillon.trialPeer" (dict "root" . "component" "trial-postgres") | fromJsonArray) -}}
{{- end -}}
{{- include "carillon.egressRule" $rule -}}
{{- end -}}

{{/* Of a workload: the internet, but for private networks; nothing where its list of addresses is empty. */}}
{{- define "carillon.egressInternet" -}}
{{- $internet := .root.Values.networkPolicy.internet -}}
{{- $to := list -}}
{{- range .settings.networkPolicy.internetCidrs -}}
{{- $block := dict "cidr" . -}}
{{- if eq . "0.0.0.0/0" }}{{ $_ := set $block "except" $internet.except }}{{ end -}}
{{- if eq . "::/0" }}{{ $_ := set $block "except" $internet.exceptV6 }}{{ end -}}
{{- $to = append $to (dict "ipBlock" $block) -}}
{{- end -}}
{{- if $to }}{{ include "carillon.egressRule" (dict "ports" $internet.ports "to" $to) }}{{ end -}}
{{- end -}}

{{- define "carillon.egressTelemetry" -}}
{{- if .Values.telemetry.endpoint }}{{ include "carillon.egressRule" .Values.networkPolicy.telemetry }}{{ end -}}
{{- end -}}

{{- define "carillon.ingressMonitoring" -}}
- ports:
    - { port: 8080, protocol: TCP }
  from:
    - namespaceSelector:
        matchLabels:
          {{- toYaml .Values.networkPolicy.monitoring.namespaceLabels | nindent 10 }}
{{- end -}}
