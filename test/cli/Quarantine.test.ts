// What no service could process: an operator looks at it, puts it back where it came from, or drops it, with no more rights than those.
import { assert, describe, it } from "@effect/vitest"
import { jetstream } from "@nats-io/jetstream"
import { headers } from "@nats-io/transport-node"
import { Effect } from "effect"
import { provisioned } from "../security/Guarded.ts"
import { cli } from "../support/Cli.ts"

const secret = "Hello, Ada"

describe("the quarantine", () => {
  it.live("is listed and shown without what it says, put back with its headers, and dropped", () =>
    Effect.gen(function* () {
      const { connectAs, keys, nats } = yield* provisioned
      const dispatcher = jetstream(yield* connectAs("dispatcher"))
      const aside = (of: string, subject: string, id: string) =>
        Effect.promise(() => {
          const given = headers()
          given.set("carillon-reason", "undecodable")
          given.set("carillon-subject", subject)
          given.set("ce-subject", id)
          given.set("carillon-fires-at", "2026-12-01T09:00:00.000Z")
          return dispatcher.publish(`carillon.quarantine.${of}`, `{"text":"${secret}"}`, { headers: given })
        })
      yield* aside("TIMERS.dispatcher", "carillon.timer.due.telegram", "appt-1")
      yield* aside("EVENTS.dispatcher-failures", "carillon.event.attempt-failed.telegram", "two words")
      const run = cli({ NATS_URL: nats.url, ...keys.environmentOf("operator") })
      const operator = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
        const ended = yield* run(["quarantine", ...args])
        assert.strictEqual(ended.code, 0, ended.err)
        return ended.out
      })

      const listed = yield* operator("list")
      assert.match(listed, /1 +.*dispatcher +undecodable +carillon.timer.due.telegram +appt-1/)
      assert.match(listed, /2 +.*dispatcher-failures +undecodable +carillon.event.attempt-failed.telegram +- /)
      const shown = yield* operator("show", "1")
      assert.deepInclude(JSON.parse(shown), { number: 1, consumer: "dispatcher", id: "appt-1" })
      assert.notInclude(listed + shown, secret)
      assert.include(yield* operator("show", "1", "--content"), "Hello, Ada")

      yield* operator("redrive", "--all", "--of", "dispatcher")
      const scheduler = jetstream(yield* connectAs("scheduler"))
      const { direct } = yield* Effect.promise(() => scheduler.jetstreamManager())
      const back = yield* Effect.promise(() => direct.getMessage("TIMERS", { seq: 1 }))
      assert.strictEqual(back?.subject, "carillon.timer.due.telegram")
      assert.include(back?.string(), secret)
      assert.strictEqual(back?.header.get("carillon-fires-at"), "2026-12-01T09:00:00.000Z")
      assert.strictEqual(back?.header.get("carillon-reason"), "")

      yield* operator("drop", "2")
      assert.strictEqual(yield* operator("list"), "none\n")
      assert.strictEqual((yield* run(["quarantine", "redrive", "2"])).code, 3)
      assert.strictEqual((yield* run(["quarantine", "drop"])).code, 2)
    })
  )
})
