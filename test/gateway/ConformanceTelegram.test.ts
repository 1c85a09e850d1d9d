// The Telegram gateway does what any gateway must.
import { Effect } from "effect"
import { type Received, Reply, startBotApiStandIn } from "../../deploy/local/BotApiStandIn.ts"
import { conforms } from "./Conformance.ts"
import { type Arrival, Fault } from "./conformance/Platform.ts"

const arrival = ({ at, chatId, text }: Received): Arrival => ({ at, text, to: chatId })

const refused = (code: number, description: string, parameters?: object) =>
  Reply.ApiError({ code, description, ...(parameters && { parameters }) })

const say = Fault.$match({
  Slow: ({ millis }) => Reply.Delay({ ms: millis }),
  ThrottlesRecipient: ({ seconds }) => refused(429, "Too Many Requests", { retry_after: seconds }),
  ThrottlesSender: ({ seconds }) => Reply.Raw({ status: 429, body: "", headers: { "retry-after": String(seconds) } }),
  RefusesForNow: () => refused(400, "Bad Request: failed to get HTTP URL content"),
  RejectsContent: () => refused(400, "Bad Request: can't parse entities"),
  RejectsRecipient: () => refused(403, "Forbidden: bot was blocked by the user"),
  RejectsSender: () => refused(401, "Unauthorized"),
  LosesAnswer: () => Reply.Reset({ delivered: true }),
  Hangs: () => Reply.Hang({ delivered: true })
})

conforms({
  platform: "telegram",
  gateway: "telegram-gateway",
  start: (plan) =>
    startBotApiStandIn({
      answer: (received, method) => {
        const fault = method === "sendMessage" ? plan(arrival(received)) : undefined
        return fault && say(fault)
      }
    }).pipe(
      Effect.orDie,
      Effect.map(({ apiRoot, received, requests }) => ({
        root: apiRoot,
        arrivals: () => requests.map(arrival),
        received: () => received.map(arrival)
      }))
    ),
  settings: (root, { perSecond, recipientPerSecond }) => ({
    TELEGRAM_BOT_TOKEN: "424242:MARKEDTOKEN",
    TELEGRAM_API_ROOT: root,
    TELEGRAM_MESSAGES_PER_SECOND: String(perSecond),
    TELEGRAM_CHAT_MESSAGES_PER_SECOND: String(recipientPerSecond)
  }),
  recipient: (_, n) => ({ chatId: String(777_000_777_000 + n) }),
  hidden: ["MARKEDTOKEN", "777000777"],
  blames: "sender",
  neverSays: []
})
