// What a command comes to: a reply to whoever waits for one, and an event where others must see it.
import { Result } from "effect"
import { commandBody } from "#shared/contract/CloudEvents.ts"
import type { Event, EventOf } from "#shared/contract/Events.ts"
import type { Instant } from "#shared/contract/Fields.ts"
import type { Reply } from "#shared/contract/Replies.ts"
import type { Refusal } from "#shared/contract/Submission.ts"
import type { Delivery } from "#shared/nats/Mailbox.ts"

export interface Answer {
  /** Absent while it cannot be known yet: the command comes again after a while. */
  readonly reply?: Reply
  readonly event?: Event
}

/** Names a stored command for as long as its stream lives. */
export const causeOf = (delivery: Delivery): string => `command-${delivery.seq}-${delivery.time.getTime()}`

export const body = (delivery: Delivery): Result.Result<unknown, Refusal> =>
  Result.mapError(
    commandBody(delivery.data, (name) => delivery.headers?.get(name) || undefined),
    (problems) => ({ problems })
  )

export const refused = (
  command: EventOf<"rejected">["command"],
  delivery: Delivery,
  refusal: Refusal,
  at: Instant
): Answer => ({
  reply: { status: "rejected", ...(refusal.id === undefined ? {} : { id: refusal.id }), problems: refusal.problems },
  event: { type: "rejected", at, command, ...refusal, cause: causeOf(delivery) }
})
