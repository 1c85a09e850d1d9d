// Until when a message may be sent. Pure.
import type { Message } from "./Events.ts"
import { toMillis } from "./fields/Instants.ts"

/** For so long after the deadline the rest of a text is sent that has begun: longer than a platform's rate or brake holds it, as a rule. */
export const restMillis = 600_000

/**
 * In milliseconds. The deadline is for the first part: half a text helps nobody, and may say the opposite of the whole.
 * `partsSent` of this and earlier tries.
 */
export const lastInstant = ({ expiresAt }: Pick<Message, "expiresAt">, partsSent = 0): number =>
  toMillis(expiresAt) + (partsSent > 0 ? restMillis : 0)
