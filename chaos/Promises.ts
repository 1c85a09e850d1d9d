// The promises, held against what was seen from outside. Pure: each finding says which promise was broken, and by what.
import type { Call, Evidence, Row, Seen } from "./Evidence.ts"
import type { Ran } from "./Run.ts"
import { limits, marks, textOf } from "./World.ts"

export interface Finding {
  readonly promise: string
  readonly what: string
}

const endings = new Set(["sent", "failed", "expired", "unknown", "cancelled"])

export const findings = (ran: Ran): ReadonlyArray<Finding> => [
  ...oneEnding(ran),
  ...sendsRecorded(ran),
  ...inTime(ran),
  ...withinLimits(ran.evidence),
  ...nothingPersonal(ran.evidence),
  ...nothingHurt(ran)
]

const finding =
  (promise: string) =>
  (what: string): Finding => ({ promise, what })

const groupById = <A extends { readonly id?: string }>(all: ReadonlyArray<A>): ReadonlyMap<string, ReadonlyArray<A>> =>
  Map.groupBy(
    all.filter(({ id }) => id !== undefined),
    ({ id }) => id as string
  )

/** Every accepted message has one final outcome, and the tables say the same. */
const oneEnding = ({ evidence: { events, rows }, plan }: Ran): ReadonlyArray<Finding> => {
  const broken = finding("one final outcome")
  const byId = groupById<Seen>(events)
  const rowOf = new Map(rows.map((row) => [row.id, row]))
  return plan.messages.flatMap(({ id }) => {
    const mine = byId.get(id) ?? []
    if (!mine.some(({ type }) => type === "scheduled")) return [broken(`${id} was never accepted`)]
    // Said again it is the same event, by its id: NATS that is killed may forget that it had it.
    const said = new Map(mine.map((one) => [`${one.type} of attempt ${one.attempt ?? "none"}`, one.type]))
    const ends = [...said].filter(([, type]) => endings.has(type)).map(([what]) => what)
    if (ends.length !== 1) return [broken(`${id} has ended ${ends.length} times: ${ends.join(", ") || "never"}`)]
    const status = rowOf.get(id)?.status
    return status === said.get(ends[0] ?? "") ? [] : [broken(`${id} ended: ${ends[0]}, and its row says ${status}`)]
  })
}

/** No send without an intent; every send beyond the first is recorded as a possible duplicate, or was a refusal before. */
const sendsRecorded = ({ evidence: { arrived, events, rows }, plan }: Ran): ReadonlyArray<Finding> => {
  const broken = finding("sends are recorded")
  const byId = groupById<Seen>(events)
  const rowOf = new Map<string, Row>(rows.map((row) => [row.id, row]))
  const arrivals = Map.groupBy(arrived, ({ text }) => text)
  return plan.messages.flatMap(({ id, unknownOutcome }) => {
    const count = arrivals.get(textOf(id))?.length ?? 0
    const mine = byId.get(id) ?? []
    const begun = mine.filter(({ type }) => type === "send-started").length
    const row = rowOf.get(id)
    return [
      ...(count > begun ? [broken(`${id} arrived ${count} times, with ${begun} intents`)] : []),
      ...(count > 1 && !row?.possible_duplicate
        ? [broken(`${id} arrived ${count} times, and its row knows of none`)]
        : []),
      ...(count > 1 && unknownOutcome === "hold" ? [broken(`${id} arrived ${count} times, and was to be held`)] : []),
      ...(row?.status === "sent" && count === 0 ? [broken(`${id} is recorded as sent, and never arrived`)] : [])
    ]
  })
}

/** Never early, and never past its deadline. */
const inTime = ({ dueAt, evidence: { requests }, plan }: Ran): ReadonlyArray<Finding> => {
  const of = new Map(plan.messages.map((message) => [textOf(message.id), message]))
  return requests.flatMap(({ at, text }) => {
    const message = of.get(text)
    if (!message) return [finding("only what was scheduled")("something was sent that nobody scheduled")]
    const due = dueAt.get(message.id) ?? 0
    if (at < due) return [finding("never early")(`${message.id} was sent ${(due - at).toFixed(1)} ms early`)]
    const late = at - due - message.maxLatenessSeconds * 1_000
    // The clock is looked at just before the call; it takes a moment to arrive.
    return late > 250
      ? [finding("not past its deadline")(`${message.id} was sent ${Math.round(late)} ms too late`)]
      : []
  })
}

/** In any second, of the bot and of each chat. */
const withinLimits = ({ requests }: Evidence): ReadonlyArray<Finding> => {
  const broken = finding("limits")
  const most = (all: ReadonlyArray<Call>) => {
    const times = all.map(({ at }) => at).toSorted((a, b) => a - b)
    let [first, most] = [0, 0]
    for (const [index, at] of times.entries()) {
      while (at - (times[first] as number) >= 1_000) first++
      most = Math.max(most, index - first + 1)
    }
    return most
  }
  const ofBot = most(requests)
  const perChat = [...Map.groupBy(requests, ({ chatId }) => chatId)].map(([, all]) => most(all))
  const ofChat = Math.max(0, ...perChat)
  return [
    ...(ofBot > limits.bot ? [broken(`${ofBot} sends of the bot within a second, of ${limits.bot} allowed`)] : []),
    ...(ofChat > limits.chat ? [broken(`${ofChat} sends to a chat within a second, of ${limits.chat} allowed`)] : [])
  ]
}

const nothingPersonal = ({ log }: Evidence): ReadonlyArray<Finding> =>
  marks
    .filter((mark) => log.includes(mark))
    .map((mark) => finding("nothing personal in logs")(`${mark} stands in a log line`))

/** What is hostile is refused aloud: nothing of it is accepted, and nothing is left over. */
const nothingHurt = ({ evidence: { events, quarantined }, plan }: Ran): ReadonlyArray<Finding> => {
  const broken = finding("hostile commands")
  const refused = events.filter(({ type }) => type === "rejected").length
  return [
    ...(refused === plan.hostile.length ? [] : [broken(`${refused} refusals of ${plan.hostile.length}`)]),
    ...(quarantined === 0 ? [] : [broken(`${quarantined} messages that no service could process`)])
  ]
}
