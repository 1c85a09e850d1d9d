// The read side of the projection: one message with its story, lists of messages, and how far the projection is.
import { Context, Effect, Layer, Option } from "effect"
import { Postgres, type Query } from "#shared/postgres/Postgres.ts"
import type { Failure } from "#shared/postgres/PostgresErrors.ts"
import { type Checkpoint, checkpoint } from "./projection/Checkpoint.ts"
import { readStats, type Stats, type StatsFilter } from "./projection/RollupTables.ts"
import type { AttemptRow, ContentRow, MessageRow, Status, TimelineRow } from "./projection/Rows.ts"
import { attempts, contents, messages, timeline } from "./projection/Tables.ts"

export interface Shown {
  readonly message: MessageRow
  readonly attempts: ReadonlyArray<AttemptRow>
  /** In the order of the log. */
  readonly timeline: ReadonlyArray<TimelineRow>
  /** Personal data: only when asked for, and only while it is kept. */
  readonly contents?: ContentRow
}

export interface Filter {
  readonly status?: Status
  readonly platform?: string
  readonly series?: string
  /** Instants; from is included, to is not. */
  readonly dueFrom?: string
  readonly dueTo?: string
  /** At most this many; 50 if not given. */
  readonly limit?: number
  /** The last message of the page before. */
  readonly after?: Pick<MessageRow, "id" | "dueAt">
}

export class Reader extends Context.Service<
  Reader,
  {
    show(id: string, options?: { readonly contents?: boolean }): Effect.Effect<Option.Option<Shown>, Failure>
    /** The timeline alone: there is one also of commands that were refused, where no message came of it. */
    timeline(id: string): Effect.Effect<ReadonlyArray<TimelineRow>, Failure>
    /** By the time they are due; those without one, which were refused, come last. */
    list(filter?: Filter): Effect.Effect<ReadonlyArray<MessageRow>, Failure>
    /** The sums over messages by hour or day. */
    stats(filter: StatsFilter): Effect.Effect<ReadonlyArray<Stats>, Failure>
    /** The last event that is projected, and when that was. None before a ledger has begun. */
    readonly position: Effect.Effect<Option.Option<Checkpoint>, Failure>
  }
>()("ledger/Reader") {
  /** On a Postgres that is provided. */
  static readonly layerOnPostgres = Layer.effect(
    Reader,
    Effect.gen(function* () {
      const { query } = yield* Postgres
      const timelineOf = (id: string) =>
        query<TimelineRow>(
          `SELECT ${timeline.selected} FROM carillon.message_events WHERE message_id = $1 ORDER BY stored_at, sequence`,
          [id]
        )
      return Reader.of({
        show: Effect.fn("Reader.show")(function* (id, options) {
          const [message] = yield* query<MessageRow>(
            `SELECT ${messages.selected} FROM carillon.scheduled_messages WHERE id = $1`,
            [id]
          )
          if (!message) return Option.none()
          const tried = yield* query<AttemptRow>(
            `SELECT ${attempts.selected} FROM carillon.message_delivery_attempts WHERE message_id = $1 ORDER BY attempt`,
            [id]
          )
          const shown = { message, attempts: tried, timeline: yield* timelineOf(id) }
          if (!options?.contents) return Option.some(shown)
          const [kept] = yield* query<ContentRow>(
            `SELECT ${contents.selected} FROM carillon.message_contents WHERE message_id = $1`,
            [id]
          )
          return Option.some(kept ? { ...shown, contents: kept } : shown)
        }),
        timeline: timelineOf,
        list: (filter = {}) => list(query, filter),
        stats: (filter) => readStats(query, filter),
        position: Effect.map(checkpoint(query, "carillon"), Option.fromNullishOr)
      })
    })
  )

  static readonly layer = Reader.layerOnPostgres.pipe(Layer.provide(Postgres.layerWithoutWaiting))
}

const list = Effect.fn("Reader.list")(function* (query: Query, filter: Filter) {
  const limit = filter.limit ?? 50
  const { after } = filter
  const dated = after?.dueAt === null ? [] : yield* page(query, filter, "due_at IS NOT NULL", limit)
  const anyTime = filter.dueFrom === undefined && filter.dueTo === undefined
  if (dated.length === limit || !anyTime) return dated
  const undated = yield* page(query, filter, "due_at IS NULL", limit - dated.length)
  return [...dated, ...undated]
})

type Which = "due_at IS NOT NULL" | "due_at IS NULL"

const page = (query: Query, filter: Filter, which: Which, limit: number) => {
  const { after } = filter
  const dated = which === "due_at IS NOT NULL"
  const values: Array<unknown> = []
  const value = (one: unknown) => `$${values.push(one)}`
  const conditions = [
    which,
    ...(filter.status ? [`status = ${value(filter.status)}`] : []),
    ...(filter.platform ? [`platform = ${value(filter.platform)}`] : []),
    ...(filter.series ? [`series_id = ${value(filter.series)}`] : []),
    ...(filter.dueFrom ? [`due_at >= ${value(filter.dueFrom)}::timestamptz`] : []),
    ...(filter.dueTo ? [`due_at < ${value(filter.dueTo)}::timestamptz`] : []),
    ...(after && dated ? [`(due_at, id) > (${value(after.dueAt)}::timestamptz, ${value(after.id)})`] : []),
    ...(after && !dated && after.dueAt === null ? [`id > ${value(after.id)}`] : [])
  ]
  return query<MessageRow>(
    `SELECT ${messages.selected} FROM carillon.scheduled_messages
     WHERE ${conditions.join(" AND ")} ORDER BY due_at, id LIMIT ${value(limit)}`,
    values
  )
}
