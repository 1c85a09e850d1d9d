// Log lines about single messages: they carry its id and the trace it belongs to, and never what it says.
import { Effect, LogLevel, References } from "effect"
import type { Headers } from "#shared/contract/CloudEvents.ts"
import { attemptOf, type Event, messageId, platform } from "#shared/contract/Events.ts"

const annotations = (event: Event, headers: Headers = {}) => {
  const [, traceId, spanId] = (headers.traceparent ?? "").split("-")
  return {
    message_id: messageId(event) ?? "none",
    platform: platform(event) ?? "unknown",
    ...(attemptOf(event) === undefined ? {} : { attempt: attemptOf(event) }),
    ...(traceId && spanId ? { trace_id: traceId, span_id: spanId } : {})
  }
}

type Line = readonly [level: "Warn" | "Info" | "Debug", text: string]

/** A person should hear of what ended badly; whoever looks closer sees each try, or every step. */
const lineOf = (event: Event): Line => {
  switch (event.type) {
    case "failed":
      return ["Warn", `given up: ${event.category}, ${event.reason}`]
    case "unknown":
      return ["Warn", `held, nobody knows whether it arrived: ${event.reason}`]
    case "expired":
      return ["Warn", "expired: too late to be sent"]
    case "overdue":
      return ["Warn", `overdue: ${event.rule}, since ${event.since}`]
    case "rejected":
      return ["Warn", `refused a ${event.command} command, for ${event.problems.length} problems`]
    case "attempt-failed":
      return ["Info", `attempt failed: ${event.category}, ${event.reason}`]
    case "occurrences-missed":
      return ["Warn", `series ${event.series}: ${event.count} occurrences were too late to be sent`]
    default:
      return ["Debug", event.type]
  }
}

export const logEvents = Effect.fnUntraced(function* (
  events: ReadonlyArray<Event>,
  headers?: ReadonlyArray<Headers | undefined>
) {
  const least = yield* References.MinimumLogLevel
  for (const [index, event] of events.entries()) {
    const [level, text] = lineOf(event)
    if (LogLevel.isLessThan(level, least)) continue
    yield* Effect.annotateLogs(Effect.logWithLevel(level)(text), annotations(event, headers?.[index]))
  }
})
