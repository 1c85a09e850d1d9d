// The QUARANTINE stream: what no service could process, kept aside for a person to look at, put back, or drop.
import { Effect, Option, Schema } from "effect"
import { MessageId } from "#shared/contract/fields/Fields.ts"
import { attempt, Nats } from "../connection/Nats.ts"
import { type ConsumerDefinition, Subject } from "../layout/Topology.ts"
import { type Outgoing, Publisher } from "../messages/Publisher.ts"
import { EventLog } from "./EventLog.ts"
import type { StoredMessage } from "./LookUps.ts"

/** With it what an actor needs: who put it there may not be able to, and whoever puts it back must not make it up. */
const keptHeaders = [
  ...["specversion", "id", "type", "source", "time", "platform", "subject", "attempt", "traceparent"].map(
    (name) => `ce-${name}`
  ),
  ...["traceparent", "content-type", "Content-Type", "carillon-fires-at", "carillon-changed-by"]
]

const headersAmong = (header: (name: string) => string | undefined) =>
  Object.fromEntries(
    keptHeaders.flatMap((name) => {
      const value = header(name)
      return value === undefined ? [] : [[name, value] as const]
    })
  )

interface Unprocessed {
  readonly subject: string
  readonly data: Uint8Array
  readonly sequence: number
  readonly header: (name: string) => string | undefined
}

/** A message of a stream, as it is kept aside. The reason holds no personal data. */
export const setAside = (
  { durable, stream }: Pick<ConsumerDefinition, "durable" | "stream">,
  { data, header, sequence, subject }: Unprocessed,
  reason: string
): Outgoing => ({
  subject: Subject.quarantine(stream, durable),
  payload: data,
  headers: { ...headersAmong(header), "carillon-reason": reason, "carillon-subject": subject },
  messageId: `${stream}.${sequence}.${durable}`
})

/** One of them, without what it says. */
export interface Aside {
  readonly number: number
  /** Milliseconds since the epoch, by the clock of NATS. */
  readonly storedAt: number
  readonly stream: string
  /** Who could not process it. */
  readonly consumer: string
  readonly reason: string
  readonly subject: string
  /** Of the message that it is about, where that is known. */
  readonly id?: string
  readonly bytes: number
}

const isMessageId = Schema.is(MessageId)

const asideOf = ({ data, header, sequence, storedAt, subject }: StoredMessage): Aside => {
  const [, , stream = "", consumer = ""] = subject.split(".")
  const id = header("ce-subject")
  return {
    ...{ number: sequence, storedAt, stream, consumer },
    reason: header("carillon-reason") ?? "unknown",
    subject: header("carillon-subject") ?? "",
    ...(isMessageId(id) ? { id } : {}),
    bytes: data.length
  }
}

/** All of them, oldest first; at most so many. */
export const allAside = Effect.fnUntraced(function* (most = Number.POSITIVE_INFINITY) {
  const { next } = yield* EventLog
  const found: Array<Aside> = []
  let from = 1
  while (found.length < most) {
    const one = Option.getOrUndefined(yield* next("QUARANTINE", from, "carillon.quarantine.>"))
    if (!one) break
    found.push(asideOf(one))
    from = one.sequence + 1
  }
  return found
})

/** With what it says: personal data. */
export const findAside = Effect.fnUntraced(function* (number: number) {
  const { at } = yield* EventLog
  return Option.map(yield* at("QUARANTINE", number), (stored) => ({ ...asideOf(stored), text: stored.text, stored }))
})
type FoundAside = Option.Option.Value<Effect.Success<ReturnType<typeof findAside>>>

/** What the ledger could not read stands in the log, and others have had it: for them it would be said once more. */
export const canBePutBack = ({ consumer, subject }: Aside) => consumer !== "ledger" && subject !== ""

/** To where it came from, and out of quarantine. Interrupted in between, it may be put back twice, as anything may. */
export const putBack = Effect.fnUntraced(function* ({ number, stored, subject }: FoundAside) {
  const { publish } = yield* Publisher
  const headers = headersAmong(stored.header)
  yield* publish([{ subject, payload: stored.data, headers, messageId: `quarantine.${number}.${stored.storedAt}` }])
  yield* dropAside(number)
})

export const dropAside = Effect.fnUntraced(function* (number: number) {
  const { manager } = yield* Nats
  yield* attempt("delete from quarantine", () => manager.streams.deleteMessage("QUARANTINE", number))
})
