{{/* Values that contradict each other, or lack what they need: each is told in a sentence. Lists of sentences, by topic. */}}

{{- define "carillon.contradictions" -}}
{{- $found := list -}}
{{- range list "nats" "postgres" "streams" "services" "scaling" "secrets" -}}
{{- $found = concat $found (include (printf "carillon.contradictions.%s" .) $ | fromJsonArray) -}}
{{- end -}}
{{- $found | toJson -}}
{{- end -}}

{{- define "carillon.contradictions.nats" -}}
{{- $found := list -}}
{{- $nats := .Values.nats -}}
{{- if and .Values.trial.nats.enabled $nats.url }}{{ $found = append $found "trial.nats.enabled and nats.url exclude each other: the trial server is not yours" }}{{ end -}}
{{- if not .Values.trial.nats.enabled -}}
{{- if not $nats.url }}{{ $found = append $found "nats.url is needed: nats://host:4222 of a NATS with JetStream (or trial.nats.enabled for a first try)" }}{{ end -}}
{{- if and (ne $nats.auth.kind "none") (not $nats.auth.existingSecret) }}{{ $found = append $found (printf "nats.auth.kind is %s: name the secret in nats.auth.existingSecret (or say kind: none)" $nats.auth.kind) }}{{ end -}}
{{- if and (eq $nats.auth.kind "password") (not $nats.auth.user) }}{{ $found = append $found "nats.auth.kind is password: nats.auth.user is needed" }}{{ end -}}
{{- if and (eq $nats.auth.kind "none") $nats.auth.existingSecret }}{{ $found = append $found "nats.auth.kind is none, but nats.auth.existingSecret names a secret: say of which kind it is" }}{{ end -}}
{{- if contains "@" $nats.url }}{{ $found = append $found "nats.url holds a user: that belongs into a secret, see nats.auth" }}{{ end -}}
{{- if ne (empty $nats.tls.certKey) (empty $nats.tls.keyKey) }}{{ $found = append $found "nats.tls.certKey and nats.tls.keyKey belong together" }}{{ end -}}
{{- if and (hasPrefix "nats://" $nats.url) $nats.tls.first (not $nats.tls.existingSecret) }}{{ $found = append $found "nats.tls.first is for TLS: say tls:// in nats.url, or name nats.tls.existingSecret" }}{{ end -}}
{{- end -}}
{{- $found | toJson -}}
{{- end -}}

{{- define "carillon.contradictions.postgres" -}}
{{- $found := list -}}
{{- $services := .Values.services -}}
{{- $there := or .Values.postgres.existingSecret .Values.trial.postgres.enabled -}}
{{- if and .Values.trial.postgres.enabled .Values.postgres.existingSecret }}{{ $found = append $found "trial.postgres.enabled and postgres.existingSecret exclude each other: the trial server is not yours" }}{{ end -}}
{{- if and $services.ledger.enabled (not $there) }}{{ $found = append $found "the ledger needs Postgres: name its secret in postgres.existingSecret (or trial.postgres.enabled for a first try)" }}{{ end -}}
{{- if and (index $services "table-bridge").enabled (not $there) (not (index $services "table-bridge").database.existingSecret) }}{{ $found = append $found "the table bridge needs Postgres: services.table-bridge.database.existingSecret, or postgres.existingSecret" }}{{ end -}}
{{- if and .Values.trial.postgres.enabled .Values.migrations.database.existingSecret }}{{ $found = append $found "migrations.database.existingSecret is of a Postgres of yours, and trial.postgres.enabled makes another" }}{{ end -}}
{{- if and (eq .Values.migrations.manage "service") .Values.migrations.database.existingSecret }}{{ $found = append $found "migrations.manage is service: then the ledger's own user makes the tables, and migrations.database.existingSecret is not used" }}{{ end -}}
{{- $found | toJson -}}
{{- end -}}

{{- define "carillon.contradictions.streams" -}}
{{- $found := list -}}
{{- if and (eq .Values.streams.manage "nack") .Values.trial.nats.enabled }}{{ $found = append $found "streams.manage is nack: its controller is connected to a NATS of yours, not to the trial one" }}{{ end -}}
{{- if and .Values.streams.nack.account (ne .Values.streams.manage "nack") }}{{ $found = append $found "streams.nack.account is set, but streams.manage is not nack" }}{{ end -}}
{{- if and .Values.trial.nats.enabled (gt (int .Values.streams.replicas) 1) }}{{ $found = append $found "streams.replicas is more than the one server of trial.nats" }}{{ end -}}
{{- $found | toJson -}}
{{- end -}}

