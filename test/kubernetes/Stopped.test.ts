// Whatever scales by itself is stopped, and started again, by what docs/operations.md tells to type.
import { assert, it } from "@effect/vitest"
import { section } from "../docs/Markdown.ts"
import { typedIn } from "../docs/Shell.ts"
import { describeWithTools, releases } from "./Helm.ts"

const lines = typedIn(section("docs/operations.md", "The same on Kubernetes")).map(({ words }) => words.join(" "))

const every = "--selector app.kubernetes.io/instance=carillon"
const stopsAll = `kubectl scale deployment ${every} --replicas=0`

interface Told {
  readonly stops: string
  /** Of a service by the name of its Deployment. */
  readonly starts: (name: string) => RegExp
}

/** By what scales. */
const told: Readonly<Record<string, Told>> = {
  // Lets go of a Deployment that somebody scaled to 0, until somebody scales it up: helm says no number.
  HorizontalPodAutoscaler: {
    stops: stopsAll,
    starts: (name) => new RegExp(`^kubectl scale deployment .*\\b${name}\\b.* --replicas=[1-9]$`)
  },
  // Undoes what somebody scaled to 0, unless it is paused.
  ScaledObject: {
    stops: `kubectl annotate scaledobject ${every} autoscaling.keda.sh/paused-replicas=0 --overwrite`,
    starts: (name) =>
      new RegExp(`^kubectl annotate scaledobject .*\\b${name}\\b.* autoscaling.keda.sh/paused-replicas-$`)
  }
}

const problems = (kind: string, name: string) => {
  const how = told[kind]
  if (how === undefined) return []
  // Later it would have started again what was stopped.
  const inTime = lines.slice(0, lines.indexOf(stopsAll) + 1).includes(how.stops)
  return [
    ...(inTime ? [] : [`${kind} ${name} is not stopped`]),
    ...(lines.some((line) => how.starts(name).test(line)) ? [] : [`${kind} ${name} is not started`])
  ]
}

describeWithTools("operations.md", () => {
  it("says how whatever scales by itself is stopped, no later than all others, and how it is started", async () => {
    const objects = (await releases()).flatMap((release) => release.objects)
    assert.includeMembers(
      objects.map(({ kind }) => kind),
      Object.keys(told)
    )
    const found = objects.flatMap(({ kind, metadata }) =>
      problems(kind, `carillon-${metadata.labels?.["app.kubernetes.io/component"]}`)
    )
    assert.deepStrictEqual([...new Set(found)], [])
  })
})
