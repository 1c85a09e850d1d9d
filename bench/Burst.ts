// A burst: many messages due at one instant, through the real services as processes of their own.
import { jetstream } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Schedule } from "effect"
import pg from "pg"
import type { Arrivals } from "./StandIn.ts"

export interface BurstResult {
  readonly count: number
  /** Schedule commands a second, from the first published until the last event says scheduled. */
  readonly accepted: number
  /** Messages a second from the due instant until the last reached the stand-in. */
  readonly arrived: number
  /** Messages a second from the due instant until the last row says sent. */
  readonly recorded: number
  /** How long after the due instant the first arrived, in milliseconds; never negative. */
  readonly firstLateness: number
}

export interface Servers {
  readonly natsUrl: string
  readonly databaseUrl: string
  readonly arrivals: Effect.Effect<Arrivals>
}

/** `name` makes the ids: another for each burst on the same servers. */
export const burst = Effect.fnUntraced(function* (servers: Servers, count: number, name = "burst") {
  const pool = yield* Effect.acquireRelease(
    Effect.sync(() => new pg.Pool({ connectionString: servers.databaseUrl, max: 2 })),
    (pool) => Effect.promise(() => pool.end())
  )
  const until = (status: string) =>
    Effect.promise(() =>
      pool.query<{ n: string }>(
        "select count(*) as n from carillon.scheduled_messages where status = $1 and id like $2",
        [status, `${name}-%`]
      )
    ).pipe(
      Effect.map(({ rows }) => Number(rows[0]?.n)),
      Effect.repeat({ schedule: Schedule.spaced("20 millis"), until: (n) => n >= count }),
      Effect.timeout("180 seconds"),
      Effect.andThen(Effect.sync(() => Date.now()))
    )
  const begun = Date.now()
  // Time enough to accept all of them before the first timer fires.
  const due = begun + 6_000 + count * 0.5
  yield* Effect.promise(() => publish(servers.natsUrl, count, due, name))
  const accepted = (count / ((yield* until("pending")) - begun)) * 1_000
  const recordedAt = yield* until("sent")
  const { first, last, count: arrived } = yield* servers.arrivals
  if (arrived !== count) return yield* Effect.die(new Error(`${arrived} arrived of ${count}`))
  if (first < due) return yield* Effect.die(new Error("one arrived before its time"))
  return {
    count,
    accepted,
    arrived: (count / (last - due)) * 1_000,
    recorded: (count / (recordedAt - due)) * 1_000,
    firstLateness: first - due
  } satisfies BurstResult
})

const publish = async (natsUrl: string, count: number, due: number, name: string) => {
  const connection = await connect({ servers: natsUrl })
  const js = jetstream(connection)
  const dueAt = new Date(due).toISOString()
  const command = (index: number) =>
    JSON.stringify({
      id: `${name}-${index}`,
      platform: "telegram",
      recipient: { chatId: String(1_000_000 + index) },
      content: { type: "text", text: "Please take your medicine now: one tablet, with a glass of water." },
      dueAt
    })
  for (let sent = 0; sent < count; sent += 1_000) {
    await Promise.all(
      Array.from({ length: Math.min(1_000, count - sent) }, (_, index) =>
        js.publish("carillon.command.schedule", command(sent + index))
      )
    )
  }
  await connection.close()
}
