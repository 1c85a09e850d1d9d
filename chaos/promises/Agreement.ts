// Rows, log and the platform's own record tell the same story: each arrival is an attempt's, each attempt is counted, and
// what the platform called a message is what the log calls it. Pure.
import { textOf } from "../world/World.ts"
import type { Row, Seen } from "./Evidence.ts"
import { type Finding, finding, groupById, saidOnce } from "./Finding.ts"
import type { Ran } from "./Ran.ts"

const broken = finding("rows, log and platform agree")

export const agreement = ({ evidence: { arrived, events, rows }, plan }: Ran): ReadonlyArray<Finding> => {
  const byId = groupById<Seen>(events)
  const rowOf = new Map<string, Row>(rows.map((row) => [row.id, row]))
  const called = namesGiven(arrived)
  return plan.messages.flatMap(({ chatId, id }) => {
    const mine = saidOnce(byId.get(id) ?? [])
    const begun = mine.filter(({ type }) => type === "send-started").length
    const arrivals = arrived.filter(({ text }) => text === textOf(id)).length
    // Attempts that may have reached a phone, each once.
    const mayHave = new Set(
      mine.flatMap(({ attempt, category, type }) =>
        type === "sent" || (mayArrive(type) && category === "unknown") ? [attempt] : []
      )
    ).size
    const attempts = rowOf.get(id)?.attempts ?? 0
    const unheard = mine.filter(
      ({ providerMessageId, type }) => type === "sent" && called.get(`${chatId} ${providerMessageId}`) !== textOf(id)
    )
    return [
      ...(attempts === begun ? [] : [broken(`${id} has ${begun} intents, and its row counts ${attempts}`)]),
      ...(arrivals > mayHave ? [broken(`${id} arrived ${arrivals} times, and only ${mayHave} attempts may have`)] : []),
      ...unheard.map(({ providerMessageId }) => broken(`${id} is not what the platform calls ${providerMessageId}`))
    ]
  })
}

/** An outcome nobody knows is a failed attempt of that category, or ends the message that is to be held. */
const mayArrive = (type: string) => type === "attempt-failed"

/** The text of each message by its chat and number: the platform counts each chat's messages from 1. */
const namesGiven = (arrived: Ran["evidence"]["arrived"]) => {
  const counts = new Map<string, number>()
  return new Map<string, string>(
    arrived.map(({ chatId, text }) => {
      const number = (counts.get(chatId) ?? 0) + 1
      counts.set(chatId, number)
      return [`${chatId} ${number}`, text] as const
    })
  )
}
