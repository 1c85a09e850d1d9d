// What a release consists of, and the pods that it makes, however they are made.

import type { IScaledObject } from "@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject"
import type { IPodMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor"
import type { IPrometheusRule } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule"
import type { IServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor"
import type { IDeployment } from "kubernetes-models/apps/v1/Deployment"
import type { IStatefulSet } from "kubernetes-models/apps/v1/StatefulSet"
import type { IHorizontalPodAutoscaler } from "kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler"
import type { ICronJob } from "kubernetes-models/batch/v1/CronJob"
import type { IJob } from "kubernetes-models/batch/v1/Job"
import type { INetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy"
import type { IPodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget"
import type { IConfigMap } from "kubernetes-models/v1/ConfigMap"
import type { IContainer } from "kubernetes-models/v1/Container"
import type { IPod } from "kubernetes-models/v1/Pod"
import type { IPodSpec } from "kubernetes-models/v1/PodSpec"
import type { ISecret } from "kubernetes-models/v1/Secret"
import type { IService } from "kubernetes-models/v1/Service"
import type { IServiceAccount } from "kubernetes-models/v1/ServiceAccount"
import type { Labels, Manifest } from "../../deploy/helm/Render.ts"

export type { Labels, Manifest }

/** What checks ask of the values. */
export interface Given {
  readonly defaults?: {
    readonly podLabels?: Labels
    readonly podAnnotations?: Labels
    readonly nodeSelector?: object
    readonly tolerations?: object
    readonly affinity?: object
    readonly priorityClassName?: string
  }
  readonly jobs?: { readonly podLabels?: Labels; readonly podAnnotations?: Labels }
  readonly networkPolicy?: {
    readonly enabled?: boolean
    readonly dns?: {
      readonly to?: ReadonlyArray<{ readonly ipBlock?: { readonly cidr: string } }>
      readonly ports?: ReadonlyArray<number>
    }
  }
  readonly monitoring?: { readonly rules?: { readonly excludeRules?: ReadonlyArray<string> } }
}

export interface Release {
  /** As a test's failure tells it. */
  readonly title: string
  /** What its file of values says. */
  readonly given: Given
  readonly name: string
  readonly namespace: string
  /** Without those that the values bring as they are. */
  readonly objects: ReadonlyArray<Manifest>
}

interface Kinds {
  Deployment: IDeployment
  StatefulSet: IStatefulSet
  Job: IJob
  CronJob: ICronJob
  Pod: IPod
  Service: IService
  ServiceAccount: IServiceAccount
  ConfigMap: IConfigMap
  Secret: ISecret
  PodDisruptionBudget: IPodDisruptionBudget
  NetworkPolicy: INetworkPolicy
  HorizontalPodAutoscaler: IHorizontalPodAutoscaler
  ScaledObject: IScaledObject
  PodMonitor: IPodMonitor
  ServiceMonitor: IServiceMonitor
  PrometheusRule: IPrometheusRule
}

/** What else it is has been shown by its schema (test/kubernetes/Schemas.test.ts). */
export const ofKind = <Kind extends keyof Kinds>(release: Release, kind: Kind) =>
  release.objects.filter((object) => object.kind === kind) as unknown as ReadonlyArray<Kinds[Kind] & Manifest>

export interface Workload {
  readonly object: Manifest
  readonly called: string
  readonly kind: "Deployment" | "StatefulSet" | "Job" | "CronJob" | "Pod"
  readonly labels: Labels
  readonly annotations: Labels
  readonly pod: IPodSpec
  /** How many there are at least; of a job one. */
  readonly replicas: number
}

/** Whatever makes pods. */
export const workloads = (release: Release): ReadonlyArray<Workload> => [
  ...ofKind(release, "Deployment").map((it) => workload(it, "Deployment", it.spec?.template, it.spec?.replicas)),
  ...ofKind(release, "StatefulSet").map((it) => workload(it, "StatefulSet", it.spec?.template, it.spec?.replicas)),
  ...ofKind(release, "Job").map((it) => workload(it, "Job", it.spec?.template)),
  ...ofKind(release, "CronJob").map((it) => workload(it, "CronJob", it.spec?.jobTemplate.spec?.template)),
  ...ofKind(release, "Pod").map((it) => workload(it, "Pod", it))
]

const workload = (
  object: Manifest,
  kind: Workload["kind"],
  template: { metadata?: { labels?: Labels; annotations?: Labels }; spec?: IPodSpec } | undefined,
  replicas = 1
): Workload => {
  if (!template?.spec) throw new Error(`${called(object)} has no pod`)
  const { metadata, spec } = template
  return {
    object,
    called: called(object),
    kind,
    labels: metadata?.labels ?? {},
    annotations: metadata?.annotations ?? {},
    pod: spec,
    replicas
  }
}

/** Those that are to run all the time. */
export const isService = ({ kind }: Workload) => kind === "Deployment" || kind === "StatefulSet"

/** It only waits for somebody who runs a command in it, and answers nobody. */
export const isToolbox = ({ labels }: Workload) => labels["app.kubernetes.io/component"] === "toolbox"

export const called = ({ kind, metadata }: Manifest) => `${kind}/${metadata.name}`

export const containersOf = ({ pod }: Workload): ReadonlyArray<IContainer> => [
  ...(pod.initContainers ?? []),
  ...pod.containers
]

interface Selector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: ReadonlyArray<{ key: string; operator: string; values?: ReadonlyArray<string> }>
}

/** As Kubernetes does it: a selector that is empty selects all. */
export const selects = ({ matchExpressions = [], matchLabels = {} }: Selector, labels: Labels): boolean =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
  matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key]
    if (operator === "Exists") return value !== undefined
    if (operator === "DoesNotExist") return value === undefined
    const among = value !== undefined && values.includes(value)
    return operator === "In" ? among : !among
  })

/** Each look at a release finds its workloads anew. */
export const isAmong = (one: Workload, all: ReadonlyArray<Workload>) => all.some(({ called }) => called === one.called)

export const selected = (release: Release, selector: Selector | undefined): ReadonlyArray<Workload> =>
  selector === undefined ? [] : workloads(release).filter(({ labels }) => selects(selector, labels))
