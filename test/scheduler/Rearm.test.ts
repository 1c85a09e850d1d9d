// How far a message has come by what the log says of it, and so what may be taken up again.
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { eventId } from "#shared/contract/CloudEvents.ts"
import { attemptOf, type Event, messageId } from "#shared/contract/Events.ts"
import type { Heard } from "#shared/nats/stores/ReadingBack.ts"
import { newest, stageOf } from "../../services/scheduler/timers/Rearm.ts"
import {
  attemptFailed,
  cancelled,
  dispatched,
  expired,
  failed,
  fellBack,
  held,
  lives,
  overdue,
  redriven,
  rescheduled,
  resolved,
  retryScheduled,
  scheduled,
  sent,
  started
} from "../ledger/Histories.ts"

const heard = (...events: ReadonlyArray<Event>): ReadonlyArray<Heard> =>
  events.map((event, index) => ({
    id: messageId(event) ?? "",
    type: event.type,
    eventId: eventId(event),
    attempt: attemptOf(event),
    sequence: index + 1,
    storedAt: index
  }))

const stage = (...events: ReadonlyArray<Event>) => {
  const all = heard(...events)
  return stageOf(all, { attempt: newest(all, 1).attempt })._tag
}

const part = (number: number, type: "send-started" | "part-sent"): Event =>
  ({ ...started("m"), type, part: number, sentAt: started("m").at, providerMessageId: "7" }) as Event

const begun = [scheduled("m"), dispatched("m"), started("m")]
const unsure = [...begun, attemptFailed("m", 1, "unknown")]

describe("what is left of a message", () => {
  it.each([
    ["Waiting", [scheduled("m")]],
    ["Waiting", [scheduled("m"), rescheduled("m", 10), overdue("m")]],
    ["Waiting", [...begun, attemptFailed("m"), retryScheduled("m")]],
    ["Waiting", [...begun, attemptFailed("m"), fellBack("m", 2)]],
    ["Waiting", [...begun, attemptFailed("m"), failed("m"), redriven("m", 2)]],
    ["Dispatched", [scheduled("m"), dispatched("m")]],
    ["Dispatched", [...begun, attemptFailed("m"), retryScheduled("m"), dispatched("m", 2)]],
    ["Started", begun],
    ["Started", [scheduled("m"), started("m")]],
    ["Failed", unsure],
    ["Failed", [...unsure, attemptFailed("m", 1, "unknown")]],
    ["Ended", [...begun, sent("m")]],
    ["Ended", [...unsure, held("m")]],
    ["Ended", [...unsure, held("m"), resolved("m", "failed")]],
    ["Ended", [scheduled("m"), dispatched("m"), expired("m")]],
    ["Ended", [...begun, attemptFailed("m"), failed("m")]],
    ["Ended", [scheduled("m"), cancelled("m")]],
    // Whatever was decided of it afterwards: it has arrived.
    ["Ended", [...unsure, retryScheduled("m"), sent("m")]]
  ] as const)("%s: %#", (expected, events) => {
    assert.strictEqual(stage(...events), expected)
  })

  it("begins anew when an operator redrives what was sent or failed", () => {
    assert.strictEqual(stage(...begun, sent("m"), redriven("m", 2)), "Waiting")
    assert.strictEqual(stage(...unsure, held("m"), redriven("m", 2), dispatched("m", 2)), "Dispatched")
  })

  it("is the part that follows those the platform has", () => {
    const one = [dispatched("m"), part(1, "send-started"), part(1, "part-sent")]
    assert.deepInclude(stageOf(heard(...one), { attempt: 1 }), { _tag: "Dispatched", partsSent: 1 })
    assert.deepInclude(stageOf(heard(...one, part(2, "send-started")), { attempt: 1 }), {
      _tag: "Started",
      partsSent: 1
    })
    const second = { ...part(2, "send-started"), attempt: 2 } as Event
    assert.deepInclude(stageOf(heard(dispatched("m", 2), second), { attempt: 2, partsSent: 1 }), { _tag: "Started" })
  })

  it("is nothing once it has an ending of its newest attempt, however often and with whatever between", () => {
    const ended = lives
      .map((life) => life("m"))
      .filter((life) => ["sent", "cancelled"].includes(life.at(-1)?.type ?? ""))
    fc.assert(
      fc.property(fc.constantFrom(...ended), fc.array(fc.nat(20), { maxLength: 6 }), (life, again) => {
        const copies = again.flatMap((place) => life[place % life.length] ?? [])
        assert.strictEqual(stage(...life, ...copies), "Ended")
      })
    )
  })

  it("is told by the newest attempt, and by a reschedule that came after it", () => {
    const story = heard(...begun, attemptFailed("m"), retryScheduled("m"), rescheduled("m", 70))
    assert.deepInclude(newest(story, 1), { attempt: 2 })
    assert.strictEqual(newest(story, 1).carrying?.type, "retry-scheduled")
    assert.strictEqual(newest(story, 1).plan?.type, "rescheduled")
    assert.isUndefined(
      newest([...story, ...heard(dispatched("m", 2)).map((one) => ({ ...one, sequence: 99 }))], 1).plan
    )
  })
})
