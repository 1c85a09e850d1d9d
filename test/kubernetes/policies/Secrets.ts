// Secrets: files in the pods that need them, and nowhere else.
import { isSecret, serviceNames } from "../Code.ts"
import { called, containersOf, ofKind, type Release, type Workload } from "../Objects.ts"
import { changeContainer, changeWorkload, eachContainer, eachWorkload, some, type Topic } from "../Rule.ts"

const component = "app.kubernetes.io/component"

interface SecretVolume {
  readonly volume: string
  readonly secret: string
  readonly keys: ReadonlyArray<string> | undefined
  readonly mode: number | undefined
}

export const secretVolumes = ({ pod }: Workload): ReadonlyArray<SecretVolume> =>
  (pod.volumes ?? []).flatMap(({ name: volume, projected, secret }) => [
    ...(secret
      ? [
          {
            volume,
            secret: secret.secretName ?? "",
            keys: secret.items?.map(({ key }) => key),
            mode: secret.defaultMode
          }
        ]
      : []),
    ...(projected?.sources ?? []).flatMap((source) =>
      source.secret
        ? [
            {
              volume,
              secret: source.secret.name ?? "",
              keys: source.secret.items?.map(({ key }) => key),
              mode: projected?.defaultMode
            }
          ]
        : []
    )
  ])

/** Whose key of NATS it is: `carillon nats users --keys` names them so. */
const userOf = (key: string) => /^(.+)\.(?:nk|creds)$/.exec(key)?.[1]

