// What a call needs before it can be made: got while its message waits for nothing else and holds back only its own
// recipient. Then it has its turn anew, and all is looked at again as if it came for the first time.
import { Deferred, Effect, Result } from "effect"
import type { Preparation } from "../Platform.ts"
import type { Desk } from "../sender/Desk.ts"
import type { Entry } from "./Entry.ts"
import { failedEvent } from "./GatewayEvents.ts"

/** Then others may have what it holds, and it gets it anew: its sender may be held for hours, and other senders are not. */
export const keptMillis = 30_000

/** Ends when what was got is over, or has been kept for too long. */
export const prepare = Effect.fnUntraced(function* (
  { now, record, signal, turns }: Pick<Desk, "now" | "record" | "signal" | "turns">,
  entry: Entry,
  call: Preparation
) {
  const got = yield* Effect.result(call.prepare)
  const over = yield* Deferred.make<void>()
  if (Result.isSuccess(got)) {
    entry.ready = { send: got.success, over: () => void Deferred.doneUnsafe(over, Effect.void) }
    turns.add(entry)
  } else record(entry, failedEvent(entry.attempt, entry.partsSent, got.failure, now()))
  const { ready } = entry
  turns.ended(entry.recipient)
  signal()
  if (!ready) return
  yield* Effect.timeoutOption(Deferred.await(over), keptMillis)
  if (entry.ready === ready) entry.ready = undefined
  else yield* Deferred.await(over)
}, Effect.scoped)
