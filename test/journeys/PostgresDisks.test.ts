// A Postgres whose disk gets full or read-only: nothing waits for it to be sent, and all of it is recorded in the end.
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type NotHere, smallDisk, writingOf } from "../../chaos/faults/Disks.ts"
import { freePort } from "../../deploy/local/LocalServer.ts"
import { serverUser, startPostgres } from "../../deploy/local/PostgresServer.ts"
import { type Restartable, restartable } from "../../deploy/local/Restartable.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { carillon, command, eventually } from "../support/Carillon.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { whereAllowed } from "../support/platforms/WhereAllowed.ts"
import { databaseAt } from "../support/servers/TestDatabase.ts"

const ids = Array.from({ length: 300 }, (_, index) => `m-${index}`)

/** Large, so that tables grow. */
const text = "x".repeat(4_000)

const postgresIn = Effect.fnUntraced(function* (folder: string) {
  const port = yield* freePort
  let url = ""
  const server = yield* restartable(
    Effect.tap(startPostgres({ dataDir: join(folder, "postgres"), port, database: "carillon" }), (started) =>
      Effect.sync(() => {
        url = started.url
      })
    )
  )
  yield* server.start
  return { server, url }
})

const survives = Effect.fnUntraced(function* (
  { server, url }: { readonly server: Restartable; readonly url: string },
  begin: Effect.Effect<unknown, NotHere>,
  end: Effect.Effect<unknown, NotHere>
) {
  const { nats, phones, services, start } = yield* carillon({ environment: { DATABASE_URL: url } })
  yield* start
  yield* begin
  yield* publishPlainly(
    nats.url,
    ids.map((id, index) =>
      command(id, 0, { recipient: { chatId: String(index) }, content: { type: "text", text: `${id} ${text}` } })
    )
  )
  const arrived = Effect.sync(() => phones.received.length)
  yield* eventually("all arrived, though nothing can be recorded", arrived, (count) => count === ids.length)
  const waits = Effect.sync(() => /The projection waits: [^"]*/.exec(services.ledger.output())?.[0])
  const said = yield* eventually("the ledger to say that it waits", waits, (line) => line !== undefined)
  const ready = Effect.promise(() => fetch(`${services.ledger.url}/readyz`).then(({ ok }) => ok))
  assert.isFalse(yield* ready)
  yield* end
  // As whoever keeps it running would: it may have ended by itself.
  yield* Effect.andThen(server.stop, server.start)
  const { query } = yield* databaseAt(url)
  const sent = Effect.map(
    query("select count(*) as n from carillon.scheduled_messages where status = 'sent'"),
    (rows) => Number(rows[0]?.n)
  )
  yield* eventually("all recorded", sent, (count) => count === ids.length)
  yield* eventually("the ledger to be ready", ready, (ok) => ok)
  assert.strictEqual(new Set(phones.received.map((one) => one.text)).size, ids.length)
  assert.strictEqual(phones.received.length, ids.length)
  assert.notInclude(services.ledger.output(), "xxxx")
  assert.strictEqual(yield* services.ledger.stop, 0)
  return said
})

const owner = Effect.promise(serverUser)

describe("Postgres", () => {
  it.live("whose disk is full holds back no send, and has all of it recorded when there is room", (context) =>
    whereAllowed(
      context,
      Effect.gen(function* () {
        const disk = yield* smallDisk(yield* temporaryFolder("disk"), 160, yield* owner)
        const said = yield* survives(yield* postgresIn(disk.folder), disk.fill, disk.clear)
        assert.match(said ?? "", /could not (extend|write)/)
      })
    )
  )

  it.live("whose disk turns read-only, neither", (context) =>
    whereAllowed(
      context,
      Effect.gen(function* () {
        const postgres = yield* postgresIn(yield* temporaryFolder("postgres"))
        const { allow, forbid } = writingOf(postgres.server.pid, yield* owner)
        yield* survives(postgres, forbid, allow)
      })
    )
  )
})
