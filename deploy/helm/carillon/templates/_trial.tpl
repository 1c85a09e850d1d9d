{{/* What the two trial servers share. */}}

{{/* Empty where there is no trial Postgres. */}}
{{- define "carillon.trialDatabaseUrl" -}}
{{- with .Values.trial.postgres -}}
{{- if .enabled }}postgres://carillon:{{ .password | urlquery }}@{{ include "carillon.name" (dict "root" $ "component" "trial-postgres") }}:5432/carillon{{ end -}}
{{- end -}}
{{- end -}}

{{- define "carillon.trialVolume" -}}
{{- if not .storage -}}
- name: data
  emptyDir:
    sizeLimit: 1Gi
{{- end -}}
{{- end -}}

{{- define "carillon.trialClaim" -}}
{{- if .storage -}}
volumeClaimTemplates:
  - apiVersion: v1
    kind: PersistentVolumeClaim
    metadata:
      name: data
    spec:
      accessModes: [ReadWriteOnce]
      {{- with .storageClassName }}
      storageClassName: {{ . }}
      {{- end }}
      resources:
        requests:
          storage: {{ .storage }}
{{- end -}}
{{- end -}}

{{/* Only pods of this release get in, and nothing gets out. */}}
{{- define "carillon.trialNetwork" -}}
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
  ingress:
    - ports:
        - { port: {{ .port }}, protocol: TCP }
      from:
        - podSelector:
            matchLabels:
              {{- include "carillon.releaseLabels" .root | nindent 14 }}
{{- end }}
{{- end -}}
