// How long things are kept: CONTENT_RETENTION_DAYS for text and address, RECORD_RETENTION_DAYS for what became of them.
import { Effect, Schema } from "effect"
import { type Setting, setting } from "#shared/service/Settings.ts"

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

const takes = "a number of days above 0, or `none` for ever"
const contents = setting("CONTENT_RETENTION_DAYS", Schema.String, {
  says: "How long text and address are kept in the ledger after their message has ended",
  unit: "days",
  takes,
  byDefault: "30"
})
const records = setting("RECORD_RETENTION_DAYS", Schema.String, {
  says: "How long everything about a message is kept in the ledger after it was due and has ended; longer than the event log, or a rebuild brings it back",
  unit: "days",
  takes,
  byDefault: "none"
})

const millisOf = Effect.fnUntraced(function* (setting: Setting<string>) {
  const text = (yield* setting).trim()
  if (text === "none") return undefined
  const days = Number(text)
  return days > 0 && Number.isFinite(days) ? days * 86_400_000 : yield* new BadRetention({ key: setting.key })
})

export const retention = Effect.gen(function* () {
  return { contents: yield* millisOf(contents), records: yield* millisOf(records) } satisfies Retention as Retention
})
