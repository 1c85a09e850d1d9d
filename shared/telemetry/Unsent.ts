// Traces that do not arrive: OpenTelemetry drops them without a word, and whoever looks for them would find nothing.
import { type DiagLogger, DiagLogLevel, diag } from "@opentelemetry/api"
import { setGlobalErrorHandler } from "@opentelemetry/core"
import { Effect } from "effect"
import { seldom } from "./Seldom.ts"
import { tracingOn } from "./TracingSettings.ts"

/** Logs at once what has failed, and what fails after it once a minute. Codes alone: an answer may say anything. */
export const tellOfUnsent = Effect.gen(function* () {
  if (!tracingOn) return
  const run = Effect.runForkWith(yield* Effect.context<never>())
  const tell = seldom((line) => run(Effect.logWarning(line)))
  setGlobalErrorHandler((error) => tell("traces could not be sent", reasonOf(error)))
  diag.setLogger(
    hearingOfDropped(() => tell("spans were dropped", "more came than could be sent")),
    {
      logLevel: DiagLogLevel.WARN,
      suppressOverrideMessage: true
    }
  )
})

/** The status of an answer, or a code of the system or of gRPC; OpenTelemetry tells no status of what it tried again. */
const reasonOf = (error: unknown): string => {
  for (
    let at = error;
    at instanceof Error;
    at = at.cause ?? (at instanceof AggregateError ? at.errors[0] : undefined)
  ) {
    const { code } = at as { readonly code?: unknown }
    if (typeof code === "number") return code >= 100 ? `the collector answered ${code}` : `gRPC status ${code}`
    if (typeof code === "string") return code
  }
  return "the collector did not take them in time"
}

/** The only thing that the exporting of spans says there and nowhere else. */
const hearingOfDropped = (dropped: () => void): DiagLogger => {
  const nothing = () => {}
  const warn = (message: string) => void (/^Dropped \d+ spans/.test(message) && dropped())
  return { error: nothing, warn, info: nothing, debug: nothing, verbose: nothing }
}
