// What must hold of every release, with the proof that its absence is found.
import type { IContainer } from "kubernetes-models/v1/Container"
import { containersOf, type Release, type Workload, workloads } from "./Objects.ts"

export interface Rule {
  /** A sentence that continues the topic it stands under. */
  readonly says: string
  /** What breaks it: an object and how. */
  readonly broken: (release: Release) => ReadonlyArray<string>
  /** Ways to break a release that keeps it; each must be found. One that has nothing to change throws `NothingToBreak`. */
  readonly bites: Readonly<Record<string, (release: Release) => void>>
}

export interface Topic {
  readonly about: string
  readonly rules: ReadonlyArray<Rule>
}

export class NothingToBreak extends Error {}

/** For a bite: the first of them. */
export const some = <A>(among: Iterable<A>, which: (one: A) => boolean = () => true): A => {
  for (const one of among) if (which(one)) return one
  throw new NothingToBreak()
}

type Wrong = string | false | undefined | ReadonlyArray<string>

const told = (where: string, wrong: Wrong): ReadonlyArray<string> => {
  const all = Array.isArray(wrong) ? (wrong as ReadonlyArray<string>) : wrong ? [wrong as string] : []
  return all.map((what) => `${where}: ${what}`)
}

/** Of all that make pods. */
export const eachWorkload = (check: (workload: Workload, release: Release) => Wrong) => (release: Release) =>
  workloads(release).flatMap((workload) => told(workload.called, check(workload, release)))

/** Of all containers of all pods. */
export const eachContainer = (check: (container: IContainer, workload: Workload) => Wrong) => (release: Release) =>
  workloads(release).flatMap((workload) =>
    containersOf(workload).flatMap((container) =>
      told(`${workload.called} ${container.name}`, check(container, workload))
    )
  )

/** For a bite: changes the first container, or the first that is so. */
export const changeContainer =
  (change: (container: IContainer) => void, which: (container: IContainer) => boolean = () => true) =>
  (release: Release) =>
    change(some(workloads(release).flatMap(containersOf), which))

/** For a bite: changes the first workload, or the first that is so. */
export const changeWorkload =
  (change: (workload: Workload) => void, which: (workload: Workload) => boolean = () => true) =>
  (release: Release) =>
    change(some(workloads(release), which))
