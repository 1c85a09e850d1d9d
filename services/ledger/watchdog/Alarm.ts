// What the watchdog does about what it found: tells of it once an hour, and asks for the work again until it is done.
import { Effect, Option, Result } from "effect"
import { decodeWith } from "#shared/actor/Decode.ts"
import { eventId } from "#shared/contract/CloudEvents.ts"
import { type EventOf, events } from "#shared/contract/Events.ts"
import type { MessageId } from "#shared/contract/fields/Fields.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { kept } from "../rebuild/Kept.ts"
import { type Finding, repairable } from "./Overdue.ts"
import { recordedAlready, wholeOf } from "./WatchdogRows.ts"

/** The event names the hour: NATS and the tables know it when it is said again. */
export const tell = Effect.fnUntraced(function* (findings: ReadonlyArray<Finding>, now: number) {
  if (findings.length === 0) return
  const { append } = yield* Publisher
  const events = findings.map(
    ({ id, platform, rule, since }): EventOf<"overdue"> => ({
      type: "overdue",
      at: fromMillis(now),
      id,
      ...(platform === null ? {} : { platform }),
      rule,
      since
    })
  )
  const said = yield* recordedAlready(events)
  yield* append(events.filter((event) => !said.has(eventId(event))))
})

/** Longer than NATS remembers ids: what was dropped as said before is said again by then. */
const askAgainAfter = 150_000

/** At most so many in one round. */
const mostAtOnce = 500

/** `asked`: when each was asked for; brought up to date. */
export const askAgain = Effect.fnUntraced(function* (
  findings: ReadonlyArray<Finding>,
  asked: Map<MessageId, number>,
  now: number
) {
  const { publish } = yield* Publisher
  for (const [id, at] of asked) if (now - at > 10 * askAgainAfter) asked.delete(id)
  const ids = findings
    .filter(({ id, rule }) => repairable.has(rule) && now - (asked.get(id) ?? 0) > askAgainAfter)
    .map(({ id }) => id)
  const commands = yield* Effect.forEach([...new Set(ids)].slice(0, mostAtOnce), command, { concurrency: 10 })
  yield* publish(
    commands.map((one) => ({ subject: Subject.command("rearm"), payload: JSON.stringify(one), headers: {} }))
  )
  for (const { id } of commands) asked.set(id, now)
})

const decodeScheduled = decodeWith(events.scheduled)

/** Only so that the id stays taken: what it stood for is not in it. */
const isUsed = (text: string) => Result.getOrUndefined(decodeScheduled(text))?.used === true

/** The scheduler goes by the log; only what the log no longer holds goes along, as the tables have it. */
const command = Effect.fnUntraced(function* (id: MessageId) {
  const { last } = yield* EventLog
  const scheduled = Option.getOrUndefined(yield* last("EVENTS", Subject.scheduled("*", id)))
  if (scheduled && !isUsed(scheduled.text)) return { id }
  const { row, content, story } = yield* wholeOf(id)
  const attempt = row && kept(row, content, story)
  return attempt ? { id, kept: attempt } : { id }
})
