// Helm's hooks: in an order that is told, cleared away, and in need of nothing that is not there yet.
import { isDeepStrictEqual } from "node:util"
import {
  called,
  isService,
  isToolbox,
  type Manifest,
  ofKind,
  type Release,
  type Workload,
  workloads
} from "../Objects.ts"
import { changeWorkload, eachWorkload, NothingToBreak, some, type Topic } from "../Rule.ts"
import { needs } from "./References.ts"

const kinds = [
  "pre-install",
  "post-install",
  "pre-delete",
  "post-delete",
  "pre-upgrade",
  "post-upgrade",
  "pre-rollback",
  "post-rollback",
  "test"
]
const deletions = ["before-hook-creation", "hook-succeeded", "hook-failed"]

const annotation = ({ metadata }: Manifest, name: string) => metadata.annotations?.[`helm.sh/${name}`]
const list = (text = "") => text.split(",").map((part) => part.trim())
const hooks = (release: Release) => release.objects.filter((object) => annotation(object, "hook") !== undefined)
const runsBefore = (object: Manifest) =>
  list(annotation(object, "hook")).some((kind) => /^pre-(install|upgrade)$/.test(kind))
const weight = (object: Manifest) => Number(annotation(object, "hook-weight"))

/** What it needs of the release that comes only after it. */
const tooLate = ({ object }: Workload, needed: Manifest) =>
  !runsBefore(needed) || weight(needed) >= weight(object)
    ? [`${called(object)} needs ${called(needed)}, which comes later`]
    : []

const placing = ["nodeSelector", "tolerations", "affinity", "priorityClassName"] as const

const isNotService = (workload: Workload) => !isService(workload) || isToolbox(workload)

const isPlaced = ({ given }: Release) => placing.some((key) => given.defaults?.[key] !== undefined)

export const hook: Topic = {
  about: "a hook",
  rules: [
    {
      // On a cluster of two architectures, or whose nodes are tainted, an install would wait for its jobs until it fails.
      says: "and whatever else is no service runs where services do, with the labels and annotations of their pods",
      broken: eachWorkload((workload, { given: { defaults = {}, jobs = {} } }) => {
        if (!isNotService(workload)) return undefined
        const labels = { ...defaults.podLabels, ...jobs.podLabels }
        const annotations = { ...defaults.podAnnotations, ...jobs.podAnnotations }
        return [
          ...placing.filter((key) => !isDeepStrictEqual(workload.pod[key], defaults[key])),
          ...Object.entries(labels).flatMap(([key, value]) => (workload.labels[key] === value ? [] : [key])),
          ...Object.entries(annotations).flatMap(([key, value]) => (workload.annotations[key] === value ? [] : [key]))
        ]
      }),
      bites: {
        "anywhere else": (release) => {
          if (!isPlaced(release)) throw new NothingToBreak()
          for (const { pod } of workloads(release).filter(isNotService)) for (const key of placing) delete pod[key]
        },
        "without an annotation": changeWorkload(
          ({ annotations }) => {
            delete annotations["example.com/mesh"]
          },
          (workload) => isNotService(workload) && "example.com/mesh" in workload.annotations
        )
      }
    },
    {
      says: "has a weight and says when it is deleted",
      broken: (release) =>
        hooks(release).flatMap((object) => {
          const deletion = annotation(object, "hook-delete-policy")
          return [
            ...(/^-?\d+$/.test(annotation(object, "hook-weight") ?? "") ? [] : [`${called(object)} has no weight`]),
            ...(deletion === undefined ? [`${called(object)} stays`] : []),
            // What is there from the last time would be in the way.
            ...(list(deletion).includes("before-hook-creation") ? [] : [`${called(object)} is in its own way`]),
            ...list(deletion).filter((it) => !deletions.includes(it)),
            ...list(annotation(object, "hook")).filter((it) => !kinds.includes(it))
          ]
        }),
      bites: {
        "one that stays": (release) => {
          delete some(hooks(release)).metadata.annotations?.["helm.sh/hook-delete-policy"]
        },
        "one without a weight": (release) => {
          delete some(hooks(release)).metadata.annotations?.["helm.sh/hook-weight"]
        },
        "one of no known kind": (release) => {
          Object.assign(some(hooks(release)).metadata.annotations ?? {}, { "helm.sh/hook": "before-install" })
        }
      }
    },
    {
      // Helm makes nothing of a release before its pre-install hooks have succeeded.
      says: "that runs first needs nothing that comes after",
      broken: (release) =>
        workloads(release)
          .filter(({ object }) => runsBefore(object))
          .flatMap((workload) =>
            needs(workload)
              .flatMap(({ kind, name }) =>
                release.objects.filter((it) => it.kind === kind && it.metadata.name === name)
              )
              .flatMap((needed) => tooLate(workload, needed))
          ),
      bites: {
        "an account that is no hook": (release) => {
          const job = some(workloads(release), ({ object }) => runsBefore(object))
          const accounts = ofKind(release, "ServiceAccount")
          delete some(accounts, ({ metadata }) => metadata.name === job.pod.serviceAccountName).metadata.annotations
        },
        "an account of the same weight": (release) => {
          const job = some(workloads(release), ({ object }) => runsBefore(object))
          const accounts = ofKind(release, "ServiceAccount")
          const { metadata } = some(accounts, ({ metadata }) => metadata.name === job.pod.serviceAccountName)
          Object.assign(metadata.annotations ?? {}, { "helm.sh/hook-weight": String(weight(job.object)) })
        }
      }
    }
  ]
}
