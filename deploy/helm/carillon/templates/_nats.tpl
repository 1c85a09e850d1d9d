{{/* How a process gets to NATS, and as whom: of a dict root and user, as `carillon nats users` names it. */}}

{{- define "carillon.natsUrl" -}}
{{- if .Values.trial.nats.enabled }}nats://{{ include "carillon.name" (dict "root" . "component" "trial-nats") }}:4222
{{- else }}{{ .Values.nats.url }}{{ end -}}
{{- end -}}

{{- define "carillon.natsAuthKind" -}}
{{- if .Values.trial.nats.enabled }}none{{ else }}{{ .Values.nats.auth.kind }}{{ end -}}
{{- end -}}

{{/* Where the streams are: users of `carillon nats users` are in an account, and a server without accounts calls its only one $G. */}}
{{- define "carillon.natsAccount" -}}
{{- $byUsers := has (include "carillon.natsAuthKind" .) (list "nkeys" "creds") -}}
{{- .Values.autoscaling.keda.account | default (ternary "CARILLON" "$G" $byUsers) -}}
{{- end -}}

{{- define "carillon.nats" -}}
{{- $nats := .root.Values.nats -}}
{{- $env := dict "NATS_URL" (include "carillon.natsUrl" .root) "NATS_INBOX_PREFIX" (printf "_INBOX.%s" .user) -}}
{{- $keys := dict -}}
{{- $kind := include "carillon.natsAuthKind" .root -}}
{{- if eq $kind "nkeys" -}}
{{- $_ := set $keys (printf "%s.nk" .user) "user.nk" -}}
{{- $_ := set $env "NATS_NKEY" "/run/carillon/nats/user.nk" -}}
{{- else if eq $kind "creds" -}}
{{- $_ := set $keys (printf "%s.creds" .user) "user.creds" -}}
{{- $_ := set $env "NATS_CREDS" "/run/carillon/nats/user.creds" -}}
{{- else if eq $kind "token" -}}
{{- $_ := set $keys $nats.auth.key "token" -}}
{{- $_ := set $env "NATS_TOKEN_FILE" "/run/carillon/nats/token" -}}
{{- else if eq $kind "password" -}}
{{- $_ := set $keys $nats.auth.key "password" -}}
{{- $_ := set $env "NATS_USER" $nats.auth.user -}}
{{- $_ := set $env "NATS_PASSWORD_FILE" "/run/carillon/nats/password" -}}
{{- end -}}
{{- $files := list -}}
{{- if $keys }}{{ $files = include "carillon.secretItems" (dict "topic" "nats" "secret" $nats.auth.existingSecret "keys" $keys) | fromJsonArray }}{{ end -}}
{{- if and $nats.tls.existingSecret (not .root.Values.trial.nats.enabled) -}}
{{- $tls := dict -}}
{{- range $setting, $key := dict "NATS_CA" $nats.tls.caKey "NATS_CERT" $nats.tls.certKey "NATS_KEY" $nats.tls.keyKey -}}
{{- if $key -}}
{{- $_ := set $tls $key $key -}}
{{- $_ := set $env $setting (printf "/run/carillon/nats-tls/%s" $key) -}}
{{- end -}}
{{- end -}}
{{- $files = concat $files (include "carillon.secretItems" (dict "topic" "nats-tls" "secret" $nats.tls.existingSecret "keys" $tls) | fromJsonArray) -}}
{{- end -}}
{{- if $nats.tls.first }}{{ $_ := set $env "NATS_TLS_FIRST" "true" }}{{ end -}}
{{- dict "env" $env "files" $files | toJson -}}
{{- end -}}
