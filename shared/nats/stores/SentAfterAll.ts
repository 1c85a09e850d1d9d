// Whether a message was sent after all, as a gateway says that was frozen or cut off in the middle of a call, when it is back.
import { Effect } from "effect"
import { attemptEventId } from "#shared/contract/CloudEvents.ts"
import { inDoubt } from "#shared/contract/Doubt.ts"
import type { Attempt } from "#shared/contract/Events.ts"
import type { MessageId } from "#shared/contract/fields/Fields.ts"
import { toMillis } from "#shared/contract/fields/Instants.ts"
import { EventLog } from "./EventLog.ts"

/** By so much the clock of a gateway, or that of who set the instant of a try, may be wrong. */
const clockErrorMillis = 60_000

type Doubted = Pick<Attempt, "attempt" | "interruptedSince" | "sendAt"> & {
  readonly message: Pick<Attempt["message"], "id">
  /** Of a try that failed. */
  readonly reason?: string
}

/**
 * Of those that were interrupted, now or at an earlier try: which were sent, by any of their tries, and when the log stored
 * that. It reads what was sent since then, and nothing if none of them was interrupted, as a rule.
 */
export const sentAfterAll = Effect.fnUntraced(function* (attempts: ReadonlyArray<Doubted>) {
  const sent = new Map<MessageId, number>()
  const doubted = attempts.flatMap((one) => {
    const { interruptedSince } = inDoubt(one)
    if (interruptedSince === undefined) return []
    const { attempt, message } = one
    const ids = Array.from({ length: attempt }, (_, index) => attemptEventId(message.id, index + 1, "sent"))
    return [{ id: message.id, since: toMillis(interruptedSince), ids }]
  })
  if (doubted.length === 0) return sent
  const { idsSince } = yield* EventLog
  const since = Math.min(...doubted.map(({ since }) => since)) - clockErrorMillis
  const said = yield* idsSince(["sent"], Math.max(0, since), { oneOfEach: doubted.map(({ ids }) => ids) })
  for (const { id, ids } of doubted) {
    const at = ids.map((one) => said.get(one)).find((at) => at !== undefined)
    if (at !== undefined) sent.set(id, at)
  }
  return sent
})
