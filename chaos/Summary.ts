// The Markdown report of many runs: on which machine, what struck how often, what became of the messages, and every
// promise that was broken with the command that breaks it again.
import { cpus, totalmem, type } from "node:os"
import type { Figures } from "./Report.ts"

const added = (all: ReadonlyArray<Readonly<Record<string, number>>>): ReadonlyArray<readonly [string, number]> => {
  const sums = new Map<string, number>()
  for (const counts of all)
    for (const [what, count] of Object.entries(counts)) sums.set(what, (sums.get(what) ?? 0) + count)
  return [...sums].toSorted(([a], [b]) => a.localeCompare(b))
}

const sum = (all: ReadonlyArray<number>) => all.reduce((total, one) => total + one, 0)

const table = (head: readonly [string, string], rows: ReadonlyArray<readonly [string, string | number]>) =>
  [`| ${head.join(" | ")} |`, "| --- | --- |", ...rows.map((row) => `| ${row.join(" | ")} |`)].join("\n")

export const summaryOf = (runs: ReadonlyArray<Figures>, began: Date, ended: Date): string => {
  const broken = runs.filter(({ findings }) => findings.length > 0)
  const of = (world: Figures["world"]) => runs.filter((run) => run.world === world).length
  const [first, last] = [runs[0]?.seed, runs.at(-1)?.seed]
  return `# A run of the faults harness

Written by \`npm run chaos\`. What is struck and what is promised: [reliability](reliability.md).

${table(
  ["what", "figure"],
  [
    [
      "machine",
      `${cpus().length} cores (${cpus()[0]?.model ?? "unknown"}), ${Math.round(totalmem() / 2 ** 30)} GB, ${type()}, Node ${process.versions.node}`
    ],
    [
      "when",
      `${began.toISOString().slice(0, 16)}Z, ${Math.round((ended.getTime() - began.getTime()) / 60_000)} minutes`
    ],
    [
      "runs",
      `${runs.length}, seeds ${first} to ${last}: ${of("single")} with one nats-server, ${of("cluster")} with three`
    ],
    ["messages", sum(runs.map(({ messages }) => messages))],
    ["calls of the platform", sum(runs.map(({ calls }) => calls))],
    ["arrivals", sum(runs.map(({ arrived }) => arrived))],
    ["messages recorded as possible duplicates", sum(runs.map(({ possibleDuplicates }) => possibleDuplicates))],
    ["commands refused", sum(runs.map(({ refusals }) => refusals))],
    ["strikes", sum(runs.flatMap(({ strikes }) => Object.values(strikes)))],
    ["runs in which a promise was broken", broken.length]
  ]
)}

## Endings

${table(["ending", "messages"], added(runs.map(({ endings }) => endings)))}

## What struck

${table(["strike", "times"], added(runs.map(({ strikes }) => strikes)))}

## Services that ended by themselves, and were started again

${table(["service", "times"], added(runs.map(({ endedByThemselves }) => endedByThemselves)))}

## Broken promises

${
  broken.length === 0
    ? "None."
    : broken
        .map(({ again, findings }) =>
          [`\`${again}\``, "", ...findings.map(({ promise, what }) => `- ${promise}: ${what}`)].join("\n")
        )
        .join("\n\n")
}
`
}
