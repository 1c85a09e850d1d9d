// What the machine gives without Carillon, measured in the same run: the bare client against the same servers.
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { ConfigProvider, Effect } from "effect"
import { type Bot, Bots } from "../services/telegram-gateway/BotApi.ts"

export interface Floors {
  /** js.publish from one client, 1,000 in flight; messages a second. */
  readonly publish: number
  /** One durable consumer, every message acknowledged. */
  readonly consume: number
  /** The gateway's own transport in a loop, 100 at a time. */
  readonly http: number
}

const payload = JSON.stringify({ text: "x".repeat(300) })

const rate = (count: number, since: number) => (count / (performance.now() - since)) * 1_000

const broker = async (natsUrl: string, count: number) => {
  const connection = await connect({ servers: natsUrl })
  const manager = await jetstreamManager(connection)
  const js = jetstream(connection)
  await manager.streams.add({ name: "FLOOR", subjects: ["floor"], storage: "file" })
  let since = performance.now()
  for (let sent = 0; sent < count; sent += 1_000) {
    await Promise.all(Array.from({ length: Math.min(1_000, count - sent) }, () => js.publish("floor", payload)))
  }
  const publish = rate(count, since)
  await manager.consumers.add("FLOOR", { durable_name: "floor", ack_policy: "explicit", max_ack_pending: 5_000 })
  since = performance.now()
  let taken = 0
  for await (const message of await (await js.consumers.get("FLOOR", "floor")).consume({ max_messages: 2_000 })) {
    message.ack()
    if (++taken === count) break
  }
  const consume = rate(count, since)
  await manager.streams.delete("FLOOR")
  await connection.close()
  return { publish, consume }
}

const http = (apiRoot: string, count: number) =>
  Effect.gen(function* () {
    const { sendMessage } = (yield* Bots).get("default") as Bot
    const since = performance.now()
    yield* Effect.forEach(
      Array.from({ length: count }, (_, index) => String(index)),
      (chatId) => sendMessage({ chatId, text: "x".repeat(80) }),
      { concurrency: 100, discard: true }
    )
    return rate(count, since)
  }).pipe(
    Effect.provide(Bots.layer),
    Effect.provide(
      ConfigProvider.layer(ConfigProvider.fromUnknown({ TELEGRAM_BOT_TOKEN: "1:bench", TELEGRAM_API_ROOT: apiRoot }))
    )
  )

export const floors = (natsUrl: string, apiRoot: string, count: number) =>
  Effect.gen(function* () {
    const measured = yield* Effect.promise(() => broker(natsUrl, count))
    return { ...measured, http: yield* http(apiRoot, count) } satisfies Floors
  })
