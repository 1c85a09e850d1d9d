{{/* Pods in which the command line is an operator: of a scope with component, settings, parts, resources, and args or command. */}}

{{/* How it gets to NATS and, where there is a ledger, to its tables. */}}
{{- define "carillon.operatorParts" -}}
{{- $parts := list (include "carillon.nats" (dict "root" . "user" "operator")) -}}
{{- if .Values.services.ledger.enabled -}}
{{- $database := include "carillon.ledgerDatabase" . | fromJson -}}
{{- $parts = append $parts (include "carillon.postgres" (dict "root" . "database" $database "prefix" "")) -}}
{{- end -}}
{{- include "carillon.joined" $parts -}}
{{- end -}}

{{/* Its account, and its way to NATS and, with `postgres`, to Postgres. */}}
{{- define "carillon.operatorAccess" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "carillon.metadata" . | nindent 2 }}
automountServiceAccountToken: false
{{- if .root.Values.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "carillon.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "carillon.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  egress:
    {{- include "carillon.egressDns" .root | nindent 4 }}
    {{- include "carillon.egressNats" .root | nindent 4 }}
    {{- if .postgres }}
    {{- include "carillon.egressPostgres" .root | nindent 4 }}
    {{- end }}
{{- end }}
{{- end -}}

{{- define "carillon.operatorPod" -}}
{{ include "carillon.podSpec" . }}
{{- with include "carillon.placement" .settings }}
{{ . }}
{{- end }}
containers:
  - name: {{ .component }}
    {{- include "carillon.container" . | nindent 4 }}
    resources:
      {{- toYaml .resources | nindent 6 }}
volumes:
  {{- include "carillon.volumes" . | nindent 2 }}
{{- end -}}
