// Decisions on dead letters that meet, or come again: each letter is decided on once, and whoever decided is told so.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import type { DeadLetter } from "#shared/contract/DeadLetter.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { Nats } from "#shared/nats/connection/Nats.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { consumers, Subject } from "#shared/nats/layout/Topology.ts"
import { type Delivery, openMailbox } from "#shared/nats/messages/Mailbox.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { DeadLetterStore, deadLetterMessage } from "#shared/nats/stores/DeadLetterStore.ts"
import type { Answer } from "../../services/scheduler/commands/Answer.ts"
import type { Decision } from "../../services/scheduler/operators/DeadLetters.ts"
import { decideDeadLetters } from "../../services/scheduler/operators/Deciding.ts"
import { attemptOf } from "../support/Attempts.ts"
import { natsForTest } from "../support/Layers.ts"
import { deadLetters, eventsOf, purgeSubject } from "../support/Streams.ts"

const letterOf = (state: DeadLetter["state"]): DeadLetter => {
  const at = fromMillis(Date.now())
  return { ...attemptOf({ dueAt: at, expiresAt: at }), state, at, category: "transient", reason: "unreachable" }
}

type Asked = readonly [name: Decision, more?: object | undefined]

/** One letter, and commands about it that somebody may have had in hand before. */
const asked = Effect.fnUntraced(function* (state: DeadLetter["state"], ...commands: ReadonlyArray<Asked>) {
  const { layer, nats } = yield* natsForTest
  const context = yield* Layer.build(Layer.provideMerge(DeadLetterStore.layer, layer))
  return yield* Effect.gen(function* () {
    yield* provision([consumers.schedulerCommands])
    const { append, publish } = yield* Publisher
    yield* publish([deadLetterMessage(letterOf(state))])
    yield* publish(
      commands.map(([name, more]) => ({
        subject: Subject.command(name),
        payload: JSON.stringify({ id: "m", ...more }),
        headers: {}
      }))
    )
    const { take } = yield* openMailbox(consumers.schedulerCommands)
    const taken: Array<Delivery> = []
    while (taken.length < commands.length) taken.push(...(yield* take(1)))
    const decide = (...which: ReadonlyArray<number>) =>
      Effect.provide(
        Effect.forEach(which, (index) =>
          decideDeadLetters(commands[index]?.[0] as Decision, [taken[index] as Delivery], Date.now())
        ),
        context
      ).pipe(Effect.map((answers) => answers.flat()))
    const finish = Effect.fnUntraced(function* ({ afterwards, event }: Answer) {
      if (event) yield* append([event])
      if (afterwards) yield* Effect.provide(afterwards, context)
    })
    const { connection } = yield* Nats
    return { connection, decide, finish, nats, publish, store: yield* DeadLetterStore }
  }).pipe(Effect.provide(context))
})

const statuses = (answers: ReadonlyArray<Answer>) => answers.map(({ reply }) => reply?.status)

describe("a dead letter", () => {
  it.live("is decided on once, by whoever comes first: redriven and dropped at the same time it is not both", () =>
    Effect.gen(function* () {
      const { decide, finish, nats } = yield* asked("failed", ["redrive"], ["discard"])
      const both = yield* decide(0, 1)
      assert.deepStrictEqual(statuses(both), ["redriven", "rejected"])
      yield* Effect.forEach(both, finish)
      assert.deepStrictEqual(yield* deadLetters(nats.url), [])
      assert.lengthOf(yield* eventsOf(nats.url, "carillon.event.discarded.*"), 0)
    })
  )

  it.live("is decided on anew if what was begun of it is nowhere", () =>
    Effect.gen(function* () {
      const { decide, nats } = yield* asked("failed", ["discard"], ["redrive"])
      yield* decide(0)
      yield* purgeSubject(nats.url, "COMMANDS", Subject.command("discard"))
      assert.deepStrictEqual(statuses(yield* decide(1)), ["redriven"])
    })
  )

  it.live("that stays though its message was sent again is not redriven once more", () =>
    Effect.gen(function* () {
      const { decide, finish, nats, publish, store } = yield* asked("failed", ["redrive"], ["redrive"])
      const { letter } = Option.getOrThrow(yield* store.find("m"))
      const [first] = yield* decide(0)
      yield* finish({ ...first, afterwards: Effect.void })
      // By a dispatcher that was killed in the middle of giving it up.
      yield* publish([{ ...deadLetterMessage(letter), messageId: "again" }])
      const [second] = yield* decide(1)
      assert.deepStrictEqual(statuses([second as Answer]), ["rejected"])
      yield* finish(second as Answer)
      assert.lengthOf(yield* deadLetters(nats.url), 0)
    })
  )

  it.live("that cannot be removed is told of", () =>
    Effect.gen(function* () {
      const { connection, store } = yield* asked("failed")
      yield* store.remove(17)
      yield* Effect.promise(() => connection.close())
      const removed = yield* Effect.result(store.remove(1))
      assert.strictEqual(removed._tag, "Failure")
    })
  )
})

describe("a decision that was carried out and comes back", () => {
  for (const [state, name, more] of [
    ["failed", "redrive"],
    ["failed", "discard"],
    ["unknown", "resolve", { as: "failed" }],
    ["unknown", "resolve", { as: "resend" }]
  ] as const) {
    it.live(`is told as it was told before: ${name} ${more?.as ?? ""}`, () =>
      Effect.gen(function* () {
        const { decide, finish, nats } = yield* asked(state, [name, more])
        const [first] = yield* decide(0)
        assert.notStrictEqual(first?.reply?.status, "rejected")
        yield* finish(first as Answer)
        const left = yield* deadLetters(nats.url)
        const [again] = yield* decide(0)
        assert.deepStrictEqual(again?.reply, first?.reply)
        assert.isUndefined(again?.event)
        yield* finish(again as Answer)
        assert.deepStrictEqual(yield* deadLetters(nats.url), left)
      })
    )
  }
})
