// A bot with its memory and its files, sending messages to a stand-in: what the gateway does, without its queues.
import { ConfigProvider, Context, Effect, Layer, Option, Semaphore } from "effect"
import type { Content } from "#shared/contract/Content.ts"
import type { Message } from "#shared/contract/Events.ts"
import type { Outcome } from "#shared/gateway/Outcome.ts"
import type { Call } from "#shared/gateway/Platform.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { Files } from "#shared/nats/stores/Files.ts"
import { Memory } from "#shared/nats/stores/Memory.ts"
import { type Options, startBotApiStandIn } from "../../deploy/local/BotApiStandIn.ts"
import { type Bot, Bots } from "../../services/telegram-gateway/BotApi.ts"
import { callsOf } from "../../services/telegram-gateway/Calls.ts"
import { uploadMegabytes } from "../../services/telegram-gateway/MediaFiles.ts"
import { waiting } from "../contract/Submit.ts"
import { attemptOf } from "../support/Attempts.ts"
import { natsForTest } from "../support/Layers.ts"

export const token = "7203456:AAsecret-token_of_the_bot"

export const connect = (apiRoot: string, settings: Record<string, string> = {}) =>
  Layer.build(Bots.layer).pipe(
    Effect.provide(
      ConfigProvider.layer(
        ConfigProvider.fromUnknown({ TELEGRAM_BOT_TOKEN: token, TELEGRAM_API_ROOT: apiRoot, ...settings })
      )
    ),
    Effect.map((context) => Context.get(context, Bots).get("default") as Bot)
  )

export const messageWith = (content: Content, id = "m-1"): Message => ({ ...waiting, id, content })

export const stored = (text: string | Uint8Array) => new Blob([text as Uint8Array<ArrayBuffer>]).stream() as never

/** As a gateway makes it that nothing keeps from sending. */
export const made = (call: Call): Effect.Effect<Outcome> =>
  "prepare" in call
    ? Effect.flatMap(call.prepare, made).pipe(
        Effect.scoped,
        Effect.catch((refused) => Effect.succeed<Outcome>(refused))
      )
    : call

/** `send` gives the outcomes of a message's calls, made one after the other. */
export const sending = Effect.fnUntraced(function* (options: Options = {}, settings: Record<string, string> = {}) {
  const phones = yield* startBotApiStandIn(options)
  const { layer, nats } = yield* natsForTest
  const context = yield* Layer.build(
    Layer.mergeAll(Memory.layer, Files.layer).pipe(Layer.provideMerge(layer), Layer.fresh)
  )
  yield* Effect.provide(provision([]), context)
  const [memory, files] = [Context.get(context, Memory), Context.get(context, Files)]
  const bot = yield* connect(phones.apiRoot, settings)
  const shelf = { sender: "default", memory, files, megabytes: yield* Semaphore.make(uploadMegabytes) }
  const calls = callsOf(bot, shelf)
  const send = (content: Content, id?: string) => {
    const attempt = attemptOf(messageWith(content, id))
    return Effect.forEach(
      calls(attempt.message, attempt, ({ chatId = "" }) => `name of ${chatId}`),
      made
    )
  }
  return {
    phones,
    nats,
    memory,
    files,
    bot,
    calls,
    shelf,
    send,
    put: (name: string, text: string | Uint8Array) => files.put(name, stored(text))
  }
})

export const isKnown = (memory: Memory["Service"], beginning: string) =>
  Effect.map(memory.all("file", beginning), ({ length }) => length)

export const noneOr = <A>(found: Option.Option<A>) => Option.getOrUndefined(found)
