{{/*
What a process is told, by topic. Each topic is JSON: {env: {NAME: value}, files: [{name, items, secret|configMap}]}. A file
of topic `nats` with the path `scheduler.nk` is /run/carillon/nats/scheduler.nk. Secrets are always files, never in the
environment: they can be renewed there, and are in no dump of a process.
*/}}

{{/* From {env, files} of several topics: what a container's env, mounts and volumes are made of. */}}
{{- define "carillon.joined" -}}
{{- $env := dict -}}
{{- $files := list -}}
{{- range . -}}
{{- $part := fromJson . -}}
{{- $env = mergeOverwrite $env ($part.env | default dict) -}}
{{- $files = concat $files ($part.files | default list) -}}
{{- end -}}
{{- dict "env" $env "files" ($files | uniq) | toJson -}}
{{- end -}}

{{- define "carillon.env" -}}
{{- range $name, $value := .parts.env -}}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{ end -}}
{{- end -}}

{{- define "carillon.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- range .parts.files }}
- name: {{ .name }}
  mountPath: /run/carillon/{{ .name }}
  readOnly: true
{{- end }}
{{- end -}}

{{- define "carillon.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- range .parts.files }}
- name: {{ .name }}
  {{- if .secret }}
  secret:
    secretName: {{ .secret }}
    defaultMode: 0440
  {{- else }}
  configMap:
    name: {{ .configMap }}
    defaultMode: 0444
  {{- end }}
    items:
      {{- toYaml .items | nindent 6 }}
{{- end }}
{{- end -}}

{{/* Of a dict root, topic, secret and keys (path by key): files of a secret. */}}
{{- define "carillon.secretItems" -}}
{{- $items := list -}}
{{- range $key, $path := .keys -}}
{{- if $key }}{{ $items = append $items (dict "key" $key "path" $path) }}{{ end -}}
{{- end -}}
{{- list (dict "name" .topic "secret" .secret "items" $items) | toJson -}}
{{- end -}}
