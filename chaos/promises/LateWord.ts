// What a gateway may say that is back after it was replaced in the middle of a call: that it had sent it. Then another end
// of its message counts no more. Exactly that is no broken promise, and nothing that looks like it. Pure.
import type { Seen } from "./Evidence.ts"

const madeOfIt = new Set(["unknown", "failed", "expired", "cancelled"])

/** Whether an end is outweighed by another, of the events of one message in the order of the log, each said once. */
export const outweighed = (end: Seen, mine: ReadonlyArray<Seen>): boolean =>
  end.type === "sent" ? sentAgainMeanwhile(end, mine) : madeOfIt.has(end.type) && sentAfterAll(end, mine)

const place = (mine: ReadonlyArray<Seen>, type: string, attempt: number | undefined) =>
  mine.findIndex((one) => one.type === type && one.attempt === attempt)

/** Where the log says that nobody knows what became of the attempt, for its gateway is lost; -1 if it does not. */
const interruptedAt = (mine: ReadonlyArray<Seen>, attempt: number | undefined) => {
  const at = place(mine, "attempt-failed", attempt)
  const { category, reason } = mine[at] ?? {}
  return category === "unknown" && reason === "interrupted" ? at : -1
}

/** What was made of it, by then or by a later try, was made while nobody knew: had it been known, nothing had followed. */
const sentAfterAll = (end: Seen, mine: ReadonlyArray<Seen>) => {
  const endsAt = mine.indexOf(end)
  return mine.some(({ attempt, type }, sentAt) => {
    const ofLater = end.type !== "cancelled" && (attempt ?? 0) > (end.attempt ?? 0)
    if (type !== "sent" || sentAt < endsAt || ofLater) return false
    const at = interruptedAt(mine, attempt)
    return at >= 0 && at < endsAt
  })
}

/** The later try had begun before it was known, and is marked. */
const sentAgainMeanwhile = (end: Seen, mine: ReadonlyArray<Seen>) => {
  const knownAt = mine.indexOf(end)
  const at = interruptedAt(mine, end.attempt)
  if (at < 0 || at > knownAt) return false
  return mine.some(({ attempt, possibleDuplicate, type }) => {
    const begunAt = place(mine, "send-started", attempt)
    const later = type === "sent" && (attempt ?? 0) > (end.attempt ?? 0)
    return later && possibleDuplicate === true && begunAt >= 0 && begunAt < knownAt
  })
}
