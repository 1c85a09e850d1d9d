// Log lines about single messages: they carry its id and the trace it belongs to, and never what it says.
import { Effect } from "effect"
import type { Headers } from "#shared/contract/CloudEvents.ts"
import { attemptOf, type Event, messageId } from "#shared/contract/Events.ts"

const annotations = (event: Event, headers: Headers = {}) => {
  const [, traceId, spanId] = (headers.traceparent ?? "").split("-")
  return {
    message_id: messageId(event) ?? "none",
    ...(attemptOf(event) === undefined ? {} : { attempt: attemptOf(event) }),
    ...(traceId && spanId ? { trace_id: traceId, span_id: spanId } : {})
  }
}

/** What a person should hear of; everything else is in the log of events. */
const worthSaying = (event: Event): string | undefined => {
  switch (event.type) {
    case "failed":
      return `given up: ${event.category}, ${event.reason}`
    case "unknown":
      return `held, nobody knows whether it arrived: ${event.reason}`
    case "expired":
      return "expired: too late to be sent"
    case "rejected":
      return `refused a ${event.command} command, for ${event.problems.length} problems`
    case "occurrences-missed":
      return `series ${event.series}: ${event.count} occurrences were too late to be sent`
    default:
      return undefined
  }
}

export const logEvents = (events: ReadonlyArray<Event>, headers?: ReadonlyArray<Headers>) =>
  Effect.forEach(
    events,
    (event, index) => {
      const line = worthSaying(event)
      return line === undefined
        ? Effect.void
        : Effect.annotateLogs(Effect.logWarning(line), annotations(event, headers?.[index]))
    },
    { discard: true }
  )