{{- define "carillon.contradictions.services" -}}
{{- $found := list -}}
{{- $facts := .Files.Get "files/services.yaml" | fromYaml -}}
{{- range $service, $own := .Values.services -}}
{{- $fact := get $facts $service -}}
{{- if and $fact.gateway $own.enabled (not $own.senders) }}{{ $found = append $found (printf "%s is enabled without a sender: name its secret in services.%s.senders.default" $service $service) }}{{ end -}}
{{- end -}}
{{- range include "carillon.workloads" . | fromJsonArray -}}
{{- $name := join "." (compact (list .component .sender)) -}}
{{- if and .sender (not (and .settings.secret .settings.key)) }}{{ $found = append $found (printf "%s: a sender needs its secret and the key in it" $name) }}{{ end -}}
{{- if and .fact.gateway (gt (int .settings.replicas) 3) }}{{ $found = append $found (printf "%s: %d replicas are of no use. One is active, the others stand by for it; two are enough" $name (int .settings.replicas)) }}{{ end -}}
{{- if and .settings.podDisruptionBudget.enabled (eq (toString .settings.podDisruptionBudget.maxUnavailable) "0") }}{{ $found = append $found (printf "%s: podDisruptionBudget.maxUnavailable 0 would block every drain of a node" $name) }}{{ end -}}
{{- end -}}
{{- $found | toJson -}}
{{- end -}}

{{- define "carillon.contradictions.scaling" -}}
{{- $found := list -}}
{{- $facts := .Files.Get "files/services.yaml" | fromYaml -}}
{{- $keda := .Values.autoscaling.keda -}}
{{- if and (eq .Values.autoscaling.kind "keda") (not $keda.monitoringEndpoint) }}{{ $found = append $found "autoscaling.kind is keda: autoscaling.keda.monitoringEndpoint is needed, the headless service of NATS with port 8222" }}{{ end -}}
{{- $auth := include "carillon.natsAuthKind" . -}}
{{- if and (eq .Values.autoscaling.kind "keda") (eq $keda.account "$G") (has $auth (list "nkeys" "creds")) }}{{ $found = append $found (printf "autoscaling.keda.account is $G, but nats.auth.kind is %s: with users of `carillon nats users` the streams are in CARILLON. Leave it empty" $auth) }}{{ end -}}
{{- if and (eq .Values.autoscaling.kind "keda") $keda.account (ne $keda.account "$G") (eq $auth "token") }}{{ $found = append $found (printf "autoscaling.keda.account is %s, but nats.auth.kind is token: a server with a token has no accounts, and the streams are in $G. Leave it empty" $keda.account) }}{{ end -}}
{{- range $service, $own := .Values.services -}}
{{- $scaling := $own.autoscaling -}}
{{- if $scaling -}}
{{- if not (get $facts $service).scales }}{{ $found = append $found (printf "services.%s.autoscaling: it cannot be scaled. Of a gateway's pods one is active for each sender, of ledgers one projects: set replicas to 2, for one that stands by" $service) }}
{{- else if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) }}{{ $found = append $found (printf "services.%s.autoscaling: minReplicas %d is above maxReplicas %d" $service (int $scaling.minReplicas) (int $scaling.maxReplicas)) }}
{{- end -}}
{{- if and (eq $.Values.autoscaling.kind "keda") (gt (int $keda.fallback.replicas) (int $scaling.maxReplicas)) }}{{ $found = append $found (printf "autoscaling.keda.fallback.replicas %d is above services.%s.autoscaling.maxReplicas" (int $keda.fallback.replicas) $service) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- $found | toJson -}}
{{- end -}}

{{- define "carillon.contradictions.secrets" -}}
{{- $found := list -}}
{{- $secret := "^(.*_)?(TOKENS?|SECRETS?|PASSWORD|HEADERS|NKEY|CREDS|DATABASE_URL|LISTEN_URL)$" -}}
{{- $ours := "^(HTTP_PORT|STREAMS_.*|TABLES_MANAGE|SHUTDOWN_GRACE_SECONDS|TABLE_BRIDGE_CONFIG|NATS_.*|DATABASE_.*_FILE|OTEL_EXPORTER_OTLP_.*)$" -}}
{{- $envs := dict "telemetry" .Values.telemetry.env -}}
{{- range include "carillon.workloads" . | fromJsonArray }}{{ $_ := set $envs (join "." (compact (list .component .sender))) .settings.env }}{{ end -}}
{{- range $where, $env := $envs -}}
{{- range $setting, $value := $env -}}
{{- if and (regexMatch $secret $setting) (ne $value "none") }}{{ $found = append $found (printf "%s: %s is a secret: name it in secretFiles, not in env" $where $setting) }}
{{- else if and (ne $where "telemetry") (regexMatch $ours $setting) }}{{ $found = append $found (printf "%s: %s is set by the chart itself, from its other values" $where $setting) }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.externalSecrets.enabled (not .Values.externalSecrets.secretStoreRef.name) }}{{ $found = append $found "externalSecrets.enabled: externalSecrets.secretStoreRef.name is needed" }}{{ end -}}
{{- if and .Values.telemetry.headers.existingSecret (not .Values.telemetry.endpoint) }}{{ $found = append $found "telemetry.headers without telemetry.endpoint: nothing would be sent" }}{{ end -}}
{{- $found | uniq | toJson -}}
{{- end -}}
