{{/* What every pod of ours has. */}}

{{- define "carillon.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "carillon.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "carillon.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Of a scope: the beginning of a pod's spec. */}}
{{- define "carillon.podSpec" -}}
serviceAccountName: {{ include "carillon.name" (omit . "sender") }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "carillon.podSecurity" . | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Of a workload's settings: where its pods may run, and before whom. */}}
{{- define "carillon.placement" -}}
{{- $placed := dict -}}
{{- range $key := list "nodeSelector" "tolerations" "affinity" "priorityClassName" -}}
{{- with get $ $key }}{{ $_ := set $placed $key . }}{{ end -}}
{{- end -}}
{{- with $placed }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* JSON: what pods that are no service's have of a workload's settings. */}}
{{- define "carillon.jobSettings" -}}
{{- mergeOverwrite (deepCopy .Values.defaults) (pick .Values.jobs "podAnnotations" "podLabels" | deepCopy) | toJson -}}
{{- end -}}

{{/* Of a scope with `parts` (see _parts.tpl): a container that runs our image with `args`, or `command` in it. */}}
{{- define "carillon.container" -}}
image: {{ include "carillon.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
{{- with .command }}
command: {{ toJson . }}
{{- else }}
args: {{ toJson .args }}
{{- end }}
securityContext:
  {{- include "carillon.containerSecurity" . | nindent 2 }}
env:
  {{- include "carillon.env" . | nindent 2 }}
volumeMounts:
  {{- include "carillon.volumeMounts" . | nindent 2 }}
{{- end -}}
