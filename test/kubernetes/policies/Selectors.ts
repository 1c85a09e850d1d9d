// Selectors: each finds the pods that it means, all of them, and no others.
import {
  called,
  isAmong,
  isService,
  isToolbox,
  type Labels,
  type Manifest,
  ofKind,
  type Release,
  selected,
  workloads
} from "../Objects.ts"
import { changeWorkload, eachWorkload, some, type Topic } from "../Rule.ts"
import { servicesOf } from "./Ports.ts"

const component = "app.kubernetes.io/component"
const sender = "carillon/sender"
const instance = "app.kubernetes.io/instance"

const changing = (labels: object = {}) =>
  Object.keys(labels).filter((key) => /version|chart|managed-by|revision|checksum/.test(key))

const claimsOf = (release: Release) =>
  ofKind(release, "StatefulSet").flatMap(({ spec }) => spec?.volumeClaimTemplates ?? [])

type Selector = Parameters<typeof selected>[1]
interface Selecting {
  readonly object: Manifest
  readonly selector: Selector
}

/** Objects that select pods of their own release, except workloads. */
const selecting = (release: Release): ReadonlyArray<Selecting> => [
  ...ofKind(release, "Service").map((it) => ({ object: it, selector: { matchLabels: it.spec?.selector ?? {} } })),
  ...ofKind(release, "PodDisruptionBudget").map((it) => ({ object: it, selector: it.spec?.selector })),
  ...ofKind(release, "NetworkPolicy").map((it) => ({ object: it, selector: it.spec?.podSelector })),
  ...ofKind(release, "PodMonitor").map((it) => ({ object: it, selector: it.spec.selector }))
]

const owning = (release: Release): ReadonlyArray<Selecting> => [
  ...ofKind(release, "Deployment").map((it) => ({ object: it, selector: it.spec?.selector })),
  ...ofKind(release, "StatefulSet").map((it) => ({ object: it, selector: it.spec?.selector }))
]

const namesOf = (found: ReadonlyArray<{ readonly called: string }>) =>
  found.map(({ called }) => called).join(", ") || "nothing"

/** Labels that say of which service a thing is: its pods have them too. */
const meant = (release: Release, { labels = {} }: Manifest["metadata"]) =>
  workloads(release).some((one) => one.labels[component] === labels[component])
    ? [component, sender].filter((key) => labels[key] !== undefined)
    : []

