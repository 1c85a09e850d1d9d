// Very many pending messages: how long until all are armed, what memory they take, and a restart of everything.
import { Effect, Fiber } from "effect"
import { isServer } from "./Cpu.ts"
import { brokerFloors } from "./Floors.ts"
import { commandOf, publishInBatches, publishOneByOne, scheduleSubject } from "./Publish.ts"
import { atMost, type Row } from "./Table.ts"
import { parts, type Settings, until, type World, world } from "./World.ts"

const year = 365 * 86_400_000

const restarting = 400
const everyMillis = 25

/** Seconds from the order to stop until the first message arrives again, and of that the servers' own start. */
const restart = (of: World) =>
  Effect.gen(function* () {
    // Some are due at any time: what is sent first tells when all worked again, not when it was due.
    const start = Date.now() + 1_000
    const due = (index: number) => start + index * everyMillis
    const payload = (index: number) => commandOf({ id: `restart-${index}`, chat: index, due: due(index) })
    const before = yield* of.stored("EVENTS")
    const load = { subject: scheduleSubject, count: restarting, payload }
    yield* Effect.promise(() => publishOneByOne(of.connection, load))
    yield* until("accepted", of.stored("EVENTS"), before + restarting)
    const ordered = Date.now()
    yield* of.stop
    yield* Effect.all([of.nats.stop, of.postgres.stop], { concurrency: "unbounded" })
    yield* of.standIn.reset
    const stopped = Date.now()
    yield* Effect.all([of.nats.start, of.postgres.start], { concurrency: "unbounded" })
    const servers = Date.now()
    // What is ready late must not hide what was sent already.
    const starting = yield* Effect.forkChild(of.start)
    const arrived = Effect.map(of.standIn.progress, ({ count }) => count)
    yield* until("sent after the restart", arrived, 1, 120, 5)
    const { at, chats } = yield* of.standIn.arrivals
    yield* Fiber.join(starting)
    if (at.some((instant, index) => instant < due(chats[index] ?? 0)))
      return yield* Effect.die(new Error("one arrived before its time"))
    return { whole: ((at[0] ?? 0) - ordered) / 1_000, servers: (servers - stopped) / 1_000 }
  })

export const measurePending = Effect.fnUntraced(function* (settings: Settings) {
  const count = settings.count ?? (settings.full ? 1_000_000 : 100_000)
  const within = 120 + count / 500
  const of = yield* world(settings)
  yield* Effect.logInfo("bare clients")
  const { batches } = yield* brokerFloors(of, 50_000)
  yield* of.start
  const atRest = of.memory()
  yield* Effect.logInfo(`${count} pending messages`)
  const begun = Date.now()
  const due = (index: number) => begun + year + index * 10
  const payload = (index: number) => commandOf({ id: `pending-${index}`, chat: 1_000_000 + index, due: due(index) })
  const publishing = yield* Effect.forkChild(
    Effect.promise(() => publishInBatches(of.connection, { subject: scheduleSubject, count, payload }))
  )
  const armed = yield* until("armed", of.stored("TIMERS"), count, within, 100)
  yield* Fiber.join(publishing)
  const recorded = yield* until("recorded", of.rows("pending", due(0), due(count)), count, within, 1_000)
  const memory = of.memory()
  yield* Effect.logInfo("everything is stopped and started again")
  const again = yield* restart(of)
  yield* of.stop
  const pending = `${count.toLocaleString("en")} pending`
  const seconds = (armed - begun) / 1_000
  const publishingAlone = { what: "bare publish of as many in batches", value: count / batches.rate }
  return [
    {
      what: `${pending}: all armed`,
      measured: seconds,
      unit: "s",
      floor: publishingAlone,
      target: atMost(seconds, (60 * count) / 1_000_000, "s")
    },
    { what: `${pending}: all in the tables`, measured: (recorded - begun) / 1_000, unit: "s", floor: publishingAlone },
    ...parts.map((part): Row => {
      const server = isServer(part)
      return {
        what: `${pending}: memory of ${part}${server ? "" : ", at most"}`,
        measured: memory[part],
        unit: "MB",
        floor: { what: "before the first", value: atRest[part] },
        ...(server ? {} : { target: atMost(memory[part], 200, "MB") })
      }
    }),
    {
      what: `${pending}: everything stopped and started, until the first is sent`,
      measured: again.whole,
      unit: "s",
      floor: { what: "the start of nats-server and Postgres", value: again.servers },
      target: atMost(again.whole, 10, "s")
    }
  ] satisfies ReadonlyArray<Row>
})
