// How a service writes its log: JSON lines with the trace they belong to for machines, one readable line for people.
import { Config, Context, Effect, Layer, Logger, Option, References, Tracer } from "effect"

/** One flat object a line: what Loki, jq and people with grep can all read. */
const jsonLines = Logger.withConsoleLog(
  Logger.make<unknown, string>(({ message, logLevel, fiber, date }) => {
    const parts = Array.isArray(message) ? message : [message]
    const span = Option.getOrUndefined(Context.getOption(fiber.context, Tracer.ParentSpan))
    return JSON.stringify({
      timestamp: date.toISOString(),
      level: logLevel.toLowerCase(),
      ...(span ? { trace_id: span.traceId, span_id: span.spanId } : {}),
      ...fiber.getRef(References.CurrentLogAnnotations),
      message: parts.map((part) => (part instanceof Error ? part.message : String(part))).join(" ")
    })
  })
)

/** LOG_FORMAT json or pretty (pretty on a terminal), LOG_LEVEL from Trace to Fatal. */
export const loggerLayer = Layer.unwrap(
  Effect.gen(function* () {
    const level = yield* Config.LogLevel("LOG_LEVEL").pipe(Config.withDefault("Info" as const))
    const format = yield* Config.Literals(["json", "pretty"], "LOG_FORMAT").pipe(
      Config.withDefault(process.stdout.isTTY ? ("pretty" as const) : ("json" as const))
    )
    return Layer.mergeAll(
      Logger.layer([format === "json" ? jsonLines : Logger.consolePretty()]),
      Layer.succeed(References.MinimumLogLevel, level)
    )
  })
)
