// What one object names, there is: in the release, or because the values name it as something that exists.
import {
  called,
  containersOf,
  isService,
  isToolbox,
  type Manifest,
  ofKind,
  type Release,
  type Workload,
  workloads
} from "../Objects.ts"
import { changeContainer, changeWorkload, eachContainer, eachWorkload, some, type Topic } from "../Rule.ts"

export interface Need {
  readonly kind: "ConfigMap" | "Secret" | "ServiceAccount" | "PersistentVolumeClaim"
  readonly name: string
  /** Of a ConfigMap or a Secret; all, if it is left out. */
  readonly keys?: ReadonlyArray<string>
}

interface Items {
  readonly name?: string
  readonly secretName?: string
  readonly items?: ReadonlyArray<{ readonly key: string }>
  readonly key?: string
}

const need = (kind: Need["kind"], from: Items | undefined): ReadonlyArray<Need> => {
  if (from === undefined) return []
  const keys = from.key === undefined ? from.items?.map(({ key }) => key) : [from.key]
  return [{ kind, name: from.secretName ?? from.name ?? "", ...(keys ? { keys } : {}) }]
}

/** What a pod cannot start without. */
export const needs = (workload: Workload): ReadonlyArray<Need> => {
  const { imagePullSecrets = [], serviceAccountName, volumes = [] } = workload.pod
  const sources = volumes.flatMap(({ projected }) => projected?.sources ?? [])
  const claims = volumes.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim ?? [])
  const variables = containersOf(workload).flatMap(({ env = [] }) => env.flatMap(({ valueFrom }) => valueFrom ?? []))
  const wholes = containersOf(workload).flatMap(({ envFrom = [] }) => envFrom)
  return [
    ...(serviceAccountName ? need("ServiceAccount", { name: serviceAccountName }) : []),
    ...imagePullSecrets.flatMap((secret) => need("Secret", secret)),
    ...claims.flatMap(({ claimName: name }) => need("PersistentVolumeClaim", { name })),
    ...[...volumes, ...sources].flatMap(({ configMap }) => need("ConfigMap", configMap)),
    ...[...volumes, ...sources].flatMap(({ secret }) => need("Secret", secret)),
    ...variables.flatMap(({ configMapKeyRef }) => need("ConfigMap", configMapKeyRef)),
    ...variables.flatMap(({ secretKeyRef }) => need("Secret", secretKeyRef)),
    ...wholes.flatMap(({ configMapRef }) => need("ConfigMap", configMapRef)),
    ...wholes.flatMap(({ secretRef }) => need("Secret", secretRef))
  ]
}

interface WithKeys extends Manifest {
  readonly data?: object
  readonly stringData?: object
  readonly spec?: { readonly target?: { readonly name?: string }; readonly data?: ReadonlyArray<{ secretKey: string }> }
}

/** The keys of what the release makes; of a Secret also by way of External Secrets. */
const made = (release: Release, { kind, name }: Need): ReadonlyArray<string> | undefined => {
  for (const object of release.objects as ReadonlyArray<WithKeys>) {
    if (object.kind === kind && object.metadata.name === name)
      return Object.keys({ ...object.data, ...object.stringData })
    if (kind === "Secret" && object.kind === "ExternalSecret") {
      if ((object.spec?.target?.name ?? object.metadata.name) === name)
        return (object.spec?.data ?? []).map(({ secretKey }) => secretKey)
    }
  }
  return undefined
}

/** As the value of any key. */
const isNamedIn = (values: unknown, name: string): boolean =>
  typeof values === "object" && values !== null
    ? Object.values(values).some((value) => isNamedIn(value, name))
    : values === name

const read = (release: Release) =>
  release.objects.filter(
    ({ kind, metadata }) => (kind === "ConfigMap" || kind === "Secret") && !metadata.labels?.grafana_dashboard
  )

