// Reading the log back: from an instant on, of whichever types, nothing may be missing, or what was done is done again.
import { assert, describe, it } from "@effect/vitest"
import { headers as natsHeaders } from "@nats-io/transport-node"
import { Effect } from "effect"
import { Nats } from "#shared/nats/connection/Nats.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { natsForTest, natsForTestWith } from "../support/Layers.ts"

const event = (type: "sent" | "attempt-failed", n: number) => ({
  subject: `carillon.event.${type}.telegram`,
  payload: "{}",
  headers: { "ce-id": `${type}-${n}` }
})

describe("the log", () => {
  it.live("has every id since an instant, also of types that began long before and long after it", () =>
    Effect.gen(function* () {
      const { layer } = yield* natsForTest
      yield* Effect.gen(function* () {
        yield* provision([])
        const { publish } = yield* Publisher
        const log = yield* EventLog
        yield* publish(Array.from({ length: 100 }, (_, n) => event("attempt-failed", n)))
        yield* publish([event("sent", 1)])
        yield* publish(Array.from({ length: 50 }, (_, n) => event("attempt-failed", 100 + n)))
        const all = yield* log.idsSince(["sent", "attempt-failed"], 0)
        assert.strictEqual(all.size, 151)
        // Five seconds are added for clocks that differ: an instant later than the newest by less than that finds all.
        const times = [...all.values()].toSorted((a, b) => a - b)
        for (const at of [times[10], times[60], times[120]] as ReadonlyArray<number>) {
          const found = yield* log.idsSince(["sent", "attempt-failed"], at + 5_000)
          // The time that nats.js tells is rounded up in the last nanoseconds of a millisecond: what is of `at` may be older.
          const since = (first: number) => [...all].flatMap(([id, time]) => (time >= first ? [id] : []))
          assert.includeMembers([...found.keys()], since(at + 1))
          assert.includeMembers(since(at), [...found.keys()])
        }
        assert.strictEqual((yield* log.idsSince(["sent", "attempt-failed"], Date.now() + 60_000)).size, 0)
      }).pipe(Effect.provide(layer))
    })
  )

  it.live("keeps of a look into it only what was asked about, however much there is of others", () =>
    Effect.gen(function* () {
      const { layer } = yield* natsForTest
      yield* Effect.gen(function* () {
        yield* provision([])
        const { publish } = yield* Publisher
        const log = yield* EventLog
        const of = (message: string, n: number) => ({
          ...event("sent", n),
          headers: { "ce-id": `sent-${n}`, "ce-subject": message }
        })
        const others = Array.from({ length: 20_000 }, (_, n) => of(`other-${n}`, n))
        yield* publish([...others.slice(0, 10_000), of("ours", 30_001), of("ours", 30_002), ...others.slice(10_000)])
        yield* publish([of("mine", 30_003)])
        const groups = [["sent-30001", "sent-40000"], ["sent-30003"], ["sent-50000"]]
        const found = yield* log.idsSince(["sent"], 0, { oneOfEach: groups })
        assert.sameMembers([...found.keys()], ["sent-30001", "sent-30003"])
        const about = yield* log.idsSince(["sent"], 0, { about: new Set(["ours"]), oneOfEach: [["sent-30003"]] })
        assert.sameMembers([...about.keys()], ["sent-30001", "sent-30002", "sent-30003"])
        assert.strictEqual((yield* log.idsSince(["sent"], 0, { oneOfEach: [] })).size, 0)
      }).pipe(Effect.provide(layer))
    })
  )
})

describe("a look into the log that is told how far to look", () => {
  it.live("has what was stored up to then, and reads little beyond it", () =>
    Effect.gen(function* () {
      const { layer } = yield* natsForTest
      yield* Effect.gen(function* () {
        yield* provision([])
        const { publish } = yield* Publisher
        const log = yield* EventLog
        yield* publish([event("sent", 0)])
        const until = Number((yield* log.idsSince(["sent"], 0)).get("sent-0"))
        yield* Effect.sleep(20)
        yield* publish([event("sent", 1), event("sent", 2), event("sent", 3)])
        const oneOfEach = [0, 2, 3].map((n) => [`sent-${n}`])
        assert.deepStrictEqual([...(yield* log.idsSince(["sent"], 0, { oneOfEach, until })).keys()], ["sent-0"])
      }).pipe(Effect.provide(layer))
    })
  )
})

describe("the newest message of each of many subjects", () => {
  const subject = (n: number) => `carillon.timer.pending.m-${n}`
  const subjects = Array.from({ length: 1_000 }, (_, n) => subject(n))
  const waiting = (count: number, bytes = 2) =>
    Effect.gen(function* () {
      yield* provision([])
      const { publish } = yield* Publisher
      yield* publish(
        Array.from({ length: count }, (_, n) => ({ subject: subject(n), payload: "t".repeat(bytes), headers: {} }))
      )
    })

  for (const count of [0, 1, 3, 1_000]) {
    it.live(`is told when ${count} of a thousand have one`, () =>
      Effect.gen(function* () {
        const { layer } = yield* natsForTest
        yield* Effect.gen(function* () {
          yield* waiting(count)
          const log = yield* EventLog
          const found = yield* log.lastOfEach("TIMERS", subjects)
          assert.sameMembers(
            found.map((one) => one.subject),
            subjects.slice(0, count)
          )
        }).pipe(Effect.provide(layer))
      })
    )
  }

  it.live("is told of all, also when NATS has no room for all in one answer", () =>
    Effect.gen(function* () {
      // By default it has 64 MB, and takes a connection for dead on whose way there is more.
      const { layer } = yield* natsForTestWith({ extra: ["max_pending: 5000000"] })
      yield* Effect.gen(function* () {
        yield* waiting(80, 100_000)
        const log = yield* EventLog
        assert.lengthOf(yield* log.lastOfEach("TIMERS", subjects), 80)
        // Of a wildcard nobody can say what is left: it ends all the same.
        assert.strictEqual((yield* Effect.exit(log.lastOfEach("TIMERS", ["carillon.timer.pending.*"])))._tag, "Failure")
      }).pipe(Effect.provide(layer))
    })
  )

  it.live("is not taken for none when one of them goes just as it is read", () =>
    Effect.gen(function* () {
      const { layer } = yield* natsForTest
      yield* Effect.gen(function* () {
        yield* waiting(3)
        const { connection, manager } = yield* Nats
        const log = yield* EventLog
        // What nats-server says then, said in its place: of the first how it stands, and of the second that it is not there.
        yield* Effect.promise(() => manager.streams.update("TIMERS", { allow_direct: false, mirror_direct: false }))
        connection.subscribe("$JS.API.DIRECT.GET.TIMERS", {
          callback: (_, { reply = "" }) => {
            const first = natsHeaders()
            first.set("Nats-Subject", subject(0))
            first.set("Nats-Sequence", "1")
            first.set("Nats-Num-Pending", "2")
            connection.publish(reply, "tt", { headers: first })
            connection.publish(reply, "", { headers: natsHeaders(404, "Message Not Found") })
          }
        })
        yield* Effect.promise(() => connection.flush())
        assert.strictEqual((yield* Effect.exit(log.lastOfEach("TIMERS", subjects)))._tag, "Failure")
      }).pipe(Effect.provide(layer))
    })
  )
})
