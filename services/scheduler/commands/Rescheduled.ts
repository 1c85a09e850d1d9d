// Reschedules that come back although they were carried out: told as they were told before, whatever has become of their
// message since.
import { Effect, Option, Schema } from "effect"
import { events, type Message } from "#shared/contract/Events.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { type Answer, type Command, causeOf } from "./Answer.ts"

export const rescheduled = ({ id, dueAt, expiresAt }: Message): Answer => ({
  reply: { status: "rescheduled", id, dueAt, expiresAt }
})

const decodeRescheduled = Schema.decodeUnknownSync(Schema.fromJsonString(events.rescheduled))

/** Those of which the log says so. Who has only just set the timer has not said it yet. */
export const rescheduledBefore = Effect.fnUntraced(function* <A extends Command>(commands: ReadonlyArray<A>) {
  const answers = new Map<A, Answer>()
  const back = commands.filter(({ delivery }) => delivery.redelivered)
  if (back.length === 0) return answers
  const log = yield* EventLog
  const since = Math.min(...back.map(({ delivery }) => delivery.time.getTime()))
  const byCause = new Map(back.map((one) => [causeOf(one.delivery), one]))
  for (const { sequence } of yield* log.about(new Set(back.map(({ id }) => id)), ["rescheduled"], since)) {
    const found = Option.getOrUndefined(yield* log.at("EVENTS", sequence))
    const event = found && decodeRescheduled(found.text)
    const command = event && byCause.get(event.cause)
    if (command) answers.set(command, rescheduled(event.message))
  }
  return answers
})
