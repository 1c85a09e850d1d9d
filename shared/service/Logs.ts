// How a service writes its log: JSON lines with the trace they belong to for machines, one readable line for people.
import { Context, Effect, Layer, Logger, LogLevel, Option, References, Schema, Tracer } from "effect"
import { setting } from "./Settings.ts"

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

const levelSetting = setting("LOG_LEVEL", Schema.Literals(LogLevel.values), {
  says: "The least that is logged",
  byDefault: "Info"
})
const formatSetting = setting("LOG_FORMAT", Schema.Literals(["json", "pretty"]), {
  says: "A line of JSON for machines, or one that people read",
  otherwise: "`pretty` on a terminal, else `json`"
})

export const loggerLayer = Layer.unwrap(
  Effect.gen(function* () {
    const level = yield* levelSetting
    const format = Option.getOrElse(yield* formatSetting.given, () => (process.stdout.isTTY ? "pretty" : "json"))
    return Layer.mergeAll(
      Logger.layer([format === "json" ? jsonLines : Logger.consolePretty()]),
      Layer.succeed(References.MinimumLogLevel, level)
    )
  })
)
