// What was erased before, by what the tables keep of it: ids alone. A NATS that is put back from a backup has it whole again.
import { Effect } from "effect"
import { contactKey, type EndedBefore } from "#shared/contract/Erasure.ts"
import type { Instant, MessageId, Sender, SeriesId } from "#shared/contract/fields/Fields.ts"
import { erasedReason } from "#shared/nats/layout/StreamErasure.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"

interface Removed {
  readonly platform: string
  readonly sender: Sender
  readonly contact: string
  readonly at: Instant
}

export const erasedBefore = Effect.gen(function* () {
  const { query } = yield* Postgres
  const rows = yield* query<{ readonly id: MessageId }>(
    "SELECT id FROM carillon.scheduled_messages WHERE erased_at IS NOT NULL"
  )
  const series = yield* query<{ readonly id: SeriesId }>(
    `SELECT DISTINCT detail ->> 'series' AS id FROM carillon.message_events
     WHERE message_id = '' AND type = 'series-changed' AND detail ->> 'change' = 'cancelled' AND detail ->> 'reason' = $1`,
    [erasedReason]
  )
  const links = yield* query<Removed>(
    `SELECT detail ->> 'platform' AS platform, detail ->> 'sender' AS sender, detail ->> 'contact' AS contact, max(at) AS at
     FROM carillon.message_events
     WHERE message_id = '' AND type = 'recipient-unlinked' AND detail ->> 'reason' = $1 GROUP BY 1, 2, 3`,
    [erasedReason]
  )
  const ended: EndedBefore = {
    series: new Set(series.map(({ id }) => id)),
    links: new Map(links.map(({ at, contact, ...of }) => [contactKey({ ...of, recipient: { contact } }), at]))
  }
  return { ids: rows.map(({ id }) => id), ended }
})
