// What can be seen from outside after a run: the platform's record, the event log, the tables, the log lines, and
// whether anything is left over.
import { Effect } from "effect"
import pg from "pg"
import { fixedConsumers, gatewayConsumers, Subject } from "#shared/nats/layout/Topology.ts"
import { readAll } from "#shared/nats/messages/ReadAll.ts"
import type { Received } from "../../deploy/local/BotApiStandIn.ts"
import { orderedSender } from "../plan/Orders.ts"
import type { NatsServers } from "../world/NatsServers.ts"
import type { Left, World } from "../world/World.ts"

export interface Seen {
  readonly id?: string
  readonly type: string
  readonly attempt?: number
  readonly at: string
  /** Of a failed attempt, why. */
  readonly category?: string
  readonly reason?: string
  readonly possibleDuplicate?: boolean
  /** Of a rejection or a reschedule, which command. */
  readonly cause?: string
  /** Of orders, what they are and of whom. */
  readonly orders?: unknown
  readonly sender?: string
  /** Of a message that is told of whole, when it is due. */
  readonly dueAt?: string
  /** What the platform calls a message that was sent. */
  readonly providerMessageId?: string
}

export interface Row {
  readonly id: string
  readonly status: string
  readonly attempts: number
  readonly possible_duplicate: boolean
}

export type Arrival = Pick<Received, "chatId" | "text" | "at">

export interface Evidence {
  readonly events: ReadonlyArray<Seen>
  readonly rows: ReadonlyArray<Row>
  /** Every call as it left its gateway. */
  readonly left: ReadonlyArray<Left>
  /** What reached a phone, in this order. */
  readonly arrived: ReadonlyArray<Arrival>
  /** What should be over by now, and is not: empty when the run has come to its end. */
  readonly leftOver: ReadonlyArray<string>
  readonly quarantined: number
  /** The orders that stand in the end, of the sender that is ordered about. */
  readonly standing: unknown
  /** How often a service ended without having been asked to. */
  readonly endedByThemselves: Readonly<Record<string, number>>
  readonly log: string
}

const finals = new Set(["sent", "failed", "expired", "unknown", "cancelled", "rejected"])

export const evidenceOf = Effect.fnUntraced(function* (world: World) {
  const services = Object.values(world.services)
  // In this order: if the log has no event beyond those that the rows have seen, both are of one moment.
  const { rows, position } = yield* Effect.tryPromise(() => lookAtPostgres(world.databaseUrl))
  const { events, quarantined, queues, last, standing } = yield* Effect.tryPromise(() => lookAtNats(world.nats))
  const notReady = yield* Effect.forEach(services, ({ failing, name }) =>
    Effect.map(failing, (checks) => checks.map((check) => `${name} is not ready: ${check}`))
  )
  const open = rows.filter(({ status }) => !finals.has(status)).map(({ id, status }) => `${id} is ${status}`)
  return {
    events,
    rows,
    left: world.left,
    arrived: world.phones.received,
    leftOver: [
      ...queues,
      ...notReady.flat(),
      ...(last > position ? [`${last - position} events are not projected`] : []),
      ...open
    ],
    quarantined,
    standing,
    endedByThemselves: Object.fromEntries(services.map(({ endedByItself, name }) => [name, endedByItself()])),
    log: services.map(({ output }) => output()).join("")
  } satisfies Evidence as Evidence
})

const lookAtNats = async ({ manager }: NatsServers) => {
  const events: Array<Seen> = []
  await readAll(manager.jetstream(), "EVENTS", {}, (message) => {
    const { message: inner, ...event } = message.json<Seen & { readonly message?: Seen }>()
    const id = inner?.id ?? event.id
    const dueAt = inner?.dueAt
    events.push({ ...event, ...(id === undefined ? {} : { id }), ...(dueAt === undefined ? {} : { dueAt }) })
  })
  const queues: Array<string> = []
  for (const { durable, stream } of [...fixedConsumers, ...gatewayConsumers("telegram", "default")]) {
    const waiting = await manager.consumers.info(stream, durable).then(
      ({ num_ack_pending, num_pending }) => num_ack_pending + num_pending,
      (error: Error) => error.message
    )
    if (waiting !== 0) queues.push(`consumer ${durable}: ${waiting}`)
  }
  const stored = async (stream: string) => (await manager.streams.info(stream)).state
  for (const stream of ["COMMANDS", "TIMERS"]) {
    const { messages } = await stored(stream)
    if (messages > 0) queues.push(`${messages} messages are left in ${stream}`)
  }
  const subject = Subject.sender("telegram", orderedSender, "orders")
  const orders = await manager.streams.getMessage("SENDERS", { last_by_subj: subject })
  return {
    events,
    queues,
    last: (await stored("EVENTS")).last_seq,
    quarantined: (await stored("QUARANTINE")).messages,
    standing: orders?.json<unknown>()
  }
}

const lookAtPostgres = async (url: string) => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<Row>(
      "select id, status, attempts, possible_duplicate from carillon.scheduled_messages"
    )
    const { rows: checkpoints } = await client.query<{ position: string }>(
      "select position from carillon.projection_checkpoints"
    )
    return { rows, position: Number(checkpoints[0]?.position ?? 0) }
  } finally {
    await client.end()
  }
}
