// What can be seen from outside after a run: the platform's record, the event log, the tables, the log lines.
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect } from "effect"
import pg from "pg"
import type { Received } from "../deploy/local/BotApiStandIn.ts"
import type { World } from "./World.ts"

export interface Seen {
  readonly id?: string
  readonly type: string
  readonly attempt?: number
  readonly at: string
}

export interface Row {
  readonly id: string
  readonly status: string
  readonly attempts: number
  readonly possible_duplicate: boolean
}

export type Call = Pick<Received, "chatId" | "text" | "at">

export interface Evidence {
  readonly events: ReadonlyArray<Seen>
  readonly rows: ReadonlyArray<Row>
  /** Every call of the platform, and those that reached a phone. */
  readonly requests: ReadonlyArray<Call>
  readonly arrived: ReadonlyArray<Call>
  /** Ids of messages whose row says that nothing more will be done. */
  readonly ended: ReadonlySet<string>
  /** Messages that some consumer has not finished. */
  readonly unsettled: number
  /** Events that the ledger has not projected. */
  readonly behind: number
  readonly quarantined: number
  readonly log: string
}

const finals = new Set(["sent", "failed", "expired", "unknown", "cancelled"])

export const evidenceOf = Effect.fnUntraced(function* (world: World) {
  const { events, unsettled, last, quarantined } = yield* Effect.promise(() => lookAtNats(world.natsUrl))
  const { rows, position } = yield* Effect.promise(() => lookAtPostgres(world.databaseUrl))
  return {
    events,
    rows,
    requests: world.phones.requests,
    arrived: world.phones.received,
    ended: new Set(rows.filter(({ status }) => finals.has(status)).map(({ id }) => id)),
    unsettled,
    behind: last - position,
    quarantined,
    log: world.log()
  } satisfies Evidence as Evidence
})

const lookAtNats = async (natsUrl: string) => {
  const connection = await connect({ servers: natsUrl, timeout: 5_000 })
  try {
    const manager = await jetstreamManager(connection)
    const events: Array<Seen> = []
    const consumer = await manager.jetstream().consumers.get("EVENTS")
    if ((await consumer.info()).num_pending > 0) {
      for await (const message of await consumer.consume({ max_messages: 5_000 })) {
        const { message: inner, id, type, attempt, at } = message.json<Seen & { readonly message?: Seen }>()
        const known = inner?.id ?? id
        events.push({
          type,
          at,
          ...(known === undefined ? {} : { id: known }),
          ...(attempt === undefined ? {} : { attempt })
        })
        if (message.info.pending === 0) break
      }
    }
    let unsettled = 0
    for await (const stream of manager.streams.list()) {
      for await (const { config, num_ack_pending, num_pending } of manager.consumers.list(stream.config.name)) {
        if (config.durable_name) unsettled += num_ack_pending + num_pending
      }
    }
    const last = (await manager.streams.info("EVENTS")).state.last_seq
    const quarantined = (await manager.streams.info("QUARANTINE")).state.messages
    return { events, unsettled, last, quarantined }
  } finally {
    await connection.close()
  }
}

const lookAtPostgres = async (url: string) => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<Row>(
      "select id, status, attempts, possible_duplicate from carillon.scheduled_messages where id like 'm-%'"
    )
    const { rows: checkpoints } = await client.query<{ position: string }>(
      "select position from carillon.projection_checkpoints"
    )
    return { rows, position: Number(checkpoints[0]?.position ?? 0) }
  } finally {
    await client.end()
  }
}
