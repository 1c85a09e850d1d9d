// Nothing that Kubernetes does by itself, such as a drain, an upgrade or a stop, ends what runs or cuts a message off.
import { called, isAmong, isService, isToolbox, ofKind, type Release, selected, type Workload } from "../Objects.ts"
import { changeWorkload, eachWorkload, some, type Topic } from "../Rule.ts"

/** As services/telegram-gateway/README.md says it. */
const graceByDefault = 50

const always = (check: (workload: Workload, release: Release) => ReadonlyArray<string> | string | undefined) =>
  eachWorkload((workload, release) => (isService(workload) ? check(workload, release) : undefined))

const targets = (release: Release) => [
  ...ofKind(release, "HorizontalPodAutoscaler").map((it) => ({
    scaler: called(it),
    target: it.spec?.scaleTargetRef,
    least: it.spec?.minReplicas ?? 1,
    most: it.spec?.maxReplicas ?? 1
  })),
  ...ofKind(release, "ScaledObject").map((it) => ({
    scaler: called(it),
    target: it.spec.scaleTargetRef,
    least: it.spec.minReplicaCount ?? 0,
    most: it.spec.maxReplicaCount ?? 100
  }))
]

const scalersOf = (release: Release, { called }: Workload) =>
  targets(release).filter(({ target }) => `${target?.kind ?? "Deployment"}/${target?.name}` === called)

const leastOf = (release: Release, workload: Workload) => scalersOf(release, workload)[0]?.least ?? workload.replicas

const budgetsOf = (release: Release, workload: Workload) =>
  ofKind(release, "PodDisruptionBudget").filter(({ spec }) => isAmong(workload, selected(release, spec?.selector)))

const seconds = (pod: Workload["pod"], setting: string) =>
  pod.containers.flatMap(({ env = [] }) => env.filter(({ name }) => name === setting)).map(({ value }) => Number(value))

