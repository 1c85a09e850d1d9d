// What each thing that a platform may do with a call becomes: event, status, attempts, and what follows.
import { assert, describe, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { deadLetters } from "../../support/Streams.ts"
import { Fault, type PlatformUnderTest } from "./Platform.ts"
import { type Wanted, World } from "./World.ts"

interface Try {
  readonly outcome: string
  readonly category: string | null
  readonly possible_duplicate: boolean
}
const sent: Try = { outcome: "sent", category: null, possible_duplicate: false }
const again: Try = { ...sent, possible_duplicate: true }
const failed = (category: string): Try => ({ outcome: "failed", category, possible_duplicate: false })
const unknown: Try = { outcome: "unknown", category: "unknown", possible_duplicate: false }

interface Row {
  readonly what: string
  readonly becomes: string
  readonly wanted: Omit<Wanted, "id">
  readonly status: string
  readonly attempts: ReadonlyArray<Try>
  /** Tries that used up one of those allowed, after each failure. */
  readonly failures: ReadonlyArray<number>
  readonly received: number
  readonly dead?: boolean
  /** At least so long between the first two calls. */
  readonly waits?: number
}

/** No further try is allowed: whatever uses one up ends it. */
const noRetry = { retry: [] }
const retries = (attempts: number) => ({ retry: [{ attempts, seconds: 0.1 }] })

const rows: ReadonlyArray<Row> = [
  {
    what: "a message that is accepted",
    becomes: "is sent",
    wanted: {},
    status: "sent",
    attempts: [sent],
    failures: [],
    received: 1
  },
  {
    what: "a recipient that is throttled",
    becomes: "is waited for as told, and no attempt is used up",
    wanted: { faults: [Fault.ThrottlesRecipient({ seconds: 1 })], more: noRetry, to: 11 },
    status: "sent",
    attempts: [failed("throttled"), sent],
    failures: [0],
    received: 1,
    waits: 1_000
  },
  {
    what: "a sender that is throttled",
    becomes: "is waited for as told, and no attempt is used up",
    wanted: { faults: [Fault.ThrottlesSender({ seconds: 1 })], more: noRetry, to: 12 },
    status: "sent",
    attempts: [failed("throttled"), sent],
    failures: [0],
    received: 1,
    waits: 1_000
  },
  {
    what: "a refusal for now",
    becomes: "is tried again, and counted",
    wanted: { faults: [Fault.RefusesForNow(), Fault.RefusesForNow()], more: retries(2), to: 13 },
    status: "sent",
    attempts: [failed("transient"), failed("transient"), sent],
    failures: [0, 1],
    received: 1
  },
  {
    what: "a refusal for now that does not end",
    becomes: "is given up, and kept as a dead letter",
    wanted: { faults: Array.from({ length: 9 }, () => Fault.RefusesForNow()), more: retries(1), to: 14 },
    status: "failed",
    attempts: [failed("transient"), failed("transient")],
    failures: [0, 1],
    received: 0,
    dead: true
  },
  {
    what: "a rejected content",
    becomes: "is given up at once, and kept as a dead letter",
    wanted: { faults: [Fault.RejectsContent()], more: retries(5), to: 15 },
    status: "failed",
    attempts: [failed("content")],
    failures: [0],
    received: 0,
    dead: true
  },
  {
    what: "a rejected recipient",
    becomes: "is given up at once, and kept as a dead letter",
    wanted: { faults: [Fault.RejectsRecipient()], more: retries(5), to: 16 },
    status: "failed",
    attempts: [failed("recipient")],
    failures: [0],
    received: 0,
    dead: true
  },
  {
    what: "a rejected recipient with a further channel",
    becomes: "is sent on that one, and kept as one message",
    wanted: { faults: [Fault.RejectsRecipient()], fallbackTo: 18, to: 17 },
    status: "sent",
    attempts: [failed("recipient"), sent],
    failures: [0],
    received: 1
  },
  {
    what: "an answer that was lost",
    becomes: "is unknown, and sent again as a possible duplicate",
    wanted: { faults: [Fault.LosesAnswer()], more: retries(1), to: 19 },
    status: "sent",
    attempts: [unknown, again],
    failures: [0],
    received: 2
  },
  {
    what: "an answer that was lost, of a message to be held",
    becomes: "is unknown, and not sent again",
    wanted: { faults: [Fault.LosesAnswer()], more: { ...retries(5), unknownOutcome: "hold" }, to: 20 },
    status: "unknown",
    attempts: [unknown],
    failures: [0],
    received: 1,
    dead: true
  }
]

/** Side by side: each has a recipient of its own. */
export const outcomes = (it: Vitest.MethodsNonLive<World>, platform: PlatformUnderTest) => {
  describe.concurrent("an outcome", () => {
    for (const [index, row] of rows.entries()) {
      if (row.wanted.faults?.some(({ _tag }) => platform.neverSays.includes(_tag))) continue
      it.effect(`${row.what} ${row.becomes}`, () =>
        Effect.gen(function* () {
          const world = yield* World
          const id = `outcome-${index}`
          yield* world.schedule({ id, ...row.wanted })
          yield* world.becomes(id, row.status)
          assert.deepStrictEqual(
            yield* world.attempts(id),
            row.attempts.map((one, n) => ({ attempt: n + 1, ...one }))
          )
          assert.strictEqual((yield* world.row(id)).attempts, row.attempts.length)
          const failures = yield* world.eventsAbout(id, "attempt-failed")
          assert.deepStrictEqual(
            failures.map((event) => event.failures),
            [...row.failures]
          )
          assert.strictEqual(world.receivedOf(id).length, row.received)
          assert.strictEqual(world.arrivalsOf(id).length, row.attempts.length)
          if (row.waits) {
            const [first, second] = world.arrivalsOf(id)
            assert.isAtLeast((second?.at ?? 0) - (first?.at ?? 0), row.waits)
          }
          const dead = yield* deadLetters(world.nats.url)
          assert.strictEqual(dead.includes(`carillon.dead.${platform.platform}.${id}`), row.dead ?? false)
          const { error_category: category, error_detail: reason } = yield* world.row(id)
          assert.strictEqual(category, row.dead ? row.attempts.at(-1)?.category : null)
          if (row.dead) assert.match(String(reason), /^[a-z-]+$/, "a code, never the platform's own words")
        })
      )
    }
  })
}
