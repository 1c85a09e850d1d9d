// What may stand under a key of values.yaml, where its default does not say it.
export type Shape = Readonly<Record<string, unknown>>

const text = { type: "string" }
const texts: Shape = { type: "object", additionalProperties: text }
const objects: Shape = { type: "array", items: { type: "object" } }
const oneOf = (...values: ReadonlyArray<unknown>): Shape => ({ enum: values })
const from = (minimum: number, maximum?: number): Shape => ({
  type: "integer",
  minimum,
  ...(maximum === undefined ? {} : { maximum })
})
const matching = (pattern: string): Shape => ({ type: "string", pattern })
const closed = (properties: Shape, required: ReadonlyArray<string>): Shape => ({
  type: "object",
  properties,
  required,
  additionalProperties: false
})

/** Of a resource: 100m, "1", 2, 256Mi. */
const quantities: Shape = { type: "object", additionalProperties: { type: ["string", "number"] } }
const resources: Shape = {
  type: "object",
  properties: { requests: quantities, limits: quantities },
  additionalProperties: false
}
const size = matching("^$|^[0-9]+(Ki|Mi|Gi|Ti)$")
const duration = matching("^([0-9]+(ms|s|m|h))+$")
const ports: Shape = { type: "array", items: from(1, 65_535), minItems: 1 }
const addresses: Shape = { type: "array", items: matching("^[0-9a-fA-F.:]+/[0-9]{1,3}$") }
const secretKey = closed({ secret: { type: "string", minLength: 1 }, key: { type: "string", minLength: 1 } }, [
  "secret",
  "key"
])
const settingName = "^[A-Z][A-Z0-9_]*$"

/** By the end of the path, the longest first. */
export const shapes: Readonly<Record<string, Shape>> = {
  "image.digest": matching("^$|^sha256:[0-9a-f]{64}$"),
  "image.pullPolicy": oneOf("Always", "IfNotPresent", "Never"),
  imagePullSecrets: { type: "array", items: closed({ name: text }, ["name"]) },
  commonLabels: texts,
  commonAnnotations: texts,
  replicas: from(0),
  resources,
  env: { type: "object", propertyNames: { pattern: settingName }, additionalProperties: text },
  secretFiles: { type: "object", propertyNames: { pattern: settingName }, additionalProperties: secretKey },
  shutdownGraceSeconds: from(1, 3_600),
  terminationMarginSeconds: from(5),
  maxUnavailable: { anyOf: [from(0), matching("^[0-9]{1,3}%$")] },
  topologySpread: {
    type: "array",
    items: closed(
      {
        topologyKey: text,
        maxSkew: from(1),
        whenUnsatisfiable: oneOf("ScheduleAnyway", "DoNotSchedule"),
        minDomains: from(1),
        nodeAffinityPolicy: oneOf("Honor", "Ignore"),
        nodeTaintsPolicy: oneOf("Honor", "Ignore")
      },
      ["topologyKey", "maxSkew", "whenUnsatisfiable"]
    )
  },
  internetCidrs: addresses,
  ingress: objects,
  egress: objects,
  podAnnotations: texts,
  podLabels: texts,
  serviceAccountAnnotations: texts,
  nodeSelector: texts,
  tolerations: objects,
  affinity: { type: "object" },
  extraVolumes: objects,
  extraVolumeMounts: objects,
  minReplicas: from(1, 50),
  maxReplicas: from(1, 50),
  /** In the services that have them, see Schema.ts. */
  senders: { type: "object" },
  config: { type: "object" },
  "nats.url": matching("^$|^(nats|tls)://[^ ,]+(,(nats|tls)://[^ ,]+)*$"),
  "nats.auth.kind": oneOf("none", "nkeys", "creds", "token", "password"),
  "streams.manage": oneOf("job", "nack", "none"),
  "streams.replicas": oneOf(1, 3, 5),
  "migrations.manage": oneOf("job", "service"),
  backoffLimit: from(0),
  to: objects,
  ports,
  except: addresses,
  exceptV6: addresses,
  namespaceLabels: texts,
  "autoscaling.kind": oneOf("none", "hpa", "keda"),
  targetCPUUtilizationPercentage: from(10, 100),
  monitoringEndpoint: matching("^$|^[^/ ]+:[0-9]+$"),
  lagThreshold: from(1),
  "fallback.replicas": from(1, 50),
  "monitoring.kind": oneOf("none", "podMonitor", "serviceMonitor"),
  labels: texts,
  interval: duration,
  scrapeTimeout: duration,
  refreshInterval: duration,
  excludeRules: { type: "array", items: text },
  "telemetry.endpoint": matching("^$|^https?://"),
  "telemetry.protocol": oneOf("http/protobuf", "http/json"),
  "secretStoreRef.kind": oneOf("SecretStore", "ClusterSecretStore"),
  secrets: { type: "object", additionalProperties: objects },
  "nats.storage": size,
  "postgres.storage": size,
  extraObjects: { type: "array", items: { type: ["object", "string"] } }
}

/** Of a sender beside what every service may have. */
export const sender: Shape = {
  secret: { type: "string", minLength: 1, description: "The secret that its token or signing secret is in" },
  key: { type: "string", minLength: 1, description: "Its key there" }
}
export const senderName = "^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$"
