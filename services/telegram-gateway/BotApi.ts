// Telegram's Bot API, as far as the gateway uses it. The only importer of grammY.
import { Context, Effect, Layer, Redacted, Schema } from "effect"
import { Api, GrammyError, HttpError, InputFile } from "grammy"
import type { Sender } from "#shared/contract/fields/Fields.ts"
import { errorCategory, type NotAccepted, Outcome, reasonOf } from "#shared/gateway/Outcome.ts"
import type { Entity } from "#shared/platforms/telegram/Formatted.ts"
import { setting, whole } from "#shared/service/Settings.ts"
import { type Sent, sentBy } from "./BotAnswers.ts"
import { type BotRequest, Upload } from "./BotRequests.ts"
import { tokens } from "./BotTokens.ts"
import { ofRefusal, ofTransport } from "./TelegramOutcomes.ts"
import { isTransportFailure, make as makeFetch } from "./UndiciFetch.ts"

/** A text and nothing else. */
export interface Send {
  /** A chat's id in digits, or @channelname. */
  readonly chatId: string
  readonly text: string
  readonly entities?: ReadonlyArray<Entity>
  /** Delivered without a sound. */
  readonly silent?: boolean | undefined
}

/** `getMe` failed. The reason is one of the codes of `Outcome`; nothing of what Telegram wrote. */
export class BotApiError extends Schema.TaggedError<BotApiError>()("BotApiError", {
  category: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `Telegram's Bot API cannot be used: ${this.reason} (${this.category})`
  }
}

/** The Bot API as one bot uses it. */
export interface Bot {
  /** Sends once and never fails: what happened is the outcome. Interruption drops the call, which may have sent. */
  send(request: BotRequest): Effect.Effect<Sent>
  /** The same for a bare text. */
  sendMessage(message: Send): Effect.Effect<Outcome>
  /** Who the token belongs to: proves the token and the way to Telegram. */
  readonly getMe: Effect.Effect<{ readonly username: string }, BotApiError>
  readonly updates: BotUpdates
}

/** What comes back from people, and how they are answered at once. */
export interface BotUpdates {
  /** What nobody has confirmed yet, so many at most: waits so long for it. Those before the offset are confirmed by asking. */
  fetch(
    offset: number | undefined,
    atMost: number,
    waitSeconds: number
  ): Effect.Effect<ReadonlyArray<unknown>, BotApiError>
  /** Updates are brought to this address from now on, with the secret in a header. */
  setWebhook(url: string, secret: string): Effect.Effect<void, BotApiError>
  /** Updates are not brought anywhere: they wait until they are fetched. */
  readonly deleteWebhook: Effect.Effect<void, BotApiError>
  /** Lets a button that was pressed come to rest. */
  answerButton(callbackQueryId: string): Effect.Effect<void, BotApiError>
  /** Plain text, beside the limits of messages. */
  say(chatId: string, text: string): Effect.Effect<void, BotApiError>
}

/** Every configured bot, by the name of its sender. */
export class Bots extends Context.Service<Bots, ReadonlyMap<Sender, Bot>>()("telegram-gateway/Bots") {
  static readonly layer = Layer.effect(
    Bots,
    Effect.gen(function* () {
      const { connections, root, timeoutSeconds, uploadTimeoutSeconds } = yield* config
      const fetch = yield* makeFetch({
        origin: root.origin,
        connections,
        timeoutMs: timeoutSeconds * 1_000,
        uploadTimeoutMs: uploadTimeoutSeconds * 1_000
      })
      const options = {
        apiRoot: root.origin + root.pathname.replace(/\/+$/, ""),
        // Ours comes first and knows whether the request had left; grammY's own default is 500 s.
        timeoutSeconds: Math.max(timeoutSeconds, uploadTimeoutSeconds) + 5,
        fetch
      }
      // A question that waits for updates must not take a connection from a send, nor end by the time of one.
      const patience = {
        ...options,
        timeoutSeconds: longestFetchSeconds + 10,
        fetch: yield* makeFetch({
          origin: root.origin,
          connections,
          timeoutMs: (longestFetchSeconds + 5) * 1_000,
          uploadTimeoutMs: (longestFetchSeconds + 5) * 1_000,
          maxResponseSize: longestAnswerBytes
        })
      }
      const named = [...(yield* tokens)].map(([sender, token]) => {
        const api = (how: typeof options) => new Api(Redacted.value(token), how)
        return [sender, bot(api(options), updates(api(patience)))] as const
      })
      return Bots.of(new Map(named))
    })
  )
}