export const references: Topic = {
  about: "a name",
  rules: [
    {
      says: "of what a pod needs is of something that the release makes or the values name",
      broken: eachWorkload((workload, release) =>
        needs(workload).flatMap((need) => {
          const keys = made(release, need)
          if (keys === undefined)
            return isNamedIn(release.given, need.name) ? [] : [`needs ${need.kind} ${need.name}, which nobody makes`]
          return (need.keys ?? [])
            .filter((key) => !keys.includes(key))
            .map((key) => `${need.kind} ${need.name} has no ${key}`)
        })
      ),
      bites: {
        "an account that there is not": changeWorkload(({ pod }) => {
          pod.serviceAccountName = "nobody"
        }),
        "a Secret that nobody makes": changeWorkload(({ pod }) => {
          pod.volumes = [...(pod.volumes ?? []), { name: "x", secret: { secretName: "nobody" } }]
        }),
        "a key that a ConfigMap has not": (release) => {
          const maps = ofKind(release, "ConfigMap").map(({ metadata }) => metadata.name)
          const volumes = workloads(release).flatMap(({ pod }) => pod.volumes ?? [])
          const { configMap } = some(volumes, (it) => maps.includes(it.configMap?.name ?? ""))
          Object.assign(configMap ?? {}, { items: [{ key: "other", path: "other" }] })
        }
      }
    },
    {
      says: "of a ConfigMap or Secret that the release makes is used by one of its pods",
      broken: (release) => {
        const used = workloads(release).flatMap(needs)
        return read(release)
          .filter(({ kind, metadata }) => !used.some((need) => need.kind === kind && need.name === metadata.name))
          .map((object) => `nobody uses ${called(object)}`)
      },
      bites: {
        "one that nobody uses": (release) => {
          const object = some(ofKind(release, "ConfigMap"), (it) => !it.metadata.labels?.grafana_dashboard)
          object.metadata.name = "of-nobody"
        }
      }
    },
    {
      says: "of a volume is of one that the pod has, each of which is mounted, none twice at a place",
      broken: eachWorkload((workload) => {
        const has = (workload.pod.volumes ?? []).map(({ name }) => name)
        const claims = (workload.object as { spec?: { volumeClaimTemplates?: ReadonlyArray<Manifest> } }).spec
        const all = [...has, ...(claims?.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name)]
        const mounts = containersOf(workload).flatMap(({ volumeMounts = [] }) => volumeMounts)
        return [
          ...mounts.filter(({ name }) => !all.includes(name)).map(({ name }) => `mounts ${name}, which it has not`),
          ...all.filter((name) => !mounts.some((it) => it.name === name)).map((name) => `does not mount ${name}`),
          ...all.filter((name, at) => all.indexOf(name) !== at).map((name) => `has ${name} twice`)
        ]
      }),
      bites: {
        "one that is not there": changeWorkload(
          ({ pod }) => {
            pod.volumes = []
          },
          ({ pod }) => Boolean(pod.volumes?.length)
        ),
        "one that is not mounted": changeWorkload(({ pod }) => {
          pod.volumes = [...(pod.volumes ?? []), { name: "unused", emptyDir: {} }]
        })
      }
    },
    {
      says: "of a place to mount at is there once in a container",
      broken: eachContainer(({ volumeMounts = [] }) => {
        const paths = volumeMounts.map(({ mountPath }) => mountPath)
        return paths.filter((path, at) => paths.indexOf(path) !== at).map((path) => `${path} twice`)
      }),
      bites: {
        "one twice": changeContainer(
          (container) => {
            container.volumeMounts = [...(container.volumeMounts ?? []), ...(container.volumeMounts ?? [])]
          },
          ({ volumeMounts }) => Boolean(volumeMounts?.length)
        )
      }
    },
    {
      says: "of what is in a ConfigMap or Secret of the release begins a new pod when that changes",
      broken: eachWorkload((workload, release) =>
        // Each command in the toolbox reads its files anew.
        isService(workload) && !isToolbox(workload)
          ? needs(workload)
              .filter((need) => need.kind === "ConfigMap" && made(release, need) !== undefined)
              .filter(() => !Object.keys(workload.annotations).some((key) => key.startsWith("checksum/")))
              .map(({ name }) => `keeps an old ${name}`)
          : undefined
      ),
      bites: {
        "no checksum": (release) => {
          const maps = ofKind(release, "ConfigMap").map(({ metadata }) => metadata.name)
          const { annotations } = some(workloads(release), (workload) =>
            needs(workload).some(({ kind, name }) => kind === "ConfigMap" && maps.includes(name))
          )
          for (const key of Object.keys(annotations)) delete annotations[key]
        }
      }
    }
  ]
}