/** What no text outside a Secret may look like. */
const shapes: Readonly<Record<string, RegExp>> = {
  "a password in an address": /[a-z]+:\/\/[^/\s:@"']+:[^/\s@"'$]+@/,
  "a key of NATS": /\bS[UAONC][A-Z2-7]{54,}\b/,
  "a token of Telegram": /\b\d{6,}:[A-Za-z0-9_-]{30,}\b/,
  "a private key": /-----BEGIN [A-Z ]*PRIVATE KEY/
}

const valuesOf = (release: Release) =>
  ofKind(release, "Secret").flatMap(({ data = {}, metadata, stringData = {} }) =>
    [...Object.values(stringData), ...Object.values(data).map((it) => Buffer.from(it, "base64").toString())]
      .map((value) => value.trim())
      // Shorter ones are names, as of a user.
      .filter((value) => value.length > 8)
      .map((value) => ({ secret: metadata.name, value }))
  )

/** Not as a part of a longer word: a name may begin with it. */
const isIn = (text: string, value: string) =>
  new RegExp(`(?<![\\w-])${RegExp.escape(JSON.stringify(value).slice(1, -1))}(?![\\w-])`).test(text)

export const secrets: Topic = {
  about: "a secret",
  rules: [
    {
      says: "is never in a process's environment",
      broken: eachContainer(({ env = [], envFrom = [] }) => [
        ...env.filter(({ valueFrom }) => valueFrom?.secretKeyRef).map(({ name }) => `${name} comes from a Secret`),
        ...env.filter(({ name }) => isSecret(name)).map(({ name }) => `${name} is not ${name}_FILE`),
        ...envFrom.filter(({ secretRef }) => secretRef).map(({ secretRef }) => `all of Secret ${secretRef?.name}`)
      ]),
      bites: {
        "one by reference": changeContainer((container) => {
          const secretKeyRef = { name: "telegram", key: "token" }
          container.env = [...(container.env ?? []), { name: "OTHER", valueFrom: { secretKeyRef } }]
        }),
        "one by value": changeContainer((container) => {
          container.env = [...(container.env ?? []), { name: "TELEGRAM_BOT_TOKEN", value: "x" }]
        }),
        "a whole Secret": changeContainer((container) => {
          container.envFrom = [{ secretRef: { name: "telegram" } }]
        })
      }
    },
    {
      says: "is in no object but a Secret",
      broken: (release) => {
        const known = valuesOf(release)
        return release.objects
          .filter(({ kind }) => kind !== "Secret")
          .flatMap((object) => {
            const text = JSON.stringify(object)
            return [
              ...Object.entries(shapes)
                .filter(([, shape]) => shape.test(text))
                .map(([what]) => `${called(object)} has ${what}`),
              ...known
                .filter(({ value }) => isIn(text, value))
                .map(({ secret }) => `${called(object)} has what is in Secret ${secret}`)
            ]
          })
      },
      bites: {
        "a password in NATS_URL": changeContainer((container) => {
          container.env = [...(container.env ?? []), { name: "NATS_URL", value: "nats://carillon:hunter2@nats:4222" }]
        }),
        "a token in an argument": changeContainer((container) => {
          container.args = ["123456789:AAExampleExampleExampleExampleExample"]
        }),
        "a seed in a ConfigMap": (release) => {
          some(ofKind(release, "ConfigMap")).data = { nk: `SU${"A".repeat(56)}` }
        },
        "what is in a Secret of the chart": (release) => {
          const { value } = some(valuesOf(release))
          some(ofKind(release, "Deployment")).metadata.annotations = { note: value }
        }
      }
    },
    {
      says: "is mounted key by key, and not for everybody to read",
      broken: eachWorkload((workload) =>
        secretVolumes(workload).flatMap(({ keys, mode, volume }) => [
          ...(keys === undefined ? [`volume ${volume} has all keys of its Secret`] : []),
          ...(mode !== undefined && (mode & 0o007) === 0
            ? []
            : [`volume ${volume} has mode 0${(mode ?? 0o644).toString(8)}`])
        ])
      ),
      bites: {
        "all of it": changeWorkload(
          ({ pod }) => {
            delete some(pod.volumes ?? [], ({ secret }) => secret !== undefined).secret?.items
          },
          ({ pod }) => Boolean(pod.volumes?.some(({ secret }) => secret))
        ),
        "the mode that it has by default": changeWorkload(
          ({ pod }) => {
            delete some(pod.volumes ?? [], ({ secret }) => secret !== undefined).secret?.defaultMode
          },
          ({ pod }) => Boolean(pod.volumes?.some(({ secret }) => secret))
        )
      }
    },
    {
      says: "of one service is given to no other",
      broken: eachWorkload((workload) => {
        const service = workload.labels[component] ?? ""
        const users = secretVolumes(workload).flatMap(({ keys = [] }) => keys.flatMap((key) => userOf(key) ?? []))
        const own = (user: string) => (serviceNames.includes(service) ? user === service : !serviceNames.includes(user))
        return [
          ...users.filter((user) => !own(user)).map((user) => `has the key of ${user}`),
          ...(users.length > 1 ? [`has ${users.length} keys`] : [])
        ]
      }),
      bites: {
        "another's key": changeWorkload(
          ({ pod }) => {
            const items = pod.volumes?.flatMap(({ secret }) => secret?.items ?? []) ?? []
            some(items, ({ key }) => userOf(key) !== undefined).key = "operator.nk"
          },
          (workload) =>
            serviceNames.includes(workload.labels[component] ?? "") &&
            secretVolumes(workload).some(({ keys = [] }) => keys.some(userOf))
        )
      }
    },
    {
      says: "is in no volume that a container may write",
      broken: eachWorkload((workload) => {
        const names = secretVolumes(workload).map(({ volume }) => volume)
        return containersOf(workload).flatMap(({ name, volumeMounts = [] }) =>
          volumeMounts
            .filter((mount) => names.includes(mount.name) && !mount.readOnly)
            .map((mount) => `${name} may write ${mount.mountPath}`)
        )
      }),
      bites: {
        "one that may": changeWorkload(
          (workload) => {
            const names = secretVolumes(workload).map(({ volume }) => volume)
            const mounts = containersOf(workload).flatMap(({ volumeMounts = [] }) => volumeMounts)
            delete some(mounts, ({ name }) => names.includes(name)).readOnly
          },
          (workload) => secretVolumes(workload).length > 0
        )
      }
    }
  ]
}
