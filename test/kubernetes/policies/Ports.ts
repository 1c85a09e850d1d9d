// Ports: whoever names one of a pod, names one that it has.
import {
  called,
  containersOf,
  isService,
  isToolbox,
  type Labels,
  ofKind,
  type Release,
  selected,
  selects,
  type Workload
} from "../Objects.ts"
import { changeContainer, eachContainer, eachWorkload, some, type Topic } from "../Rule.ts"

type Port = string | number | undefined

const portsOf = (workload: Workload) => containersOf(workload).flatMap(({ ports = [] }) => ports)

const has = (workload: Workload, port: Port) =>
  portsOf(workload).some(({ containerPort, name }) => port === containerPort || port === name)

const lacking = (who: string, pods: ReadonlyArray<Workload>, port: Port) =>
  pods.filter((pod) => !has(pod, port)).map((pod) => `${who}: ${pod.called} has no port ${port}`)

export const ports: Topic = {
  about: "a port",
  rules: [
    {
      says: "that a Service leads to is one of its pods'",
      broken: (release) =>
        ofKind(release, "Service").flatMap((service) =>
          (service.spec?.ports ?? []).flatMap(({ port, targetPort = port }) =>
            lacking(called(service), selected(release, { matchLabels: service.spec?.selector ?? {} }), targetPort)
          )
        ),
      bites: {
        "another name": (release) => {
          some(some(ofKind(release, "Service")).spec?.ports ?? []).targetPort = "metric"
        },
        "another number": (release) => {
          some(some(ofKind(release, "Service")).spec?.ports ?? []).targetPort = 8081
        }
      }
    },
    {
      says: "that a probe asks is its container's",
      broken: eachContainer(({ livenessProbe, ports = [], readinessProbe, startupProbe }) =>
        [livenessProbe, readinessProbe, startupProbe]
          .flatMap((probe) => [probe?.httpGet?.port, probe?.tcpSocket?.port, probe?.grpc?.port])
          .filter((port) => port !== undefined)
          .filter((port) => !ports.some(({ containerPort, name }) => port === containerPort || port === name))
          .map((port) => `a probe asks port ${port}, which it has not`)
      ),
      bites: {
        "another name": changeContainer(
          ({ livenessProbe }) => {
            if (livenessProbe?.httpGet) livenessProbe.httpGet.port = "health"
          },
          ({ livenessProbe }) => livenessProbe?.httpGet !== undefined
        )
      }
    },
    {
      says: "that a process of ours is told to listen at is its container's",
      broken: eachContainer(({ env = [], ports = [] }) =>
        env
          .filter(({ name, value }) => name === "HTTP_PORT" && !ports.some((it) => String(it.containerPort) === value))
          .map(({ value }) => `listens at ${value}`)
      ),
      bites: {
        "another number": changeContainer(
          ({ ports = [] }) => {
            some(ports).containerPort = 9090
          },
          ({ env = [] }) => env.some(({ name }) => name === "HTTP_PORT")
        )
      }
    },
    {
      says: "that a monitor reads is one of its pods'",
      broken: (release) => [
        ...ofKind(release, "PodMonitor").flatMap((monitor) =>
          (monitor.spec.podMetricsEndpoints ?? []).flatMap(({ port }) =>
            lacking(
              called(monitor),
              selected(release, monitor.spec.selector).filter((it) => isService(it) && !isToolbox(it)),
              port
            )
          )
        ),
        ...ofKind(release, "ServiceMonitor").flatMap((monitor) =>
          (monitor.spec.endpoints ?? []).flatMap(({ port }) =>
            servicesOf(release, monitor.spec.selector)
              .filter(({ spec }) => !spec?.ports?.some(({ name }) => name === port))
              .map((service) => `${called(monitor)}: ${called(service)} has no port ${port}`)
          )
        )
      ],
      bites: {
        "another name, of pods": (release) => {
          some(some(ofKind(release, "PodMonitor")).spec.podMetricsEndpoints ?? []).port = "metric"
        },
        "another name, of a Service": (release) => {
          some(some(ofKind(release, "ServiceMonitor")).spec.endpoints ?? []).port = "metric"
        }
      }
    },
    {
      says: "that a NetworkPolicy lets others in at is one of its pods'",
      broken: (release) =>
        ofKind(release, "NetworkPolicy").flatMap((policy) =>
          (policy.spec?.ingress ?? []).flatMap(({ ports = [] }) =>
            ports.flatMap(({ port }) => lacking(called(policy), selected(release, policy.spec?.podSelector), port))
          )
        ),
      bites: {
        "another number": (release) => {
          const rules = ofKind(release, "NetworkPolicy").flatMap(({ spec }) => spec?.ingress ?? [])
          some(some(rules, ({ ports }) => Boolean(ports?.length)).ports ?? []).port = 9090
        }
      }
    },
    {
      says: "has a name that Kubernetes takes, once in its pod",
      broken: eachWorkload((workload) => {
        const names = portsOf(workload).flatMap(({ name }) => name ?? [])
        return [
          ...names.filter((name) => name.length > 15 || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || !/[a-z]/.test(name)),
          ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `${name} twice`)
        ]
      }),
      bites: {
        "one that is too long": changeContainer(
          ({ ports = [] }) => {
            some(ports).name = "metrics-of-carillon"
          },
          ({ ports = [] }) => ports.length > 0
        )
      }
    }
  ]
}

export const servicesOf = (release: Release, selector: { matchLabels?: Labels } | undefined) =>
  ofKind(release, "Service").filter(({ metadata }) => selects(selector ?? {}, metadata.labels ?? {}))