const bot = (api: Api, updates: BotUpdates): Bot => ({
  updates,

  send: (request) => sending(api, request),

  sendMessage: ({ chatId, entities, silent, text }) => {
    const payload = { chat_id: chatId, text, ...(entities && { entities }), ...(silent && quietly) }
    return Effect.map(sending(api, { method: "sendMessage", payload, files: [] }), ({ outcome }) => outcome)
  },

  getMe: ask((signal) => api.getMe(signal)).pipe(
    Effect.filterOrFail(
      (me) => typeof me?.username === "string",
      () => unreadableAnswer
    ),
    Effect.map(({ username }) => ({ username }))
  )
})

/** The longest wait that `fetch` is to be asked for. */
export const longestFetchSeconds = 25

/** The Bot API server keeps no update that is larger, as it is written in the answer (`MAX_EVENT_LENGTH` in TDLib). */
const largestUpdateBytes = 524_288

const longestAnswerBytes = 16 * 1_048_576

/** So many fit into one answer whatever they are, with what stands around them. */
export const mostUpdates = longestAnswerBytes / largestUpdateBytes - 1

const updates = (api: Api): BotUpdates => ({
  fetch: (offset, limit, timeout) =>
    ask((signal) =>
      api.getUpdates(
        { ...(offset === undefined ? {} : { offset }), limit, timeout, allowed_updates: [...wanted] },
        signal
      )
    ).pipe(Effect.filterOrFail(Array.isArray, () => unreadableAnswer)),
  setWebhook: (url, secret_token) =>
    ask((signal) => api.setWebhook(url, { secret_token, allowed_updates: [...wanted] }, signal)),
  deleteWebhook: ask((signal) => api.deleteWebhook({}, signal)),
  answerButton: (id) => ask((signal) => api.answerCallbackQuery(id, {}, signal)),
  say: (chatId, text) => ask((signal) => api.sendMessage(chatId, text, {}, signal))
})

const wanted = ["message", "my_chat_member", "callback_query"] as const

/** `signal`: grammY wants the type of an older library. */
const ask = <A>(call: (signal: never) => Promise<A>) =>
  Effect.tryPromise({
    try: (signal) => call(signal as never),
    catch: (error) => {
      const outcome = failed(error)
      return new BotApiError({ category: errorCategory(outcome), reason: reasonOf(outcome) })
    }
  })

/** Telegram says that it is well, and not what was asked for: as somebody in its place may. */
export const unreadableAnswer = new BotApiError({ category: "unknown", reason: "unreadable-answer" })

const quietly = { disable_notification: true }

const sending = (api: Api, request: BotRequest) =>
  Effect.promise((signal) =>
    call(api, request, signal).then(
      (answer) => sentBy(request, answer),
      (error): Sent => ({ outcome: failed(error), fileIds: [] })
    )
  )

type Method = (payload: object, signal: AbortSignal) => Promise<unknown>

const call = (api: Api, { method, payload }: BotRequest, signal: AbortSignal) =>
  (api.raw as unknown as Readonly<Record<string, Method>>)[method]?.(filled(payload) as object, signal) ??
  Promise.reject(new Error("no such method"))

/** With what grammY uploads in the places of our own uploads. */
const filled = (value: unknown): unknown => {
  if (value instanceof Upload) return new InputFile(value.bytes, value.name)
  if (Array.isArray(value)) return value.map(filled)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, filled(inner)]))
}

// grammY's errors hold the chat and the text (`payload`), and what Telegram wrote: they end here.
const failed = (error: unknown): NotAccepted => {
  if (error instanceof GrammyError) return ofRefusal(error)
  const cause = error instanceof HttpError ? error.error : error
  return isTransportFailure(cause) ? ofTransport(cause) : Outcome.Unknown({ reason: "unexpected-failure" })
}

const Root = Schema.URLFromString.check(
  Schema.makeFilter(({ protocol }) => /^https?:$/.test(protocol) || "must begin with https:// or http://")
)

export const connections = setting("TELEGRAM_CONNECTIONS", whole(1, 10_000), {
  says: "The most sends of a bot that are under way at once",
  byDefault: 100
})

const config = Effect.all({
  root: setting("TELEGRAM_API_ROOT", Root, {
    says: "Where the Bot API is: Telegram's own, or a server of yours",
    takes: "a URL that begins with `https://` or `http://`",
    byDefault: new URL("https://api.telegram.org")
  }),
  timeoutSeconds: setting("TELEGRAM_TIMEOUT_SECONDS", whole(1, 600), {
    says: "How long a call may take; Telegram itself waits up to 8 s before it says that we are too fast, and a shorter time makes unknown outcomes of that",
    unit: "seconds",
    byDefault: 45
  }),
  uploadTimeoutSeconds: setting("TELEGRAM_UPLOAD_TIMEOUT_SECONDS", whole(1, 3_600), {
    says: "How long a call that uploads files may take",
    unit: "seconds",
    byDefault: 180
  }),
  connections
})