export const selectors: Topic = {
  about: "a selector",
  rules: [
    {
      says: "of a workload finds its own pods only",
      broken: (release) =>
        owning(release).flatMap(({ object, selector }) => {
          const found = selected(release, selector)
          return found.length === 1 && found[0]?.object === object ? [] : [`${called(object)} finds ${namesOf(found)}`]
        }),
      bites: {
        "one that finds none": changeWorkload(({ labels }) => {
          labels[component] = "other"
        }, isService),
        "one that finds others too": (release) => {
          const { spec } = some(ofKind(release, "Deployment"))
          delete spec?.selector.matchLabels?.[component]
          delete spec?.selector.matchLabels?.[sender]
        }
      }
    },
    {
      says: "of anything else finds what its own labels say",
      broken: (release) =>
        selecting(release).flatMap(({ object, selector }) => {
          const found = selected(release, selector)
          const keys = meant(release, object.metadata)
          const same = (labels: Labels) => keys.every((key) => labels[key] === object.metadata.labels?.[key])
          const other = found.filter(({ labels }) => !same(labels))
          const left = workloads(release)
            .filter((one) => keys.length > 0 && isService(one) && same(one.labels))
            .filter((one) => !isAmong(one, found))
          return [
            ...(found.length > 0 ? [] : [`${called(object)} finds nothing`]),
            ...(other.length > 0 ? [`${called(object)} finds ${namesOf(other)}`] : []),
            ...(left.length > 0 ? [`${called(object)} does not find ${namesOf(left)}`] : [])
          ]
        }),
      bites: {
        "a Service of nothing": (release) => {
          some(ofKind(release, "Service")).spec = { selector: { [component]: "other" } }
        },
        "a Service of everything": (release) => {
          const service = some(ofKind(release, "Service"), ({ metadata }) => meant(release, metadata).length > 0)
          service.spec = { selector: {} }
        },
        "a budget of another's pods": (release) => {
          const budgets = ofKind(release, "PodDisruptionBudget")
          const { metadata } = some(budgets)
          const other = some(budgets, (budget) => budget.metadata.name !== metadata.name)
          other.metadata.labels = { ...metadata.labels }
        },
        "a policy that leaves out a sender": (release) => {
          const policies = ofKind(release, "NetworkPolicy")
          const gateways = policies.filter(({ metadata }) => metadata.labels?.[component]?.endsWith("-gateway"))
          const labels = some(gateways).spec?.podSelector?.matchLabels ?? {}
          labels[sender] = "nobody"
        }
      }
    },
    {
      says: "names its release, so that two in one namespace do not mix",
      broken: (release) =>
        [...selecting(release), ...owning(release)]
          .filter(({ selector }) => selector?.matchLabels?.[instance] !== release.name)
          .map(({ object }) => called(object)),
      bites: {
        "one that does not": (release) => {
          delete some(ofKind(release, "Service")).spec?.selector?.[instance]
        }
      }
    },
    {
      // They cannot be changed: an upgrade would fail.
      says: "has only labels that stay the same from version to version, and so has a volume's claim",
      broken: (release) => [
        ...[...selecting(release), ...owning(release)].flatMap(({ object, selector }) =>
          changing(selector?.matchLabels).map((key) => `${called(object)}: ${key}`)
        ),
        ...claimsOf(release).flatMap(({ metadata }) =>
          changing({ ...metadata?.labels, ...metadata?.annotations }).map((key) => `claim ${metadata?.name}: ${key}`)
        )
      ],
      bites: {
        "the version of the chart": (release) => {
          const labels = some(ofKind(release, "Deployment")).spec?.selector.matchLabels ?? {}
          labels["helm.sh/chart"] = "carillon-0.1.0"
        },
        "the version of the chart, of a claim": (release) => {
          const labels = { "app.kubernetes.io/version": "0.1.0" }
          some(claimsOf(release)).metadata = { labels }
        }
      }
    },
    {
      says: "of a topology spread finds the pod's own kind only",
      broken: eachWorkload((workload, release) =>
        (workload.pod.topologySpreadConstraints ?? []).flatMap(({ labelSelector, topologyKey }) => {
          const found = selected(release, labelSelector)
          return found.length === 1 && found[0]?.called === workload.called ? [] : `${topologyKey}: ${namesOf(found)}`
        })
      ),
      bites: {
        "one of all pods": changeWorkload(
          ({ pod }) => {
            some(pod.topologySpreadConstraints ?? []).labelSelector = {}
          },
          ({ pod }) => Boolean(pod.topologySpreadConstraints?.length)
        )
      }
    },
    {
      says: "of a ServiceMonitor finds a Service of each pod that is always there, and no Service twice",
      broken: (release) => {
        const monitors = ofKind(release, "ServiceMonitor")
        const found = monitors.flatMap((monitor) => servicesOf(release, monitor.spec.selector))
        const pods = found.flatMap(({ spec }) => selected(release, { matchLabels: spec?.selector ?? {} }))
        if (monitors.length === 0) return []
        return [...monitored(release, pods), ...found.filter((it, at) => found.indexOf(it) !== at).map(called)]
      },
      bites: {
        "one that finds none": (release) => {
          some(ofKind(release, "ServiceMonitor")).spec.selector = { matchLabels: { [component]: "other" } }
        }
      }
    },
    {
      // It finds jobs too, and leaves them alone for want of a port.
      says: "of a PodMonitor finds each pod that is always there, once",
      broken: (release) => {
        const monitors = ofKind(release, "PodMonitor")
        const found = monitors.flatMap((monitor) => selected(release, monitor.spec.selector))
        if (monitors.length === 0) return []
        return monitored(release, found)
      },
      bites: {
        "one that finds one only": (release) => {
          some(ofKind(release, "PodMonitor")).spec.selector = { matchLabels: { [component]: "scheduler" } }
        }
      }
    }
  ]
}

/** What is not among those that are read, or more than once; trial servers and the toolbox need not be. */
const monitored = (release: Release, found: ReadonlyArray<{ readonly called: string }>) =>
  workloads(release)
    .filter((it) => isService(it) && !isToolbox(it) && !it.labels[component]?.startsWith("trial-"))
    .map((it) => [it.called, found.filter(({ called }) => called === it.called).length] as const)
    .filter(([, times]) => times !== 1)
    .map(([name, times]) => `${name} is read ${times} times`)
