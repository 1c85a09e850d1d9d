// What a pod may take of its node, and which image it runs.
import { changeContainer, changeWorkload, eachContainer, eachWorkload, some, type Topic } from "../Rule.ts"

const units: Readonly<Record<string, number>> = { "": 1, k: 1e3, M: 1e6, G: 1e9, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 }

/** 256Mi and the like, in bytes. */
const bytes = (quantity: string | number | undefined): number => {
  const [, figure, unit = ""] = /^([\d.]+)(\w*)$/.exec(String(quantity)) ?? []
  return figure === undefined ? Number.NaN : Number(figure) * (units[unit] ?? Number.NaN)
}

export const resources: Topic = {
  about: "each container",
  rules: [
    {
      // No limit of processor: it would make messages late on a node that has room.
      says: "is promised memory and processor, and bounded in memory",
      broken: eachContainer(({ resources: { limits = {}, requests = {} } = {} }) => [
        ...(requests.cpu === undefined ? ["requests no cpu"] : []),
        ...(requests.memory === undefined ? ["requests no memory"] : []),
        ...(limits.memory === undefined ? ["has no limit of memory"] : []),
        ...(bytes(requests.memory) > bytes(limits.memory) ? ["requests more memory than its limit"] : [])
      ]),
      bites: {
        "no limit": changeContainer((container) => {
          delete container.resources?.limits
        }),
        "no promise": changeContainer((container) => {
          delete container.resources?.requests?.cpu
        }),
        "a promise beyond the limit": changeContainer((container) => {
          container.resources = { requests: { cpu: 1, memory: "1Gi" }, limits: { memory: "512Mi" } }
        })
      }
    },
    {
      says: "runs an image of a version that is told",
      broken: eachContainer(({ image = "" }) => {
        const [, tag, digest] = /^[^@]*?(?::([^:/@]+))?(?:@(.*))?$/.exec(image) ?? []
        if (digest !== undefined) return /^sha256:[0-9a-f]{64}$/.test(digest) ? undefined : `${image} has no digest`
        return tag === undefined || tag === "latest" ? `${image} is whatever is newest` : undefined
      }),
      bites: {
        "the newest": changeContainer((container) => {
          container.image = "registry.example:5000/carillon:latest"
        }),
        "no version": changeContainer((container) => {
          container.image = "registry.example:5000/carillon"
        }),
        "half a digest": changeContainer((container) => {
          container.image = "carillon@sha256:12"
        })
      }
    },
    {
      says: "may fill no more of its node's disk than is told",
      broken: eachWorkload(({ pod }) =>
        (pod.volumes ?? [])
          .filter(({ emptyDir }) => emptyDir && emptyDir.sizeLimit === undefined)
          .map(({ name }) => `volume ${name} has no sizeLimit`)
      ),
      bites: {
        "scratch space without a bound": changeWorkload(
          ({ pod }) => {
            delete some(pod.volumes ?? [], ({ emptyDir }) => emptyDir !== undefined).emptyDir?.sizeLimit
          },
          ({ pod }) => Boolean(pod.volumes?.some(({ emptyDir }) => emptyDir))
        )
      }
    }
  ]
}
