// How commands and events travel: CloudEvents 1.0 in NATS headers (binary mode) out; binary, structured or bare JSON in.
import { Result } from "effect"
import {
  attemptOf,
  type Event,
  type EventType,
  messageId,
  notOfMessages,
  ofRecipients,
  ofSeries,
  platform
} from "./Events.ts"
import type { Problem } from "./fields/Fields.ts"

export type Headers = Readonly<Record<string, string>>

/**
 * Names an event by what it says, so that saying it twice gives the same id:
 * message id, attempt where there is one, and type.
 */
export const eventId = (event: Event): string => {
  switch (event.type) {
    case "rejected":
      return `${event.cause}.rejected`
    case "rescheduled":
      return `${event.message.id}.${event.cause}.rescheduled`
    case "discarded":
      return `${event.id}.${event.cause}.discarded`
    case "overdue":
      return `${event.id}.${event.rule}.${event.at.slice(0, 13)}.overdue`
    case "orders-changed":
      return `${event.cause}.orders-changed`
    case "recipient-unlinked":
      return `${event.cause}.recipient-unlinked`
    case "recipient-linked":
    case "recipient-blocked":
    case "recipient-unblocked":
    case "reply-received":
    case "opted-out":
    case "opted-in":
      return `${event.platform}.${event.sender}.${event.cause}.${event.type}`
    case "circuit-changed":
      return `${event.platform}.${event.sender}.${event.at}.${event.state}`
    case "series-changed":
      return `${event.series}.${event.cause}.series-${event.change}`
    case "occurrences-missed":
      return `${event.series}.${event.revision}.${event.from}.${event.to}.missed`
    case "send-started":
    case "part-sent":
      return partEventId(event.id, event.attempt, event.part, event.type)
    default:
      return attemptEventId(messageId(event) ?? "", attemptOf(event), event.type)
  }
}

export const attemptEventId = (id: string, attempt: number | undefined, type: EventType): string =>
  attempt === undefined ? `${id}.${type}` : `${id}.${attempt}.${type}`

/** Of a message sent in parts, each has its events; the first is named like a message of one part. */
export const partEventId = (
  id: string,
  attempt: number,
  part: number | undefined,
  type: "send-started" | "part-sent"
) => attemptEventId(id, attempt, type) + (part === undefined || part === 1 ? "" : `.${part}`)

const topicOf = (type: EventType) =>
  ofSeries.has(type) ? "series" : notOfMessages.has(type) ? "sender" : ofRecipients.has(type) ? "inbound" : "message"

/** `ce-subject` is the message id; `ce-attempt` and `ce-platform` are extensions. */
export const eventHeaders = (event: Event, service: string): Headers => {
  const id = messageId(event)
  const attempt = attemptOf(event)
  return {
    "ce-specversion": "1.0",
    "ce-id": eventId(event),
    "ce-type": `carillon.${topicOf(event.type)}.${event.type}.v1`,
    "ce-source": `/carillon/${service}`,
    "ce-time": event.at,
    "ce-platform": platform(event) ?? "unknown",
    ...(id === undefined ? {} : { "ce-subject": id }),
    ...(attempt === undefined ? {} : { "ce-attempt": String(attempt) }),
    "content-type": "application/json"
  }
}

/** Header names of NATS are case-sensitive; CloudEvents and HTTP habits are not. */
type HeaderLookup = (name: string) => string | undefined

const utf8 = new TextDecoder("utf-8", { fatal: true })

/** The JSON that a command carries, in whichever of the three forms it came. */
export const commandBody = (
  bytes: Uint8Array,
  header: HeaderLookup
): Result.Result<unknown, ReadonlyArray<Problem>> => {
  const contentType = (header("content-type") ?? header("Content-Type") ?? "").toLowerCase()
  if (contentType.startsWith("application/cloudevents-batch"))
    return refuse("a batch of CloudEvents is not accepted: publish one by one")
  const json = parse(bytes)
  if (Result.isFailure(json) || !contentType.startsWith("application/cloudevents")) return json
  return structured(json.success)
}

const structured = (envelope: unknown): Result.Result<unknown, ReadonlyArray<Problem>> => {
  if (typeof envelope !== "object" || envelope === null) return refuse("must be a CloudEvent in structured mode")
  const { data, data_base64: base64 } = envelope as { readonly data?: unknown; readonly data_base64?: unknown }
  if (typeof base64 === "string") return parse(Buffer.from(base64, "base64"))
  return data === undefined ? refuse("is required", "data") : Result.succeed(data)
}

// What JSON.parse says repeats a piece of the text, which may be personal: only the position is passed on.
const parse = (bytes: Uint8Array): Result.Result<unknown, ReadonlyArray<Problem>> =>
  Result.try({
    try: () => JSON.parse(utf8.decode(bytes)) as unknown,
    catch: (error) => {
      const position = /at position (\d+)/.exec(String(error))?.[1]
      return [
        { path: "", problem: `is not JSON in UTF-8${position === undefined ? "" : `: see position ${position}`}` }
      ]
    }
  })

const refuse = (problem: string, path = "") => Result.fail([{ path, problem }])