export const availability: Topic = {
  about: "what runs all the time",
  rules: [
    {
      says: "is asked whether it lives, and apart from that whether it is ready",
      broken: always((workload) =>
        (isToolbox(workload) ? [] : workload.pod.containers).flatMap(({ livenessProbe, name, readinessProbe }) => [
          ...(livenessProbe ? [] : [`${name} has no livenessProbe`]),
          ...(readinessProbe ? [] : [`${name} has no readinessProbe`]),
          // Who restarts what waits for a broker that is down makes an outage longer.
          ...(livenessProbe?.httpGet?.path === "/readyz" ? [`${name} is restarted when it is not ready`] : []),
          ...(readinessProbe?.httpGet?.path === "/livez" ? [`${name} is ready when it merely lives`] : [])
        ])
      ),
      bites: {
        "no readiness": changeWorkload(({ pod }) => {
          delete some(pod.containers).readinessProbe
        }, isService),
        "readiness taken for life": changeWorkload(({ pod }) => {
          const container = some(pod.containers, ({ readinessProbe }) => readinessProbe?.httpGet !== undefined)
          container.livenessProbe = structuredClone(some([container.readinessProbe].filter((it) => it !== undefined)))
        }, isService)
      }
    },
    {
      says: "has a budget of disruptions where it has two pods or more, and one only",
      broken: always((workload, release) => {
        const least = leastOf(release, workload)
        const budgets = budgetsOf(release, workload).length
        return least > 1 && budgets !== 1 ? `${budgets} budgets for ${least} pods` : undefined
      }),
      bites: {
        none: (release) => {
          some(ofKind(release, "PodDisruptionBudget")).spec = { selector: { matchLabels: { nobody: "here" } } }
        }
      }
    },
    {
      says: "lets every drain go on",
      broken: (release) =>
        ofKind(release, "PodDisruptionBudget").flatMap((budget) => {
          const { maxUnavailable, minAvailable, selector } = budget.spec ?? {}
          const least = Math.min(...selected(release, selector).map((workload) => leastOf(release, workload)))
          const blocks =
            minAvailable === undefined
              ? maxUnavailable === undefined || Number.parseInt(String(maxUnavailable), 10) < 1
              : String(minAvailable).endsWith("%")
                ? minAvailable === "100%"
                : Number(minAvailable) >= least
          return blocks ? [`${called(budget)} blocks it`] : []
        }),
      bites: {
        "none may go": (release) => {
          const { spec } = some(ofKind(release, "PodDisruptionBudget"))
          Object.assign(spec ?? {}, { maxUnavailable: 0 })
        },
        "all must stay": (release) => {
          const budget = some(ofKind(release, "PodDisruptionBudget"))
          const { maxUnavailable: _, ...spec } = budget.spec ?? {}
          budget.spec = { ...spec, minAvailable: 2 }
        }
      }
    },
    {
      says: "has longer to stop than it needs",
      broken: always(({ pod }) => {
        const grace = pod.terminationGracePeriodSeconds ?? 30
        const [own] = seconds(pod, "SHUTDOWN_GRACE_SECONDS")
        const before = pod.containers.map(({ lifecycle }) => lifecycle?.preStop?.sleep?.seconds ?? 0)
        const gateway = pod.containers.some(({ args = [] }) => args[0]?.endsWith("-gateway"))
        const needed = (own ?? (gateway ? graceByDefault : 0)) + Math.max(...before)
        return grace > needed ? undefined : `has ${grace} s, and needs more than ${needed} s`
      }),
      bites: {
        less: changeWorkload(
          ({ pod }) => {
            pod.terminationGracePeriodSeconds = seconds(pod, "SHUTDOWN_GRACE_SECONDS")[0] ?? 0
          },
          ({ pod }) => seconds(pod, "SHUTDOWN_GRACE_SECONDS").length > 0
        ),
        "a pause before": changeWorkload(({ pod }) => {
          some(pod.containers).lifecycle = { preStop: { sleep: { seconds: pod.terminationGracePeriodSeconds ?? 30 } } }
        }, isService)
      }
    },
    {
      says: "is never less than it was while a new version takes over",
      broken: (release) =>
        ofKind(release, "Deployment").flatMap((deployment) => {
          const { rollingUpdate, type } = deployment.spec?.strategy ?? {}
          const gone = String(rollingUpdate?.maxUnavailable ?? "25%")
          return type === "RollingUpdate" && /^0%?$/.test(gone)
            ? []
            : [`${called(deployment)}: ${type}, ${gone} may be gone`]
        }),
      bites: {
        "all gone first": (release) => {
          const { spec } = some(ofKind(release, "Deployment"))
          Object.assign(spec ?? {}, { strategy: { type: "Recreate" } })
        },
        "as Kubernetes does it by default": (release) => {
          delete some(ofKind(release, "Deployment")).spec?.strategy
        }
      }
    },
    {
      says: "is spread over nodes where it has two pods or more",
      broken: always((workload, release) =>
        leastOf(release, workload) > 1 &&
        !workload.pod.topologySpreadConstraints?.length &&
        !workload.pod.affinity?.podAntiAffinity
          ? "may be on one node with all its pods"
          : undefined
      ),
      bites: {
        "nothing that says so": (release) => {
          for (const { spec } of ofKind(release, "Deployment")) delete spec?.template.spec?.topologySpreadConstraints
          some(ofKind(release, "Deployment"), ({ spec }) => (spec?.replicas ?? 1) > 1)
        }
      }
    },
    {
      says: "is scaled by one alone, within bounds, and never to nothing",
      broken: (release) => [
        ...targets(release).flatMap(({ least, most, scaler, target }) => [
          ...(release.objects.some((it) => called(it) === `${target?.kind ?? "Deployment"}/${target?.name}`)
            ? []
            : [`${scaler} scales ${target?.name}, which there is not`]),
          ...(least >= 1 && most >= least ? [] : [`${scaler} scales from ${least} to ${most}`])
        ]),
        ...ofKind(release, "Deployment").flatMap((deployment) => {
          const scalers = targets(release).filter(({ target }) => target?.name === deployment.metadata.name)
          return [
            ...(scalers.length > 1 ? [`${called(deployment)} is scaled by ${scalers.length}`] : []),
            // Each upgrade would undo what the autoscaler found.
            ...(scalers.length === 1 && deployment.spec?.replicas !== undefined
              ? [`${called(deployment)} has a number of pods of its own`]
              : [])
          ]
        })
      ],
      bites: {
        "something that is not there": (release) => {
          const { spec } = some(ofKind(release, "HorizontalPodAutoscaler"))
          Object.assign(spec?.scaleTargetRef ?? {}, { name: "another" })
        },
        "nothing left": (release) => {
          some(ofKind(release, "ScaledObject")).spec.minReplicaCount = 0
        },
        "a number of its own": (release) => {
          const { scaleTargetRef } = some(ofKind(release, "ScaledObject")).spec
          const { spec } = some(ofKind(release, "Deployment"), ({ metadata }) => metadata.name === scaleTargetRef.name)
          Object.assign(spec ?? {}, { replicas: 3 })
        }
      }
    },
    {
      says: "is no job: those end, in a time that is told",
      broken: eachWorkload((workload) => {
        if (isService(workload)) return undefined
        const job = workload.object as { spec?: { activeDeadlineSeconds?: number; backoffLimit?: number } }
        const deadline = workload.pod.activeDeadlineSeconds ?? job.spec?.activeDeadlineSeconds
        return [
          ...(deadline === undefined ? ["has no activeDeadlineSeconds"] : []),
          ...(workload.pod.restartPolicy === undefined || workload.pod.restartPolicy === "Always"
            ? ["begins again"]
            : [])
        ]
      }),
      bites: {
        "one without an end": (release) => {
          delete some(ofKind(release, "Job")).spec?.activeDeadlineSeconds
        }
      }
    }
  ]
}
