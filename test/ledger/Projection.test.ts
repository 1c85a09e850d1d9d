// The rules of the projection, over every order in which the log may bring the events of a message.
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { eventId } from "#shared/contract/CloudEvents.ts"
import { withoutPerson } from "#shared/contract/Erasure.ts"
import { type Event, type EventOf, eventTypes } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { fold, noRows, type Rows } from "../../services/ledger/projection/Projection.ts"
import { further, type MessageRow, type Status, statuses } from "../../services/ledger/projection/Rows.ts"
import { type Recorded, timelineRow } from "../../services/ledger/projection/Timeline.ts"
import {
  anyLog,
  attemptFailed,
  cancelled,
  dispatched,
  expired,
  failed,
  fellBack,
  givenUpTwice,
  held,
  inParts,
  livesOf,
  mark,
  redriven,
  refused,
  rescheduled,
  resolved,
  retryScheduled,
  scheduled,
  sent,
  sentTwice,
  started
} from "./Histories.ts"

const recorded = (events: ReadonlyArray<Event>): ReadonlyArray<Recorded> =>
  events.map((event, index) => ({ event, sequence: index + 1, storedAt: fromMillis(1_800_000_000_000 + index) }))

/** As the ledger does it: an event whose id is known is left out. */
const onlyOnce = (events: ReadonlyArray<Recorded>) => {
  const seen = new Set<string>()
  return events.filter(({ event }) => !seen.has(eventId(event)) && seen.add(eventId(event)))
}

const merged = (known: Rows, changed: Rows): Rows => ({
  messages: new Map([...known.messages, ...changed.messages]),
  attempts: new Map([...known.attempts, ...changed.attempts]),
  contents: new Map([...known.contents, ...changed.contents])
})

const row = (...events: ReadonlyArray<Event>): MessageRow => {
  const found = fold(noRows, recorded(events)).messages.get("m")
  if (!found) throw new Error("no row")
  return found
}

