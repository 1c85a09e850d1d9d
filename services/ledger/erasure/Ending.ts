// Sees to it that messages end: cancels those that wait, as anybody would, and waits for those that are being sent.
import { Effect, Option } from "effect"
import type { MessageId, Platform } from "#shared/contract/fields/Fields.ts"
import { erasedReason } from "#shared/nats/layout/StreamErasure.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { browse } from "#shared/nats/messages/Browse.ts"
import { request } from "#shared/nats/messages/Requests.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { ended, type Status } from "../projection/Rows.ts"
import { remainsIn } from "./Search.ts"

export interface KnownRow {
  readonly id: MessageId
  readonly platform: Platform | null
  readonly erasedAt: string | null
  /** Nothing more is done by itself. */
  readonly ended: boolean
}

export const rowsOf = Effect.fnUntraced(function* (ids: ReadonlySet<MessageId>) {
  const { query } = yield* Postgres
  const rows = yield* query<Omit<KnownRow, "ended"> & { readonly status: Status }>(
    `SELECT id, platform, status, erased_at AS "erasedAt" FROM carillon.scheduled_messages WHERE id = ANY($1)`,
    [[...ids]]
  )
  return new Map(rows.map(({ status, ...row }) => [row.id, { ...row, ended: ended(status) } as KnownRow]))
})

/** How many were cancelled, and which have not ended by the deadline. */
export const endThem = Effect.fnUntraced(function* (ids: ReadonlySet<MessageId>, deadline: number) {
  let cancelled = 0
  while (true) {
    const { open, waiting } = yield* lookAt(ids)
    for (const id of waiting) {
      const reply = yield* request("cancel", { id, reason: erasedReason })
      if (reply.status === "cancelled") cancelled++
    }
    if (open.length === 0 || Date.now() > deadline) return { cancelled, underWay: open }
    yield* Effect.sleep("300 millis")
  }
})

/**
 * Open until its record, the timers and the commands agree that it has ended; waiting while it has a timer, whatever the
 * record says: where an older NATS was put back it has one again.
 */
const lookAt = Effect.fnUntraced(function* (ids: ReadonlySet<MessageId>) {
  const { last } = yield* EventLog
  const rows = yield* rowsOf(ids)
  const commanded = yield* commandedOf(ids)
  const waiting: Array<MessageId> = []
  const open: Array<MessageId> = []
  const look = Effect.fnUntraced(function* (id: MessageId) {
    const timer = yield* last("TIMERS", Subject.pending(id))
    const change = yield* last("TIMERS", Subject.changed("*", id))
    if (Option.isSome(timer)) waiting.push(id)
    const isOpen = rows.get(id)?.ended === false || commanded.has(id)
    if (isOpen || Option.isSome(timer) || Option.isSome(change)) open.push(id)
  })
  yield* Effect.forEach(ids, look, { concurrency: 20, discard: true })
  return { open, waiting }
})

/** Those of which a command is yet to be carried out. */
const commandedOf = Effect.fnUntraced(function* (ids: ReadonlySet<MessageId>) {
  const commanded = new Set<MessageId>()
  yield* browse("COMMANDS", ">", (page) =>
    Effect.sync(() => {
      for (const found of page) {
        const { id } = remainsIn("COMMANDS", found)
        if (id !== undefined && ids.has(id)) commanded.add(id)
      }
      return true
    })
  )
  return commanded
})
