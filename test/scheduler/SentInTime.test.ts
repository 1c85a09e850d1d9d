// A change that comes after its message was sent, as many do, is told so without a look at all that was ever cancelled.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { attemptEventId } from "#shared/contract/CloudEvents.ts"
import type { EventType } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { consumers, Subject } from "#shared/nats/layout/Topology.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { DeadLetterStore } from "#shared/nats/stores/DeadLetterStore.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { SeriesStore } from "#shared/nats/stores/SeriesStore.ts"
import { changeTimers } from "../../services/scheduler/commands/Changing.ts"
import { onlyOnce } from "../../services/scheduler/series/Submitting.ts"
import { Timers } from "../../services/scheduler/timers/Timers.ts"
import { attemptOf } from "../support/Attempts.ts"
import { delivered, rulesNow } from "../support/Commands.ts"
import { natsForTest } from "../support/Layers.ts"

const minute = 60_000

/** Each was due a minute ago, by the word of the log; the answers to a cancel of each, and what was read for them. */
const cancelling = (ended: Readonly<Record<string, EventType | undefined>>, looks = 2) =>
  Effect.gen(function* () {
    const { layer } = yield* natsForTest
    return yield* Effect.gen(function* () {
      yield* provision([consumers.schedulerCommands])
      const { publish } = yield* Publisher
      const log = yield* EventLog
      const at = fromMillis(Date.now() - minute)
      const ids = Object.keys(ended)
      yield* publish(
        ids.map((id) => {
          const { message } = attemptOf({ id, dueAt: at, expiresAt: fromMillis(Date.now() + minute) })
          return onlyOnce({ type: "scheduled", at, message, cause: "command-1-1" }, undefined)
        })
      )
      yield* publish(
        Object.entries(ended).flatMap(([id, type]) => {
          if (!type) return []
          const eventId = attemptEventId(id, type === "cancelled" ? undefined : 1, type)
          return [{ subject: Subject.events(type, "telegram"), payload: "{}", headers: { "ce-id": eventId } }]
        })
      )
      const read: Array<EventType> = []
      const idsSince: typeof log.idsSince = (types, since, asked) => {
        // Asked about nobody, it reads nothing.
        if (asked?.oneOfEach?.length !== 0) read.push(...types)
        return log.idsSince(types, since, asked)
      }
      const commands = ids.map((id, index) =>
        delivered("carillon.command.cancel", JSON.stringify({ id }), { seq: index + 1, looks })
      )
      const counted = Layer.succeed(EventLog, { ...log, idsSince })
      const answers = yield* Effect.provide(
        changeTimers("cancel", commands, rulesNow()),
        Layer.provideMerge(Timers.layer, counted)
      )
      return { read, replies: answers.map(({ reply }) => reply?.status) }
    }).pipe(Effect.provide(Layer.mergeAll(DeadLetterStore.layer, SeriesStore.layer).pipe(Layer.provideMerge(layer))))
  })

describe("a cancel that comes after its message was sent", () => {
  it.live("is refused without a look at what was cancelled", () =>
    Effect.gen(function* () {
      const { read, replies } = yield* cancelling({ m: "sent", n: "sent" })
      assert.deepStrictEqual(replies, ["rejected", "rejected"])
      assert.deepStrictEqual(read, ["sent"])
    })
  )

  it.live("is told apart from one of a message that was cancelled, or is on its way", () =>
    Effect.gen(function* () {
      const ended = { sent: "sent", before: "cancelled", now: undefined } as const
      // That on its way a gateway may hold, and give back meanwhile.
      assert.deepStrictEqual((yield* cancelling(ended)).replies, ["rejected", "cancelled", undefined])
      assert.deepStrictEqual((yield* cancelling(ended, 4)).replies, ["rejected", "cancelled", "rejected"])
    })
  )
})
