// Reschedules that come back. One that was carried out is told as it was told before, whatever has become of its message since;
// one that was not is refused if a later one was: its timer may have fired, and that of another try tells nothing of it.
import { Effect, Option, Schema } from "effect"
import { events, type Message } from "#shared/contract/Events.ts"
import { overtaken } from "#shared/contract/Replies.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { type Answer, type Command, causeOf, isLater, refusedOf } from "./Answer.ts"

export const rescheduled = ({ id, dueAt, expiresAt }: Message): Answer => ({
  reply: { status: "rescheduled", id, dueAt, expiresAt }
})

const decodeRescheduled = Schema.decodeUnknownSync(Schema.fromJsonString(events.rescheduled))

/** Those of which the log says so. Who has only just set the timer has not said it yet. */
export const rescheduledBefore = Effect.fnUntraced(function* <A extends Command>(
  commands: ReadonlyArray<A>,
  now: number
) {
  const answers = new Map<A, Answer>()
  const back = commands.filter(({ delivery }) => delivery.redelivered)
  if (back.length === 0) return answers
  const log = yield* EventLog
  const byId = Map.groupBy(back, ({ id }) => id)
  const since = Math.min(...back.map(({ delivery }) => delivery.time.getTime()))
  for (const { sequence } of yield* log.about(new Set(byId.keys()), ["rescheduled"], since)) {
    const found = Option.getOrUndefined(yield* log.at("EVENTS", sequence))
    const event = found && decodeRescheduled(found.text)
    if (!event) continue
    for (const command of byId.get(event.message.id) ?? []) {
      const cause = causeOf(command.delivery)
      if (event.cause === cause) answers.set(command, rescheduled(event.message))
      else if (!answers.has(command) && isLater(event.cause, cause))
        answers.set(command, refusedOf("reschedule", command, overtaken, now))
    }
  }
  return answers
})
