{{/* Names and labels. A scope is a dict: root (the chart's own context) and component, with sender for a gateway's. */}}

{{/* Of a dict text and most: as it is, or its beginning and a hash, so that two long ones do not become one. */}}
{{- define "carillon.short" -}}
{{- if le (len .text) .most }}{{ .text }}
{{- else }}{{ printf "%s-%s" (trunc (int (sub .most 9)) .text | trimSuffix "-") (sha256sum .text | trunc 8) }}
{{- end -}}
{{- end -}}

{{- define "carillon.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $whole := printf "%s-%s" .Release.Name $name -}}
{{- if contains $name .Release.Name }}{{ $whole = .Release.Name }}{{ end -}}
{{- include "carillon.short" (dict "text" (default $whole .Values.fullnameOverride) "most" 30) -}}
{{- end -}}

{{/* Of one workload, job or part: <release>-<component>[-<sender>]. */}}
{{- define "carillon.name" -}}
{{- $parts := compact (list (include "carillon.fullname" .root) .component .sender) -}}
{{- include "carillon.short" (dict "text" (join "-" $parts) "most" 63) -}}
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
