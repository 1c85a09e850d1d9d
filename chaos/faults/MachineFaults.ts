// Faults of the machine that a run can strike with: disks that get full or read-only, NATS at its limit of storage, clocks
// that jump. What this machine does not allow is told by name, and left out.
import { join } from "node:path"
import type { ConnectionOptions } from "@nats-io/transport-node"
import { Effect, Result } from "effect"
import { home } from "../../deploy/local/Home.ts"
import { serverUser } from "../../deploy/local/PostgresServer.ts"
import type { Restartable } from "../../deploy/local/Restartable.ts"
import { type Clock, clockIn } from "./Clocks.ts"
import { NotHere, smallDisk, writingOf } from "./Disks.ts"
import { giveBack, useUp } from "./StorageLimit.ts"

/** In seconds. */
export const wrongBy = {
  "5 minutes ahead": 300,
  "5 minutes behind": -300,
  "20 s ahead": 20,
  "20 s behind": -20
} as const

export type MachineBlow =
  | { readonly kind: "disk"; readonly victim: "nats" | "postgres"; readonly how: "full" | "read-only" }
  | { readonly kind: "disk"; readonly victim: "nats"; readonly how: "at its limit" }
  /** Of a service: nats-server has the machine's clock. */
  | { readonly kind: "clock"; readonly victim: string; readonly how: keyof typeof wrongBy }

export type MachineStrike = MachineBlow & { readonly forMillis: number }

export interface Servers {
  readonly nats: Restartable
  /** With the right to make a stream. */
  readonly natsAt: ConnectionOptions
  readonly postgres: Restartable
}

export interface Machine {
  /** Where the servers are to keep their data, and how much NATS may store. */
  readonly natsFolder: string
  readonly postgresFolder: string
  readonly maxStoreBytes: number
  /** For the process of this name. */
  readonly environmentOf: (name: string) => Readonly<Record<string, string>>
  /** Begins it, waits for as long as it lasts, ends it, and starts again what does not recover by itself. */
  readonly strike: (strike: MachineStrike, servers: Servers) => Effect.Effect<void, NotHere>
  /** What cannot be struck with here. */
  readonly notHere: ReadonlyArray<NotHere>
}

/** More than a run needs, and less than its disk has. */
const maxStoreBytes = 64_000_000
const megabytes = { nats: 96, postgres: 256 }

/** `clocks`: the processes that get one of their own. Each look at it costs a little, so only they. */
export const machineOf = Effect.fn("machineOf")(function* (folder: string, clocks: ReadonlyArray<string>) {
  const owner = yield* Effect.promise(serverUser)
  const natsDisk = yield* Effect.result(smallDisk(join(folder, "nats-disk"), megabytes.nats))
  const postgresDisk = yield* Effect.result(smallDisk(join(folder, "postgres-disk"), megabytes.postgres, owner))
  const clockOf = new Map<string, Result.Result<Clock, NotHere>>()
  for (const name of clocks) clockOf.set(name, yield* Effect.result(clockIn(folder, name, join(home, "bin"))))
  const disks = { nats: natsDisk, postgres: postgresDisk } as const

  const clock = (name: string) =>
    Effect.fromResult(
      clockOf.get(name) ?? Result.fail(new NotHere({ what: `a clock of ${name}`, why: "none was made" }))
    )

  const means = Effect.fnUntraced(function* (blow: MachineBlow, servers: Servers) {
    if (blow.kind === "clock") {
      const { set } = yield* clock(blow.victim)
      return { begin: set(wrongBy[blow.how]), end: set(0) }
    }
    const { how, victim } = blow
    if (how === "at its limit") return { begin: useUp(servers.natsAt), end: giveBack(servers.natsAt) }
    // nats-server keeps a stream closed after a write error, and Postgres may have ended by itself.
    const again = Effect.andThen(servers[victim].stop, servers[victim].start)
    if (how === "full") {
      const { clear, fill } = yield* Effect.fromResult(disks[victim])
      return { begin: fill, end: Effect.andThen(clear, again) }
    }
    const { allow, forbid } = writingOf(servers[victim].pid, victim === "nats" ? {} : owner)
    return { begin: forbid, end: Effect.andThen(allow, again) }
  })

  const machine: Machine = {
    natsFolder: folderOf(natsDisk, folder),
    postgresFolder: folderOf(postgresDisk, folder),
    maxStoreBytes,
    environmentOf: (name) => Result.getOrUndefined(clockOf.get(name) ?? Result.fail(undefined))?.environment ?? {},
    strike: Effect.fnUntraced(function* (strike, servers) {
      const { begin, end } = yield* means(strike, servers)
      yield* begin
      yield* Effect.sleep(strike.forMillis)
      yield* end
    }),
    notHere: [natsDisk, postgresDisk, ...clockOf.values()].flatMap((one: Result.Result<unknown, NotHere>) =>
      Result.isFailure(one) ? [one.failure] : []
    )
  }
  return machine
})

const folderOf = (disk: Result.Result<{ readonly folder: string }, NotHere>, otherwise: string) =>
  Result.isSuccess(disk) ? disk.success.folder : otherwise
