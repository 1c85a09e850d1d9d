{{/* Names and labels. A scope is a dict: root (the chart's own context) and component, with sender for a gateway's. */}}

{{- define "carillon.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}{{ .Values.fullnameOverride | trunc 30 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}{{ .Release.Name | trunc 30 | trimSuffix "-" }}
{{- else -}}{{ printf "%s-%s" .Release.Name $name | trunc 30 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{/* Of one workload, job or part: <release>-<component>[-<sender>]. */}}
{{- define "carillon.name" -}}
{{- $parts := list (include "carillon.fullname" .root) .component -}}
{{- if .sender }}{{ $parts = append $parts .sender }}{{ end -}}
{{- join "-" $parts | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* What selects all pods of this release. */}}
{{- define "carillon.releaseLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "carillon.selectorLabels" -}}
{{ include "carillon.releaseLabels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- with .sender }}
carillon/sender: {{ . }}
{{- end }}
{{- end -}}

{{- define "carillon.labels" -}}
{{- $labels := include "carillon.selectorLabels" . | fromYaml -}}
{{- $_ := set $labels "app.kubernetes.io/part-of" "carillon" -}}
{{- $_ := set $labels "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- $_ := set $labels "app.kubernetes.io/version" (.root.Chart.AppVersion | toString) -}}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_") -}}
{{- if hasPrefix "trial-" .component }}{{ $_ := set $labels "carillon/trial" "true" }}{{ end -}}
{{- mergeOverwrite (deepCopy .root.Values.commonLabels) (.labels | default dict) $labels | toYaml -}}
{{- end -}}

{{/* Of pods: nothing that changes with the chart alone, or every pod would be replaced for nothing. */}}
{{- define "carillon.podLabels" -}}
{{- mergeOverwrite (deepCopy .root.Values.commonLabels) (((.settings).podLabels) | default dict) (include "carillon.selectorLabels" . | fromYaml) | toYaml -}}
{{- end -}}

{{/* metadata of any object; `labels` and `annotations` of the scope are added to the common ones. */}}
{{- define "carillon.metadata" -}}
name: {{ .name | default (include "carillon.name" .) }}
namespace: {{ .namespace | default .root.Release.Namespace }}
labels:
  {{- include "carillon.labels" . | nindent 2 }}
{{- with mergeOverwrite (deepCopy .root.Values.commonAnnotations) (.annotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
