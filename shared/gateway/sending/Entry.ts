// A message in a gateway's hands, from when it was taken until what became of it is recorded.
import type { Attempt } from "#shared/contract/Events.ts"
import type { Recipient } from "#shared/contract/fields/Fields.ts"
import { toMillis } from "#shared/contract/fields/Instants.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import type { MessageSpan } from "#shared/telemetry/Spans.ts"
import type { Call, Send } from "../Platform.ts"

export interface Entry {
  readonly attempt: Attempt
  /** Where it goes: the address of a contact, as it was when the message was taken in. */
  readonly to: Recipient
  /** When that was looked up last; nothing of a message to no contact. */
  lookedUpAt?: number
  /** The same as a key. */
  readonly recipient: string
  readonly dueAt: number
  readonly sendAt: number
  readonly span: MessageSpan
  /** The newest delivery of this message: the one to settle. */
  delivery: Delivery
  /**
   * Its newest intent is in the log, and what became of it is ours to say. `late` if another may have looked at the log
   * before it was there, and have the message in hand as one that nobody has begun to send.
   */
  intent?: "ours" | "late" | undefined
  /** Parts of it that the platform has. */
  partsSent: number
  /** The calls that deliver it, when they have been made: one for each part. */
  calls?: ReadonlyArray<Call>
  /** The next of them, while what it needs is at hand. */
  ready?: Ready | undefined
}

/** A call that can be made now. */
export interface Ready {
  readonly send: Send
  /** It was made, or will not be: what it needed is free for others. */
  readonly over: () => void
}

export const entryOf = (
  attempt: Attempt,
  to: Recipient,
  recipient: string,
  delivery: Delivery,
  span: MessageSpan
): Entry => ({
  attempt,
  to,
  recipient,
  dueAt: toMillis(attempt.message.dueAt),
  sendAt: toMillis(attempt.sendAt),
  span,
  delivery,
  partsSent: attempt.partsSent ?? 0
})
