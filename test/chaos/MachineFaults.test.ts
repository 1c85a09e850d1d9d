// Each fault of the machine is really there while it lasts, and over when it is over.
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Fiber } from "effect"
import pg from "pg"
import { inject } from "vitest"
import { type MachineBlow, machineOf } from "../../chaos/faults/MachineFaults.ts"
import { freePort } from "../../deploy/local/LocalServer.ts"
import { startNatsServer } from "../../deploy/local/NatsServer.ts"
import { startPostgres } from "../../deploy/local/PostgresServer.ts"
import { restartable } from "../../deploy/local/Restartable.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { eventually } from "../support/Carillon.ts"
import { whereAllowed } from "../support/platforms/WhereAllowed.ts"

const struck = Effect.gen(function* () {
  const machine = yield* machineOf(yield* temporaryFolder("machine"), [])
  const port = yield* freePort
  const nats = yield* restartable(
    startNatsServer({
      binary: inject("natsServer"),
      port,
      storeDir: join(machine.natsFolder, "nats"),
      maxStoreBytes: machine.maxStoreBytes
    })
  )
  const natsUrl = `nats://127.0.0.1:${port}`
  const databasePort = yield* freePort
  let databaseUrl = ""
  const postgres = yield* restartable(
    Effect.tap(
      startPostgres({ dataDir: join(machine.postgresFolder, "postgres"), port: databasePort, database: "x" }),
      ({ url }) =>
        Effect.sync(() => {
          databaseUrl = url
        })
    )
  )
  yield* Effect.all([nats.start, postgres.start], { concurrency: "unbounded" })
  return { machine, servers: { nats, natsAt: { servers: natsUrl }, postgres }, natsUrl, databaseUrl: () => databaseUrl }
})

/** Whether NATS stores now. */
const natsStores = (url: string) =>
  Effect.promise(async () => {
    const connection = await connect({ servers: url, timeout: 2_000, reconnect: false }).catch(() => undefined)
    if (!connection) return false
    try {
      await (await jetstreamManager(connection)).streams.add({ name: "S", subjects: ["s"] })
      for (let n = 0; n < 20; n++) await jetstream(connection).publish("s", new Uint8Array(1_000), { timeout: 500 })
      return true
    } catch {
      return false
    } finally {
      await connection.close()
    }
  })

/** Whether Postgres does. */
const postgresStores = (url: string) =>
  Effect.promise(async () => {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
    client.on("error", () => {})
    try {
      await client.connect()
      await client.query("create table if not exists t (x text)")
      await client.query("insert into t select repeat('x', 1000) from generate_series(1, 500)")
      return true
    } catch {
      return false
    } finally {
      await client.end().catch(() => {})
    }
  })

const faults: ReadonlyArray<MachineBlow> = [
  { kind: "disk", victim: "nats", how: "at its limit" },
  { kind: "disk", victim: "nats", how: "full" },
  { kind: "disk", victim: "nats", how: "read-only" },
  { kind: "disk", victim: "postgres", how: "full" },
  { kind: "disk", victim: "postgres", how: "read-only" }
]

describe("a fault of the machine", () => {
  for (const fault of faults) {
    it.live(`${fault.victim}: ${fault.kind} ${fault.how}, lasts and is over`, (context) =>
      whereAllowed(
        context,
        Effect.gen(function* () {
          const { databaseUrl, machine, natsUrl, servers } = yield* struck
          const stores = Effect.suspend(() =>
            fault.victim === "nats" ? natsStores(natsUrl) : postgresStores(databaseUrl())
          )
          assert.isTrue(yield* stores)
          const strike = yield* Effect.forkChild(machine.strike({ ...fault, forMillis: 6_000 }, servers))
          yield* eventually("it to be felt", Effect.raceFirst(stores, Fiber.join(strike)), (fine) => fine === false)
          yield* Fiber.join(strike)
          yield* eventually("it to be over", stores, (fine) => fine)
        })
      )
    )
  }
})
