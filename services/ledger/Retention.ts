// How long things are kept: CONTENT_RETENTION_DAYS for text and address, RECORD_RETENTION_DAYS for what became of them.
import { Config, Effect, Schema } from "effect"

/** Its problem says what was expected. */
export class BadRetention extends Schema.TaggedError<BadRetention>()("BadRetention", { key: Schema.String }) {
  override get message() {
    return `${this.key} must be a number of days above 0, or none`
  }
}

/** Milliseconds after a message has ended; undefined for ever. */
export interface Retention {
  readonly contents: number | undefined
  readonly records: number | undefined
}

const millisOf = Effect.fnUntraced(function* (key: string, whenMissing: string) {
  const text = (yield* Config.String(key).pipe(Config.withDefault(whenMissing))).trim()
  if (text === "none") return undefined
  const days = Number(text)
  return days > 0 && Number.isFinite(days) ? days * 86_400_000 : yield* new BadRetention({ key })
})

export const retention: Effect.Effect<Retention, BadRetention | Config.ConfigError> = Effect.gen(function* () {
  return {
    contents: yield* millisOf("CONTENT_RETENTION_DAYS", "30"),
    records: yield* millisOf("RECORD_RETENTION_DAYS", "none")
  }
})
