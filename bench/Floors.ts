// What the machine gives without Carillon, measured in the same run: bare clients against the same servers.
import { jetstream } from "@nats-io/jetstream"
import { ConfigProvider, Effect } from "effect"
import { type Bot, Bots } from "../services/telegram-gateway/BotApi.ts"
import { type Load, publishInBatches, publishOneByOne } from "./Publish.ts"
import type { World } from "./World.ts"

/** A rate in a second, and microseconds of the client's CPU for each. */
export interface Floor {
  readonly rate: number
  readonly cpu: number
}

const measured = async (count: number, work: () => Promise<unknown>): Promise<Floor> => {
  const [at, cpu] = [performance.now(), process.cpuUsage()]
  await work()
  const [took, { user, system }] = [performance.now() - at, process.cpuUsage(cpu)]
  return { rate: (count / took) * 1_000, cpu: (user + system) / count }
}

const payload = JSON.stringify({ text: "x".repeat(230) })
const load = (count: number): Load => ({ subject: "floor", count, payload: () => payload })

/** One client: publishes one by one and in batches, and reads from one durable consumer, acknowledging each. */
export const brokerFloors = ({ connection, manager }: World, count: number) =>
  Effect.promise(async () => {
    await manager.streams.add({ name: "FLOOR", subjects: ["floor"], storage: "file", allow_batched: true })
    const publish = await measured(count, () => publishOneByOne(connection, load(count)))
    const batches = await measured(count, () => publishInBatches(connection, load(count)))
    await manager.consumers.add("FLOOR", { durable_name: "floor", ack_policy: "explicit", max_ack_pending: 5_000 })
    const consumer = await jetstream(connection).consumers.get("FLOOR", "floor")
    const consume = await measured(count, async () => {
      let taken = 0
      for await (const message of await consumer.consume({ max_messages: 2_000 })) {
        message.ack()
        if (++taken === count) break
      }
    })
    await manager.streams.delete("FLOOR")
    return { publish, batches, consume }
  })

const warmUp = 12_000

/** The gateway's own transport: grammY in a bare loop, 100 at a time. */
export const callFloor = (world: World, count: number) =>
  withBot(world, (bot) =>
    Effect.gen(function* () {
      yield* Effect.promise(() => calls(bot, warmUp))
      const floor = yield* Effect.promise(() => measured(count, () => calls(bot, count)))
      yield* world.standIn.reset
      return floor
    })
  )

export const withBot = <A, E, R>({ standIn }: World, use: (bot: Bot) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    return yield* use((yield* Bots).get("default") as Bot)
  }).pipe(
    Effect.provide(Bots.layer),
    Effect.provide(
      ConfigProvider.layer(
        ConfigProvider.fromUnknown({ TELEGRAM_BOT_TOKEN: "1:bench", TELEGRAM_API_ROOT: standIn.apiRoot })
      )
    )
  )

const calls = (bot: Bot, count: number) => {
  let next = 0
  const stream = async () => {
    while (next < count) await call(bot, next++)
  }
  return Promise.all(Array.from({ length: 100 }, stream))
}

export const call = (bot: Bot, chat: number) =>
  Effect.runPromise(bot.sendMessage({ chatId: String(chat), text: "x".repeat(65) }))
