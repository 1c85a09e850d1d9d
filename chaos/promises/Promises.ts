// The promises, held against what was seen from outside. Pure: each finding says which promise was broken, and by what.
import { limits, marks, textOf } from "../world/World.ts"
import { agreement } from "./Agreement.ts"
import { changesKept } from "./ChangesKept.ts"
import type { Row, Seen } from "./Evidence.ts"
import { type Finding, finding, groupById, placeOf, saidOnce } from "./Finding.ts"
import { inTime } from "./InTime.ts"
import { outweighed } from "./LateWord.ts"
import { ordersStand } from "./OrdersStand.ts"
import type { Ran } from "./Ran.ts"

const endings = new Set(["sent", "failed", "expired", "unknown", "cancelled"])

export const findings = (ran: Ran): ReadonlyArray<Finding> => [
  ...oneEnding(ran),
  ...changesKept(ran),
  ...ordersStand(ran),
  ...sendsRecorded(ran),
  ...agreement(ran),
  ...inTime(ran),
  ...withinLimits(ran),
  ...nothingPersonal(ran),
  ...hostileRefused(ran),
  ...nothingLeftOver(ran)
]

/** Every accepted message has one final outcome, and the tables say the same. */
const oneEnding = ({ dueAt, evidence: { events, rows }, plan }: Ran): ReadonlyArray<Finding> => {
  const broken = finding("one final outcome")
  const byId = groupById<Seen>(events)
  const rowOf = new Map(rows.map((row) => [row.id, row]))
  return plan.messages.flatMap(({ id, maxLatenessSeconds }) => {
    const mine = byId.get(id) ?? []
    const deadline = (dueAt.get(id) ?? 0) + maxLatenessSeconds * 1_000
    if (!mine.some(({ type }) => type === "scheduled")) {
      // Whoever asks too late, or while no scheduler runs until it is too late, is told so.
      const refused = mine.some(({ at, type }) => type === "rejected" && Date.parse(at) >= deadline)
      return refused ? [] : [broken(`${id} was never accepted`)]
    }
    const once = saidOnce(mine)
    const ends = once.filter((one) => endings.has(one.type) && !outweighed(one, once))
    const named = ends.map(({ attempt, type }) => `${type} of attempt ${attempt ?? "none"}`).join(", ")
    if (ends.length !== 1) return [broken(`${id} has ended ${ends.length} times: ${named || "never"}`)]
    const status = rowOf.get(id)?.status
    return status === ends[0]?.type ? [] : [broken(`${id} ended: ${named}, and its row says ${status}`)]
  })
}

/** No call without an intent; every send beyond the first is recorded as a possible duplicate, or was a refusal before. */
const sendsRecorded = ({ evidence: { arrived, events, left, rows }, plan }: Ran): ReadonlyArray<Finding> => {
  const broken = finding("sends are recorded")
  const byId = groupById<Seen>(events)
  const callsOf = groupById(left)
  const rowOf = new Map<string, Row>(rows.map((row) => [row.id, row]))
  const arrivals = Map.groupBy(arrived, ({ text }) => text)
  return plan.messages.flatMap(({ id, unknownOutcome }) => {
    const count = arrivals.get(textOf(id))?.length ?? 0
    const calls = callsOf.get(id)?.length ?? 0
    const begun = saidOnce(byId.get(id) ?? []).filter(({ type }) => type === "send-started").length
    const row = rowOf.get(id)
    return [
      ...(calls > begun ? [broken(`${id} left ${calls} times, with ${begun} intents`)] : []),
      ...(count > 1 && !row?.possible_duplicate
        ? [broken(`${id} arrived ${count} times, and its row knows of none`)]
        : []),
      ...(count > 1 && unknownOutcome === "hold" ? [broken(`${id} arrived ${count} times, and was to be held`)] : []),
      ...(row?.status === "sent" && count === 0 ? [broken(`${id} is recorded as sent, and never arrived`)] : [])
    ]
  })
}

/** In any second, of the bot and of each chat, as calls leave the gateway: what a slow network makes of it is not ours. */
const withinLimits = ({ evidence: { left }, plan }: Ran): ReadonlyArray<Finding> => {
  const broken = finding("limits")
  const most = (all: Ran["evidence"]["left"]) => {
    const times = all.map(({ at }) => at).toSorted((a, b) => a - b)
    let [first, most] = [0, 0]
    for (const [index, at] of times.entries()) {
      while (at - (times[first] as number) >= 1_000) first++
      most = Math.max(most, index - first + 1)
    }
    return most
  }
  const chatOf = new Map(plan.messages.map(({ chatId, id }) => [id, chatId]))
  const ofBot = most(left)
  const perChat = [...Map.groupBy(left, ({ id }) => chatOf.get(id)).values()].map(most)
  const ofChat = Math.max(0, ...perChat)
  return [
    ...(ofBot > limits.bot ? [broken(`${ofBot} sends of the bot within a second, of ${limits.bot} allowed`)] : []),
    ...(ofChat > limits.chat ? [broken(`${ofChat} sends to a chat within a second, of ${limits.chat} allowed`)] : [])
  ]
}

const nothingPersonal = ({ evidence: { log } }: Ran): ReadonlyArray<Finding> =>
  marks
    .filter((mark) => log.includes(mark))
    .map((mark) => finding("nothing personal in logs")(`${mark} stands in a log line`))

/** What is hostile is refused aloud, each by itself, or never becomes a command. */
const hostileRefused = ({ asked, evidence: { events, rows }, plan }: Ran): ReadonlyArray<Finding> => {
  const broken = finding("hostile commands")
  const refused = new Set(events.filter(({ type }) => type === "rejected").map(placeOf))
  const ours = new Set(plan.messages.map(({ id }) => id))
  return [
    ...asked.flatMap(({ hostile, sequence }, index) => {
      const what = `number ${index}, on ${hostile.subject.slice(0, 60)},`
      if (hostile.expected === "by NATS") {
        return sequence === undefined ? [] : [broken(`${what} was taken by NATS`)]
      }
      return hostile.expected === "harmless" || (sequence !== undefined && refused.has(sequence))
        ? []
        : [broken(`${what} was not refused: command ${sequence}`)]
    }),
    ...rows
      .filter(({ id, status }) => !ours.has(id) && status !== "rejected")
      .map(({ id, status }) => broken(`${id} is ${status}, and was asked for by nobody`))
  ]
}

const nothingLeftOver = ({ evidence: { leftOver, quarantined } }: Ran): ReadonlyArray<Finding> => [
  ...(quarantined === 0
    ? []
    : [finding("nothing quarantined")(`${quarantined} messages that no service could process`)]),
  ...leftOver.map(finding("after the storm"))
]
