// Which messages were sent when they were due: whoever changes one too late mostly does so after that. Found near their
// instants, however long the log is.
import { Effect } from "effect"
import { attemptEventId } from "#shared/contract/CloudEvents.ts"
import type { Message } from "#shared/contract/Events.ts"
import type { MessageId } from "#shared/contract/fields/Fields.ts"
import { toMillis } from "#shared/contract/fields/Instants.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"

const hour = 3_600_000

/** Those of one hour are looked for together. Of more hours than these, the newest: each costs a few exchanges. */
const mostHours = 20

/** Sent at a later try, or later than an hour, a message is not found; nor is one that was rescheduled. */
export const sentInTime = Effect.fnUntraced(function* (messages: ReadonlyArray<Message>) {
  const log = yield* EventLog
  const byHour = Map.groupBy(messages, ({ dueAt }) => Math.floor(toMillis(dueAt) / hour))
  const newest = [...byHour].toSorted(([one], [other]) => other - one).slice(0, mostHours)
  const found = yield* Effect.forEach(
    newest,
    Effect.fnUntraced(function* ([, ofOneHour]) {
      const due = ofOneHour.map(({ dueAt }) => toMillis(dueAt))
      const oneOfEach = ofOneHour.map(({ id }) => [sentEvent(id)])
      const said = yield* log.idsSince(["sent"], Math.min(...due), { oneOfEach, until: Math.max(...due) + hour })
      return ofOneHour.flatMap(({ id }) => (said.has(sentEvent(id)) ? [id] : []))
    }),
    { concurrency: 5 }
  )
  return new Set<MessageId>(found.flat())
})

const sentEvent = (id: MessageId) => attemptEventId(id, 1, "sent")
