// Names and labels, as Kubernetes takes them and as its people look for things.
import { called, type Labels, type Manifest, ofKind, type Release, workloads } from "../Objects.ts"
import { some, type Topic } from "../Rule.ts"

const ofPods = ["name", "instance", "component"].map((name) => `app.kubernetes.io/${name}`)
const ofObjects = [...ofPods, ...["version", "part-of", "managed-by"].map((name) => `app.kubernetes.io/${name}`)]

const neededBy = ({ metadata: { labels = {} } }: Manifest) =>
  labels["app.kubernetes.io/managed-by"] === "Helm" ? [...ofObjects, "helm.sh/chart"] : ofObjects

interface Labelled {
  readonly who: string
  readonly labels: Labels
  readonly needed: ReadonlyArray<string>
}

const labelled = (release: Release): ReadonlyArray<Labelled> => [
  ...release.objects.map((it) => ({ who: called(it), labels: it.metadata.labels ?? {}, needed: neededBy(it) })),
  // A pod that had the chart's version would begin anew with each version of the chart.
  ...workloads(release).map(({ called, labels }) => ({ who: `a pod of ${called}`, labels, needed: ofPods }))
]

const isName = (name: string) => /^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(name)

/** A pod's name begins with that of what makes it, and is a label; a Service's is part of an address. */
const longest = (kind: string) => (/^(Deployment|StatefulSet|Job|Pod|Service)$/.test(kind) ? 63 : 253)

const identity =
  (release: Release) =>
  ({ apiVersion, kind, metadata }: Manifest) =>
    `${apiVersion} ${kind} ${metadata.namespace ?? release.namespace}/${metadata.name}`

export const labels: Topic = {
  about: "every object",
  rules: [
    {
      says: "has the labels that Kubernetes recommends",
      broken: (release) =>
        labelled(release).flatMap(({ labels, needed, who }) =>
          needed.filter((key) => !labels[key]).map((key) => `${who}: ${key}`)
        ),
      bites: {
        none: (release) => {
          delete some(release.objects).metadata.labels
        },
        "pods without": (release) => {
          delete some(workloads(release)).labels["app.kubernetes.io/component"]
        }
      }
    },
    {
      says: "has labels and annotations that Kubernetes takes",
      broken: (release) =>
        labelled(release).flatMap(({ labels, who }) =>
          Object.entries(labels).flatMap(([key, value]) => [
            ...(typeof value === "string" && value.length <= 63 && /^([A-Za-z0-9]([\w.-]*[A-Za-z0-9])?)?$/.test(value)
              ? []
              : [`${who}: ${key}: ${value}`]),
            ...(/^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/.test(key) ? [] : [`${who}: ${key}`])
          ])
        ),
      bites: {
        "a value that is too long": (release) => {
          some(release.objects).metadata.labels = { x: "x".repeat(64) }
        },
        "a value with a space": (release) => {
          some(release.objects).metadata.labels = { x: "a b" }
        }
      }
    },
    {
      says: "has a name that Kubernetes takes, and that no other has",
      broken: (release) => {
        const all = release.objects.map(identity(release))
        return [
          ...all.filter((one, at) => all.indexOf(one) !== at).map((one) => `${one} twice`),
          ...release.objects
            .filter(({ kind, metadata: { name } }) => !isName(name) || name.length > longest(kind))
            .map(called)
        ]
      },
      bites: {
        "one twice": (release) => {
          const [one, other] = release.objects
          if (one && other) Object.assign(other, structuredClone(one))
        },
        "one that is too long": (release) => {
          some(ofKind(release, "Service")).metadata.name = "x".repeat(64)
        },
        "one with an underscore": (release) => {
          some(release.objects).metadata.name = "front_desk"
        }
      }
    },
    {
      says: "is in the namespace of its release, unless the values name another",
      broken: (release) =>
        release.objects
          .filter(({ metadata: { namespace } }) => namespace !== undefined && namespace !== release.namespace)
          .filter(({ metadata }) => !JSON.stringify(release.given).includes(`"namespace":"${metadata.namespace}"`))
          .map((object) => `${called(object)} is in ${object.metadata.namespace}`),
      bites: {
        another: (release) => {
          some(release.objects).metadata.namespace = "default"
        }
      }
    }
  ]
}
