// Faults of the machine that a run can strike with: disks that get full or read-only, NATS at its limit of storage, clocks
// that jump. What this machine does not allow is told by name, and left out.
import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { Effect, Result } from "effect"
import { home } from "../deploy/local/LocalServers.ts"
import type { Restartable } from "../deploy/local/Restartable.ts"
import { type Clock, clockIn } from "./Clocks.ts"
import { NotHere, smallDisk, writingOf } from "./Disks.ts"
import { giveBack, useUp } from "./StorageLimit.ts"

/** `seconds`: how far ahead of the right time the victim's clock is while it lasts; behind, if negative. */
export type MachineFault =
  | { readonly how: "disk full" | "disk read-only"; readonly victim: "nats" | "postgres" }
  | { readonly how: "storage limit"; readonly victim: "nats" }
  | { readonly how: "clock"; readonly victim: string; readonly seconds: number }

export type MachineStrike = MachineFault & { readonly afterMillis: number; readonly downMillis: number }

export const isMachineStrike = (strike: { readonly how: string }): strike is MachineStrike =>
  ["disk full", "disk read-only", "storage limit", "clock"].includes(strike.how)

export interface Servers {
  readonly nats: Restartable
  readonly natsUrl: string
  readonly postgres: Restartable
}

export interface Machine {
  /** Where the servers are to keep their data, and how much NATS may store. */
  readonly natsFolder: string
  readonly postgresFolder: string
  readonly maxStoreBytes: number
  /** For the process of this name. */
  readonly environmentOf: (name: string) => Readonly<Record<string, string>>
  /** Begins the fault, waits for as long as it lasts, ends it, and has started again what does not recover by itself. */
  readonly strike: (strike: MachineStrike, servers: Servers) => Effect.Effect<void, NotHere>
  /** What cannot be struck with here. */
  readonly notHere: ReadonlyArray<NotHere>
}

/** More than a run needs, and less than its disk has. */
const maxStoreBytes = 64_000_000
const megabytes = { nats: 96, postgres: 256 }

/** `clocks`: the processes that get one of their own. Each look at it costs a little, so only they. */
export const machineOf = Effect.fn("machineOf")(function* (folder: string, clocks: ReadonlyArray<string>) {
  const owner = postgresOwner()
  const natsDisk = yield* Effect.result(smallDisk(join(folder, "nats-disk"), megabytes.nats))
  const postgresDisk = yield* Effect.result(smallDisk(join(folder, "postgres-disk"), megabytes.postgres, owner))
  const clockOf = new Map<string, Result.Result<Clock, NotHere>>()
  for (const name of clocks) clockOf.set(name, yield* Effect.result(clockIn(folder, name, join(home, "bin"))))
  const disks = { nats: natsDisk, postgres: postgresDisk } as const

  const clock = (name: string) =>
    Effect.fromResult(
      clockOf.get(name) ?? Result.fail(new NotHere({ what: `a clock of ${name}`, why: "none was made" }))
    )

  const means = Effect.fnUntraced(function* (fault: MachineFault, { nats, natsUrl, postgres }: Servers) {
    switch (fault.how) {
      case "clock": {
        const { set } = yield* clock(fault.victim)
        return { begin: set(fault.seconds), end: set(0) }
      }
      case "storage limit":
        return { begin: useUp(natsUrl), end: giveBack(natsUrl) }
      case "disk full": {
        const { clear, fill } = yield* Effect.fromResult(disks[fault.victim])
        return { begin: fill, end: clear }
      }
      case "disk read-only": {
        const isNats = fault.victim === "nats"
        const { allow, forbid } = writingOf((isNats ? nats : postgres).pid, isNats ? undefined : owner)
        return { begin: forbid, end: allow }
      }
    }
  })

  const machine: Machine = {
    natsFolder: folderOf(natsDisk, folder),
    postgresFolder: folderOf(postgresDisk, folder),
    maxStoreBytes,
    environmentOf: (name) => Result.getOrUndefined(clockOf.get(name) ?? Result.fail(undefined))?.environment ?? {},
    strike: Effect.fnUntraced(function* (strike, servers) {
      const { begin, end } = yield* means(strike, servers)
      yield* begin
      yield* Effect.sleep(strike.downMillis)
      yield* end
      // nats-server keeps a stream closed after a write error; Postgres may have ended by itself.
      if (strike.how === "disk full" || strike.how === "disk read-only")
        yield* Effect.andThen(servers[strike.victim].stop, servers[strike.victim].start)
    }),
    notHere: [natsDisk, postgresDisk, ...clockOf.values()].flatMap((one: Result.Result<unknown, NotHere>) =>
      Result.isFailure(one) ? [one.failure] : []
    )
  }
  return machine
})

const folderOf = (disk: Result.Result<{ readonly folder: string }, NotHere>, otherwise: string) =>
  Result.isSuccess(disk) ? disk.success.folder : otherwise

/** Whom Postgres runs as where we are root. */
export const postgresOwner = () => {
  if (process.getuid?.() !== 0) return undefined
  const idOf = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }))
  return { uid: idOf("-u"), gid: idOf("-g") }
}
