// A series as it is stored in the SERIES stream: what it says, how far it has come, and what is still to be published.
import { Option, Schema } from "effect"
import { events, type Message } from "../Events.ts"
import { defaultSender, Instant, type MessageId, OccurrenceName, Platform, SeriesId } from "../fields/Fields.ts"
import { fromMillis, toMillis } from "../fields/Instants.ts"
import { type Occurrence, occurrencesOf, Recurrence, type Rule } from "./Recurrence.ts"
import { Template } from "./SeriesCommands.ts"

export const SeriesStatus = Schema.Literals(["active", "paused", "cancelled", "ended"]).annotate({
  identifier: "SeriesStatus"
})
export type SeriesStatus = typeof SeriesStatus.Type

/** When it recurs. `start` only if it was given. */
export const Plan = Schema.Struct({
  recurrence: Recurrence,
  timeZone: Schema.String,
  start: Schema.optionalKey(Instant),
  end: Schema.optionalKey(Instant),
  count: Schema.optionalKey(Schema.Int)
})
export type Plan = typeof Plan.Type

/** An occurrence with the instant it comes at. */
const At = Schema.Struct({ at: Instant, name: OccurrenceName })
export type At = typeof At.Type

/**
 * What follows from the last change of the series: published after it was stored, then taken out. Whoever finds it
 * publishes it, which may happen twice, before changing anything else.
 */
const Outbox = Schema.Struct({
  events: Schema.Array(Schema.Union([events["series-changed"], events["occurrences-missed"]])),
  occurrences: Schema.Array(Schema.Struct({ ...At.fields, expiresAt: Instant }))
})
export type Outbox = typeof Outbox.Type

export const Series = Schema.Struct({
  id: SeriesId,
  platform: Platform,
  status: SeriesStatus,
  revision: Schema.Int,
  plan: Plan,
  /** Personal data: gone when the series is over. */
  template: Schema.optionalKey(Template),
  /** As it was scheduled, once it was changed. Personal data as well. */
  original: Schema.optionalKey(Schema.Struct({ plan: Plan, template: Template })),
  /** From when intervals count, and before which there is no occurrence. */
  anchor: Instant,
  /** The first occurrence that was not dealt with; of a paused series it may have passed. */
  next: Schema.optionalKey(At),
  /** The last one that was: submitted, skipped, or missed. */
  last: Schema.optionalKey(At),
  /** How many are left of the count: what passes during a pause takes nothing from it. */
  left: Schema.optionalKey(Schema.Int),
  skips: Schema.Array(At),
  outbox: Schema.optionalKey(Outbox),
  createdAt: Instant,
  changedAt: Instant,
  /** The command that changed it last, skips aside. */
  changedBy: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "Series" })
export type Series = typeof Series.Type

export const isOver = ({ status }: Series) => status === "cancelled" || status === "ended"

export const ruleOf = ({ anchor, plan: { recurrence, timeZone, end } }: Pick<Series, "anchor" | "plan">): Rule => ({
  recurrence,
  timeZone,
  start: toMillis(anchor),
  ...(end === undefined ? {} : { end: toMillis(end) })
})

export const atOf = ({ at, name }: Occurrence): At => ({ at: fromMillis(at), name })

/** After this instant nothing was dealt with, or asked for. */
export const openAfter = ({ last }: Pick<Series, "last">, now: number) => Math.max(now, last ? toMillis(last.at) : now)

/** What will be sent from an instant on, at most so many; of a paused series what would be. */
export const upcoming = (series: Series, now: number, most: number): ReadonlyArray<At> => {
  if (isOver(series)) return []
  const next = occurrencesOf(ruleOf(series))
  const skipped = new Set(series.skips.map(({ name }) => name))
  const found: Array<At> = []
  let left = series.left ?? Number.POSITIVE_INFINITY
  for (let after = openAfter(series, now); found.length < most && left > 0; left--) {
    const one = Option.getOrUndefined(next(after))
    if (!one) break
    if (!skipped.has(one.name)) found.push(atOf(one))
    after = one.at
  }
  return found
}

/** Unlike any other's: within a revision no name comes twice. */
export const occurrenceMessageId = (
  { id, revision }: Pick<Series, "id" | "revision">,
  name: OccurrenceName
): MessageId => `${id}-${name.replace(/[-:]/g, "")}${revision === 1 ? "" : `-r${revision}`}`

export const messageOf = (
  series: Pick<Series, "id" | "revision">,
  template: Template,
  { at, name, expiresAt }: Outbox["occurrences"][number]
): Message => {
  const { maxLatenessSeconds: _, ...rest } = template
  return {
    ...rest,
    id: occurrenceMessageId(series, name),
    sender: template.sender ?? defaultSender,
    dueAt: at,
    expiresAt,
    priority: template.priority ?? "normal",
    unknownOutcome: template.unknownOutcome ?? "resend",
    metadata: template.metadata ?? {},
    series: { id: series.id, occurrence: name }
  }
}
