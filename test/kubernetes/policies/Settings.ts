// What a pod is told: settings that the code reads, files that are there, commands that it knows.
import type { IContainer } from "kubernetes-models/v1/Container"
import { commands, reads } from "../Code.ts"
import type { Workload } from "../Objects.ts"
import { changeContainer, changeWorkload, eachContainer, eachWorkload, some, type Topic } from "../Rule.ts"

/** By its first argument; where nothing is run but by hand, the command line. */
const processIn = ({ args = [], command }: IContainer) => (command?.[0] === "sleep" ? "carillon" : (args[0] ?? ""))

/** Of images that are not ours nothing is known. Ours have no command but `sleep`: their entry point takes the service's name. */
export const isOurs = (container: IContainer) =>
  (container.command === undefined || container.command[0] === "sleep") && commands.has(processIn(container))

/** Files that a container is pointed to by its settings, where they are ones that are mounted for it. */
const pointed = ({ env = [] }: IContainer) =>
  env.flatMap(({ name, value = "" }) => (value.startsWith("/run/") ? [{ name, path: value }] : []))

const mountedAt = ({ volumeMounts = [] }: IContainer, { pod }: Workload, path: string) => {
  const mount = volumeMounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`))
  const volume = pod.volumes?.find(({ name }) => name === mount?.name)
  const items = [
    ...(volume?.secret?.items ?? []),
    ...(volume?.configMap?.items ?? []),
    ...(volume?.projected?.sources ?? []).flatMap(({ configMap, secret }) => secret?.items ?? configMap?.items ?? [])
  ]
  return items.some((item) => `${mount?.mountPath}/${item.path}` === path)
}

export const settings: Topic = {
  about: "a pod of ours",
  rules: [
    {
      says: "is told settings that its process reads, each once",
      broken: eachContainer((container) => {
        if (!isOurs(container)) return undefined
        const names = (container.env ?? []).map(({ name }) => name)
        return [
          ...names
            .filter((name) => !reads(processIn(container), name))
            .map((name) => `${processIn(container)} does not read ${name}`),
          ...names.filter((name, at) => names.indexOf(name) !== at).map((name) => `${name} is there twice`)
        ]
      }),
      bites: {
        "one that nobody reads": changeContainer((container) => {
          container.env = [...(container.env ?? []), { name: "TELEGRAM_MESSAGES_PER_MINUTE", value: "1" }]
        }, isOurs),
        "one that only another process reads": changeContainer(
          (container) => {
            container.env = [...(container.env ?? []), { name: "TELEGRAM_UPDATES", value: "poll" }]
          },
          ({ args }) => args?.[0] === "ledger"
        ),
        "one twice": changeContainer((container) => {
          container.env = [...(container.env ?? []), ...(container.env ?? [])]
        }, isOurs)
      }
    },
    {
      says: "is pointed to files that are mounted",
      broken: eachWorkload((workload) =>
        workload.pod.containers.flatMap((container) =>
          pointed(container)
            .filter(({ path }) => !mountedAt(container, workload, path))
            .map(({ name, path }) => `${name} names ${path}, which is not there`)
        )
      ),
      bites: {
        "one that is elsewhere": changeContainer(
          (container) => {
            some(container.env ?? [], ({ value = "" }) => value.startsWith("/run/")).value =
              "/run/carillon/nats/other.nk"
          },
          (container) => pointed(container).length > 0
        ),
        "one whose key is not mounted": changeWorkload(
          ({ pod }) => {
            for (const { secret } of pod.volumes ?? []) if (secret) secret.items = []
          },
          ({ pod }) =>
            Boolean(pod.volumes?.some(({ secret }) => secret)) && pod.containers.some((it) => pointed(it).length)
        )
      }
    },
    {
      says: "is told as what to run, by a name that the image knows",
      broken: eachContainer((container, { labels }) => {
        if (labels["app.kubernetes.io/component"]?.startsWith("trial-")) return undefined
        return isOurs(container)
          ? undefined
          : `runs ${[...(container.command ?? []), ...(container.args ?? [])].join(" ")}`
      }),
      bites: {
        another: changeContainer((container) => {
          container.args = ["schedular"]
        }, isOurs)
      }
    }
  ]
}