describe("a message's row", () => {
  it("and its text stay as they are when its id is kept taken, also in a log that has lost when it was scheduled", () => {
    const used: Event = { ...withoutPerson(scheduled("m") as EventOf<"scheduled">), used: true }
    const known = fold(noRows, recorded([dispatched("m")]))
    assert.deepStrictEqual(fold(known, recorded([used])), noRows)
    assert.deepStrictEqual(fold(noRows, recorded([used])), noRows)
  })

  it("never goes back in status but by an operator's word, in whatever order and however often its events come", () => {
    fc.assert(
      fc.property(anyLog, (events) => {
        let known = noRows
        for (const one of recorded(events)) {
          const next = merged(known, fold(known, [one]))
          for (const [id, { status }] of next.messages) {
            const before = known.messages.get(id)?.status ?? status
            if (one.event.type === "redriven" && status === "processing") continue
            assert.strictEqual(before === status ? status : further(before, status), status)
          }
          known = next
        }
      })
    )
  })

  it("is the same however the log is cut into batches", () => {
    fc.assert(
      fc.property(anyLog, fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }), (events, sizes) => {
        const all = onlyOnce(recorded(events))
        let known = noRows
        for (let from = 0, turn = 0; from < all.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1
          known = merged(known, fold(known, all.slice(from, from + size)))
          from += size
        }
        assert.deepStrictEqual(known, fold(noRows, all))
      })
    )
  })

  it("keeps the first of two endings", () => {
    assert.strictEqual(row(scheduled("m"), cancelled("m"), failed("m")).status, "cancelled")
    assert.strictEqual(row(scheduled("m"), failed("m"), cancelled("m")).status, "failed")
  })

  it("is sent once its gateway says so, whatever was made of it meanwhile", () => {
    const interrupted = [scheduled("m"), dispatched("m"), started("m"), attemptFailed("m", 1, "unknown")]
    const meanwhile = [
      [held("m")],
      [failed("m")],
      [expired("m")],
      [held("m"), resolved("m", "failed")],
      [held("m"), redriven("m", 2)],
      [fellBack("m", 2)]
    ]
    const told = ({ errorCategory, sender, sentAt, status }: MessageRow) => ({ errorCategory, sender, sentAt, status })
    const late = { errorCategory: null, sender: "default", sentAt: "2026-11-01T09:01:01.000Z", status: "sent" as const }
    for (const made of meanwhile) {
      assert.deepStrictEqual(told(row(...interrupted, ...made, sent("m"))), late)
      assert.deepStrictEqual(told(row(...interrupted, sent("m"), ...made)), late)
    }
  })

  it("ended without being sent, but may have arrived: until it is known, or sent after all", () => {
    const inDoubt = [expired("m"), failed("m"), cancelled("m")].map((end) => ({ ...end, possiblyArrived: true }))
    for (const end of inDoubt) {
      assert.isTrue(row(scheduled("m"), end).possiblyArrived)
      assert.isFalse(row(scheduled("m"), end, sent("m")).possiblyArrived)
      assert.isFalse(row(scheduled("m"), end, redriven("m", 2)).possiblyArrived)
    }
    assert.isFalse(row(scheduled("m"), expired("m")).possiblyArrived)
  })

  it("counts once, with what both cost, if it was sent by two attempts", () => {
    const { attempts, costUnits, possibleDuplicate, sentAt } = row(...sentTwice("m"))
    assert.deepStrictEqual(
      { attempts, costUnits, possibleDuplicate, sentAt },
      { attempts: 2, costUnits: 2, possibleDuplicate: true, sentAt: "2026-11-01T09:02:01.000Z" }
    )
  })

  it("orders the statuses as the contract says", () => {
    const order: ReadonlyArray<ReadonlyArray<Status>> = [
      ["rejected"],
      ["pending"],
      ["processing"],
      ["unknown"],
      ["failed", "expired", "cancelled"],
      ["sent"],
      ["delivered"],
      ["read"]
    ]
    assert.sameMembers([...statuses], order.flat())
    for (const [rank, equals] of order.entries()) {
      for (const status of equals) {
        for (const lower of order.slice(0, rank + 1).flat()) assert.strictEqual(further(status, lower), status)
        for (const higher of order.slice(rank + 1).flat()) assert.strictEqual(further(status, higher), higher)
      }
    }
  })

  it("counts the sends begun, and forgets the failure once it is sent", () => {
    const { attempts, errorCategory, lastAttemptAt, nextAttemptAt, sentAt, status } = row(
      scheduled("m"),
      dispatched("m"),
      started("m"),
      attemptFailed("m"),
      retryScheduled("m"),
      dispatched("m", 2),
      started("m", 2),
      sent("m", 2)
    )
    assert.deepStrictEqual(
      { attempts, errorCategory, lastAttemptAt, nextAttemptAt, sentAt, status },
      {
        attempts: 2,
        errorCategory: null,
        lastAttemptAt: "2026-11-01T09:02:00.000Z",
        nextAttemptAt: null,
        sentAt: "2026-11-01T09:02:01.000Z",
        status: "sent"
      }
    )
  })

  it("says when the next attempt follows, until it begins", () => {
    const waiting = [scheduled("m"), dispatched("m"), started("m"), attemptFailed("m"), retryScheduled("m")]
    assert.strictEqual(row(...waiting).nextAttemptAt, "2026-11-01T09:02:00.000Z")
    assert.strictEqual(row(...waiting).errorDetail, "code-1")
    assert.strictEqual(row(...waiting, rescheduled("m", 70)).nextAttemptAt, "2026-11-01T09:09:30.000Z")
    assert.strictEqual(row(...waiting, started("m", 2)).nextAttemptAt, null)
    assert.strictEqual(row(...waiting.slice(0, -1), started("m", 2), retryScheduled("m")).nextAttemptAt, null)
  })

  it("follows the newest plan, not the one that came last", () => {
    const newest = rescheduled("m", 20)
    assert.strictEqual(row(scheduled("m"), newest, rescheduled("m", 10)).dueAt, "2026-11-01T09:08:40.000Z")
    assert.strictEqual(row(newest, scheduled("m"), dispatched("m")).dueAt, "2026-11-01T09:08:40.000Z")
  })

  it("follows a change that says an earlier time than what it changes: its scheduler's clock was ahead", () => {
    const ahead = { ...scheduled("m"), at: fromMillis(Date.UTC(2026, 10, 1, 9, 0, 30)) } as Event
    assert.strictEqual(row(ahead, rescheduled("m", 20)).dueAt, "2026-11-01T09:08:40.000Z")
    assert.strictEqual(row(ahead, rescheduled("m", 20), rescheduled("m", 10)).dueAt, "2026-11-01T09:08:40.000Z")
  })

  it("counts an attempt once, however many parts its text has and with whichever it begins", () => {
    assert.strictEqual(row(...inParts("m")).attempts, 2)
  })

  it("says why it was given up the last time", () => {
    assert.strictEqual(row(...givenUpTwice("m")).errorCategory, "recipient")
    assert.strictEqual(row(...givenUpTwice("m"), ...givenUpTwice("m").slice(-5)).errorCategory, "recipient")
  })

  it("is made from what is known when its beginning has left the log", () => {
    const { acceptedAt, dueAt, status } = row(dispatched("m"), started("m"))
    assert.deepStrictEqual(
      { acceptedAt, dueAt, status },
      { acceptedAt: null, dueAt: "2026-11-01T09:01:00.000Z", status: "processing" }
    )
    assert.strictEqual(row(sent("m")).status, "sent")
  })

  it("comes of a refused schedule only while there is none", () => {
    assert.strictEqual(row(refused("m")).errorDetail, "dueAt is in the past")
    assert.strictEqual(row(scheduled("m"), refused("m")).errorDetail, null)
    assert.deepStrictEqual(row(scheduled("m"), refused("m")), row(scheduled("m")))
    assert.strictEqual(row(refused("m"), scheduled("m")).status, "pending")
    assert.strictEqual(fold(noRows, recorded([refused("m", "cancel")])).messages.size, 0)
  })
})

describe("the timeline", () => {
  it("holds no personal data of any event", () => {
    const events = livesOf("m", 22)
    assert.sameMembers([...new Set(events.map(({ type }) => type))], [...eventTypes])
    assert.notInclude(JSON.stringify(recorded(events).map(timelineRow)), mark)
  })
})
