// What a gateway still says of its attempts once another has its lease, with real leases and a real log.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import type { Event } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { Outcome } from "#shared/gateway/Outcome.ts"
import { type Lease, leaseOf } from "#shared/gateway/sender/Lease.ts"
import { acceptedEvent, expiredEvent, failedEvent, interrupted } from "#shared/gateway/sending/GatewayEvents.ts"
import { type ToSay, verdictsOn } from "#shared/gateway/sending/Verdicts.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { attemptOf } from "../support/Attempts.ts"
import { eventually } from "../support/Carillon.ts"
import { natsForTest } from "../support/Layers.ts"
import { purgeSubject } from "../support/Streams.ts"

const now = Date.now()
const at = fromMillis(now)
const attempt = (id: string) => attemptOf({ id, dueAt: at, expiresAt: fromMillis(now + 60_000) })
const refused = (id: string) =>
  failedEvent(attempt(id), 0, Outcome.Throttled({ retryAfterMs: 1, scope: "sender" }), now)
const arrived = (id: string, part = 1, of = 1) => acceptedEvent(attempt(id), { part, of }, "1", now)
const lostOne = (id: string) => failedEvent(attempt(id), 0, interrupted, now)

const toSay = (event: Event, intent?: ToSay["entry"]["intent"]): ToSay => ({
  entry: {
    attempt: attempt("message" in event ? event.message.id : "id" in event ? (event.id ?? "") : ""),
    intent,
    delivery: { time: new Date(now), redelivered: false }
  },
  event
})

/** The first holds its lease until its time is over as NATS sees it; then the second has it, until `second` is closed. */
const twoLeases = Effect.gen(function* () {
  const { layer, nats } = yield* natsForTest
  return {
    layer,
    replaced: Effect.gen(function* () {
      yield* provision([])
      const first = yield* leaseOf("telegram", "default")
      assert.isTrue(first.holds())
      yield* purgeSubject(nats.url, "SENDERS", "carillon.sender.telegram.default.lease")
      const scope = yield* Scope.make()
      yield* Effect.forkScoped(first.lost)
      const second = yield* Scope.provide(leaseOf("telegram", "default"), scope)
      yield* eventually("lost", Effect.sync(first.holds), (holds) => !holds)
      return { first, second, leave: Scope.close(scope, Exit.void) }
    })
  }
})

const verdicts = (lease: Lease, ...batch: ReadonlyArray<ToSay>) => verdictsOn(lease, batch)

describe("a gateway that was replaced", () => {
  it.live(
    "says what arrived, and of what it had begun how it ended, unless that has an end: the rest is another's",
    () =>
      Effect.gen(function* () {
        const { layer, replaced } = yield* twoLeases
        yield* Effect.gen(function* () {
          const { first, leave, second } = yield* replaced
          const { append } = yield* Publisher
          yield* append([lostOne("decided"), arrived("told"), arrived("part-told", 1, 2)])
          const batch = [
            toSay(arrived("decided"), "ours"),
            toSay(arrived("told"), "ours"),
            toSay(arrived("part-told", 1, 2), "ours"),
            toSay(arrived("part", 1, 2), "late"),
            toSay(refused("decided"), "ours"),
            toSay(expiredEvent(attempt("decided"), 0, now), "ours"),
            toSay(refused("open"), "ours"),
            toSay(refused("begun-late"), "late"),
            toSay(expiredEvent(attempt("waits"), 0, now)),
            toSay(refused("waits"))
          ]
          const said = ["say", "ended", "ended", "say", "ended", "ended", "say"]
          assert.deepStrictEqual(yield* verdicts(first, ...batch), [...said, "another's", "another's", "another's"])
          assert.deepStrictEqual(
            yield* verdicts(second, ...batch),
            batch.map(() => "say")
          )
          // With nobody in its place, nobody has in hand what it began late.
          yield* leave
          assert.deepStrictEqual(yield* verdicts(first, ...batch), [...said, "say", "another's", "another's"])
        }).pipe(Effect.provide(layer), Effect.scoped)
      })
  )

  it.live("says nothing personal of one that was erased meanwhile, also if it is the active one again", () =>
    Effect.gen(function* () {
      const { layer, replaced } = yield* twoLeases
      yield* Effect.gen(function* () {
        const { first, second } = yield* replaced
        const { append } = yield* Publisher
        yield* append([{ type: "erased", at, id: "erased", platform: "telegram", cause: "erase-1" }])
        const failed = toSay(refused("erased"), "ours")
        assert.deepStrictEqual(yield* verdicts(first, failed, toSay(arrived("erased"), "ours")), ["ended", "say"])
        const back = { ...failed, entry: { ...failed.entry, delivery: { time: new Date(now), redelivered: true } } }
        assert.deepStrictEqual(yield* verdicts(second, back, toSay(refused("open"), "ours")), ["ended", "say"])
      }).pipe(Effect.provide(layer), Effect.scoped)
    })
  )

  it.live("says nothing has expired that was sent after all, also while it is the active one", () =>
    Effect.gen(function* () {
      const { layer, replaced } = yield* twoLeases
      yield* Effect.gen(function* () {
        const { second } = yield* replaced
        const { append } = yield* Publisher
        yield* append([lostOne("sent"), arrived("sent"), lostOne("unsent")])
        const again = (id: string) => ({ ...attempt(id), attempt: 2, interruptedSince: at })
        const expired = (id: string): ToSay => ({
          entry: { attempt: again(id), delivery: { time: new Date(now), redelivered: false } },
          event: expiredEvent(again(id), 0, now)
        })
        assert.deepStrictEqual(yield* verdicts(second, expired("sent"), expired("unsent")), ["ended", "say"])
      }).pipe(Effect.provide(layer), Effect.scoped)
    })
  )
})
