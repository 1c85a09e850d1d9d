// Every object that the chart makes is one that Kubernetes takes, and mistakes are noticed.
import { assert, describe, it } from "@effect/vitest"
import { parse } from "yaml"
import { manifestsOf } from "../../deploy/helm/Render.ts"
import { describeWithTools, namings, template, valuesFiles } from "./Helm.ts"
import type { Manifest } from "./Objects.ts"
import { listed, problems } from "./Schema.ts"

describeWithTools("the chart's objects", () => {
  it("are what Kubernetes and the operators take, under all names and in all versions", async () => {
    const texts = await Promise.all(valuesFiles.flatMap((values) => namings.map((naming) => template(values, naming))))
    const objects = texts.flatMap((text) => manifestsOf(text).map(({ object }) => object))
    assert.deepStrictEqual(await listed(objects), [])
  })
})

const object = (apiVersion: string, kind: string, spec: string) =>
  ({ apiVersion, kind, metadata: { name: "x" }, ...parse(spec) }) as Manifest

const pod = "{ containers: [{ name: a, image: a:1 }] }"
const deployment = (spec: string) =>
  object("apps/v1", "Deployment", `spec: { selector: {}, template: { spec: ${pod} }, ${spec} }`)
const container = (field: string) => object("v1", "Pod", `spec: { containers: [{ name: a, image: a:1, ${field} }] }`)
const scaled = (field: string) =>
  object(
    "keda.sh/v1alpha1",
    "ScaledObject",
    `spec: { scaleTargetRef: { name: x }, triggers: [{ type: cpu, metadata: {} }], ${field} }`
  )
const stream = (field: string) => object("jetstream.nats.io/v1beta2", "Stream", `spec: { name: X, ${field} }`)

/** Each would be taken but for one mistake. */
const mistakes: Readonly<Record<string, Manifest>> = {
  "an unknown field": deployment("replica: 3"),
  "an unknown field far down": container("securityContext: { readonlyRootFilesystem: true }"),
  "a field of another place": container("serviceAccountName: x"),
  "a number as text": deployment('replicas: "3"'),
  "text as a number": container("env: [{ name: A, value: 1 }]"),
  "half a pod": deployment("replicas: 1.5"),
  "nothing where something must be": deployment("strategy: null"),
  "a word that is not known": container("imagePullPolicy: Sometimes"),
  "a field that is missing": object("apps/v1", "Deployment", `spec: { template: { spec: ${pod} } }`),
  "a field that is missing far down": object("v1", "Pod", "spec: { containers: [{ image: a:1 }] }"),
  "a version of an API that is gone": object("policy/v1beta1", "PodDisruptionBudget", "spec: { maxUnavailable: 1 }"),
  "a kind that there is not": object("apps/v1", "Deploymant", "spec: {}"),
  "an unknown field of KEDA": scaled("minReplicas: 1"),
  "a number that KEDA wants as text": object(
    "keda.sh/v1alpha1",
    "ScaledObject",
    "spec: { scaleTargetRef: { name: x }, triggers: [{ type: nats-jetstream, metadata: { lagThreshold: 10 } }] }"
  ),
  "an unknown field of a PodMonitor": object(
    "monitoring.coreos.com/v1",
    "PodMonitor",
    "spec: { selector: {}, podMetricsEndpoints: [{ portName: http }] }"
  ),
  "an unknown field of a rule": object(
    "monitoring.coreos.com/v1",
    "PrometheusRule",
    "spec: { groups: [{ name: a, rules: [{ alert: A, exp: up }] }] }"
  ),
  "a time that Prometheus does not take": object(
    "monitoring.coreos.com/v1",
    "PrometheusRule",
    "spec: { groups: [{ name: a, rules: [{ alert: A, expr: up, for: 5 minutes }] }] }"
  ),
  "an unknown field of a Stream": stream("replica: 3"),
  "a storage that NATS has not": stream("storage: disk"),
  "a time without its unit": stream('maxAge: "30"'),
  "a Consumer without its Stream": object("jetstream.nats.io/v1beta2", "Consumer", "spec: { durableName: x }"),
  "a version of External Secrets that is gone": object("external-secrets.io/v1beta1", "ExternalSecret", "spec: {}"),
  "an unknown field of an ExternalSecret": object(
    "external-secrets.io/v1",
    "ExternalSecret",
    "spec: { secretStore: x }"
  )
}

const right: ReadonlyArray<Manifest> = [
  deployment("replicas: 3"),
  container("imagePullPolicy: Always"),
  scaled("minReplicaCount: 1"),
  stream("maxAge: 720h, storage: file"),
  object("jetstream.nats.io/v1beta2", "Consumer", "spec: { durableName: x, streamName: X }"),
  object("external-secrets.io/v1", "ExternalSecret", "spec: { secretStoreRef: { name: x } }")
]

describe("the schemas", () => {
  const found = problems(Object.values(mistakes))

  it("take what is right", async () => {
    assert.deepStrictEqual(await listed(right), [])
  })

  it.each(Object.keys(mistakes).map((what, index) => [what, index] as const))("notice %s", async (_, index) => {
    assert.isNotEmpty((await found)[index])
  })
})
