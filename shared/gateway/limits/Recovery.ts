// What an earlier gateway of the same sender sent within the longest window of a limit: read back from the log, so that
// no limit is exceeded when another takes over.
import { Effect, Result } from "effect"
import { decodeWith } from "#shared/actor/Decode.ts"
import { attemptEventId, partEventId } from "#shared/contract/CloudEvents.ts"
import { events } from "#shared/contract/Events.ts"
import { Nats } from "#shared/nats/connection/Nats.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import type { Desk } from "../sender/Desk.ts"

const decode = decodeWith(events["send-started"])

/** The longest window of any platform's limit. */
const longestWindowMillis = 60_000

export const recallSends = Effect.fnUntraced(function* ({ allowance, gateway, sender }: Desk) {
  const { clock } = yield* Nats
  const now = clock.now()
  // What is stored is timed by another clock than what we send.
  const ahead = Date.now() - now
  const log = yield* EventLog
  const since = now - longestWindowMillis
  const started = yield* log.since("send-started", gateway.platform, since)
  if (started.length === 0) return
  const ended = yield* log.idsSince(["sent", "part-sent", "attempt-failed"], since)
  for (const { text, storedAt } of started) {
    const decoded = decode(text)
    if (Result.isFailure(decoded) || decoded.success.sender !== sender.name) continue
    const { id, attempt, part, recipient } = decoded.success
    const endedAt =
      ended.get(partEventId(id, attempt, part, "part-sent")) ??
      ended.get(attemptEventId(id, attempt, "sent")) ??
      ended.get(attemptEventId(id, attempt, "attempt-failed"))
    // Without an end it may still be on its way to the platform.
    allowance.sentBefore(allowance.know({ recipient }), Math.max(storedAt, endedAt ?? now) + ahead)
  }
})
