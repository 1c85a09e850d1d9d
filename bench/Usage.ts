// What processes use of the machine, as Linux counts it in /proc.
import { readdirSync, readFileSync } from "node:fs"

const microsecondsPerTick = 10_000

const read = (file: string): string => {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return ""
  }
}

/** From the third field on: the second, a name in brackets, may hold anything. */
const statOf = (pid: number) =>
  read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, "")
    .split(" ")

const childrenOf = (pid: number) =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => Number(statOf(child)[1]) === pid)

const ticks = (pid: number, fields: ReadonlyArray<number>) => {
  const stat = statOf(pid)
  return fields.reduce((sum, field) => sum + Number(stat[field] ?? 0), 0)
}

/** Microseconds of CPU so far: of a process, its children, and those of its children that have ended. */
export const cpuOf = (pid: number): number =>
  childrenOf(pid).reduce((sum, child) => sum + ticks(child, [11, 12]), ticks(pid, [11, 12, 13, 14])) *
  microsecondsPerTick

/** Linux says kB and means 1,024 bytes. */
const megabytes = (text: string, name: string) =>
  (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0) * 1_024) / 1e6

/** The most that the process has had in memory at any time, in MB; shared pages counted in full. */
export const peakMemoryOf = (pid: number): number => megabytes(read(`/proc/${pid}/status`), "VmHWM")

/** What the process has in memory now, its children too, in MB; shared pages counted once. */
export const memoryOf = (pid: number): number =>
  [pid, ...childrenOf(pid)].reduce((sum, one) => sum + megabytes(read(`/proc/${one}/smaps_rollup`), "Pss"), 0)
