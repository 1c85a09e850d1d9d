// How far a message has come, by what the log says of it: where its work was lost, if it was. Pure.
import { partEventId } from "#shared/contract/CloudEvents.ts"
import type { Attempt, EventType } from "#shared/contract/Events.ts"
import type { Heard } from "#shared/nats/stores/ReadingBack.ts"

export type Stage =
  /** Nothing is left to do. */
  | { readonly _tag: "Ended" }
  /** Its timer should stand, or has fired just now. */
  | { readonly _tag: "Waiting" }
  /** On its way to the gateway; nothing says that a send of what is left of it was begun. */
  | { readonly _tag: "Dispatched"; readonly at: number; readonly partsSent: number }
  /** A send was begun, and nothing says what became of it. */
  | { readonly _tag: "Started"; readonly at: number; readonly partsSent: number }
  /** The attempt failed, and nothing says what follows. */
  | { readonly _tag: "Failed"; readonly at: number; readonly sequence: number }

/** Where to find what a message is by now. */
export interface Newest {
  /** The newest attempt that is spoken of. */
  readonly attempt: number
  /** The newest event with an attempt whole in it. Without one it is the message as scheduled. */
  readonly carrying: Heard | undefined
  /** The newest reschedule that no attempt has taken up since. */
  readonly plan: Heard | undefined
}

const carriers: ReadonlySet<EventType> = new Set<EventType>([
  "dispatched",
  "attempt-failed",
  "retry-scheduled",
  "fell-back",
  "redriven"
])

/** `heard` is what the log says of one message, oldest first; some of it may be said twice. */
export const newest = (heard: ReadonlyArray<Heard>, first: number): Newest => {
  const carrying = heard.findLast(({ type }) => carriers.has(type))
  const rescheduled = heard.findLast(({ type }) => type === "rescheduled")
  return {
    attempt: Math.max(first, ...heard.map(({ attempt }) => attempt ?? 0)),
    carrying,
    plan: rescheduled && rescheduled.sequence > (carrying?.sequence ?? 0) ? rescheduled : undefined
  }
}

const endings: ReadonlySet<EventType> = new Set<EventType>(["sent", "failed", "unknown", "expired", "resolved"])

/** Of the newest attempt; `heard` holds at least all of it. */
export const stageOf = (
  heard: ReadonlyArray<Heard>,
  { attempt, partsSent: before = 0 }: Pick<Attempt, "attempt" | "partsSent">
): Stage => {
  const own = heard.filter((one) => one.attempt === attempt)
  // What arrived needs no further try, whatever was thought of it, unless an operator has said so since.
  const life = Math.max(0, ...heard.map((one) => (one.type === "redriven" ? (one.attempt ?? 0) : 0)))
  const arrived = heard.some((one) => one.type === "sent" && (one.attempt ?? 0) >= life)
  const cancelled = heard.some(({ type }) => type === "cancelled")
  if (arrived || cancelled || own.some(({ type }) => endings.has(type))) return { _tag: "Ended" }
  const failed = own.findLast(({ type }) => type === "attempt-failed")
  if (failed) return { _tag: "Failed", at: failed.storedAt, sequence: failed.sequence }
  const last = own.findLast(({ type }) => type === "dispatched" || type === "send-started" || type === "part-sent")
  if (!last) return { _tag: "Waiting" }
  const said = new Set(own.map(({ eventId }) => eventId))
  let partsSent = before
  while (said.has(partEventId(last.id, attempt, partsSent + 1, "part-sent"))) partsSent++
  const begun = said.has(partEventId(last.id, attempt, partsSent + 1, "send-started"))
  return { _tag: begun ? "Started" : "Dispatched", at: last.storedAt, partsSent }
}
