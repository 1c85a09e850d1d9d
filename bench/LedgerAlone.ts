// The ledger alone, as `npm run bench:ledger` measures it, in rows of the common table.
import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { Effect } from "effect"
import { atLeast, atMost, type Row } from "./Table.ts"
import type { Settings } from "./World.ts"

interface Measured {
  /** Events a second. */
  readonly rate: number
  /** Microseconds of the ledger's CPU an event. */
  readonly cpu: number
}
interface Figures {
  readonly live: Measured
  readonly rebuilt: Measured
  readonly floor: Measured
  /** Seconds from the log to the row, at a steady rate. */
  readonly lag: { readonly p99?: number }
}

export const measureLedger = Effect.fnUntraced(function* (settings: Settings) {
  const count = String(settings.count ?? 20_000)
  const run = promisify(execFile)
  const { stdout } = yield* Effect.promise((signal) =>
    run(process.execPath, [join(import.meta.dirname, "Ledger.ts"), "--count", count, "--json"], { signal })
  )
  const { floor, lag, live, rebuilt } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Figures
  const row = (what: string, { cpu, rate }: Measured): Row => ({
    what: `events projected ${what} (CPU of the ledger: ${Math.round(cpu)} µs)`,
    measured: rate,
    unit: "/s",
    floor: { what: "plain inserts of the rows", value: floor.rate },
    target: atLeast(rate, 20_000, "/s")
  })
  const lagOf: Row = {
    what: "from the log to the row at 8,000 events/s, p99",
    measured: lag.p99 ?? Number.NaN,
    unit: "s",
    target: atMost(lag.p99 ?? Number.NaN, 1, "s")
  }
  return [row("as they come", live), row("in a rebuild", rebuilt), lagOf]
})
