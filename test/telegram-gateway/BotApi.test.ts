// What the gateway makes of everything the Bot API, and the way to it, can do; over real HTTP.
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Context, Effect, Exit, Fiber, Layer } from "effect"
import { errorCategory, Outcome, reasonOf } from "#shared/gateway/Outcome.ts"
import { Reply, startBotApiStandIn } from "../../deploy/local/BotApiStandIn.ts"
import { type Bot, Bots, type Send } from "../../services/telegram-gateway/BotApi.ts"
import { tellsNoneOf, until } from "../support/platforms/Adapters.ts"
import { closedPort, tcpServer } from "../support/proxies/TcpServer.ts"

const token = "7203456:AAsecret-token_of_the_bot"
const chatId = "48151623420"
const text = "Mrs Example: your metformin, at noon"
const message: Send = { chatId, text }

const { Accepted, RejectedContent, RejectedRecipient, RejectedSender, Throttled, Transient, Unknown } = Outcome

const connect = (apiRoot: string, settings: Record<string, string> = {}) =>
  Layer.build(Bots.layer).pipe(
    Effect.provide(
      ConfigProvider.layer(
        ConfigProvider.fromUnknown({ TELEGRAM_BOT_TOKEN: token, TELEGRAM_API_ROOT: apiRoot, ...settings })
      )
    ),
    Effect.map((context) => Context.get(context, Bots).get("default") as Bot)
  )

const standIn = (reply?: Reply, settings?: Record<string, string>) =>
  Effect.gen(function* () {
    const server = yield* startBotApiStandIn({ answer: () => reply })
    return { server, api: yield* connect(server.apiRoot, settings) }
  })

const tellsNothing = tellsNoneOf([token, "AAsecret", chatId, text, "metformin"])

/** Sends, and asks who we are; compares the outcome, and that neither tells anything. */
const proves = (api: Bot, expected: Outcome) =>
  Effect.gen(function* () {
    const outcome = yield* api.sendMessage(message)
    assert.deepStrictEqual(outcome, expected)
    const me = yield* Effect.exit(api.getMe)
    tellsNothing(outcome)
    tellsNothing(me)
    if (outcome._tag === "Accepted") return
    const error = yield* Effect.flip(api.getMe)
    assert.deepStrictEqual([error.category, error.reason], [errorCategory(outcome), reasonOf(outcome)])
    tellsNothing(error)
  })

const refused = (code: number, description: string, parameters?: object) =>
  Reply.ApiError({ code, description, ...(parameters && { parameters }) })
const retryAfter = (seconds: number) =>
  refused(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds })
const page = "<html><body><h1>502 Bad Gateway</h1></body></html>"
const html = (status: number, headers = {}) =>
  Reply.Raw({ status, body: page, headers: { "content-type": "text/html", ...headers } })

const notFound = RejectedRecipient({ reason: "chat-not-found" })
const noRights = RejectedRecipient({ reason: "no-rights" })
const removed = RejectedRecipient({ reason: "bot-removed" })
const tooLong = RejectedContent({ reason: "message-too-long" })
const empty = RejectedContent({ reason: "message-empty" })
const badFile = RejectedContent({ reason: "bad-file" })
const tooBig = RejectedContent({ reason: "file-too-big" })
const badButton = RejectedContent({ reason: "bad-button" })
const notFetched = Transient({ reason: "media-not-fetched" })
const unauthorized = RejectedSender({ reason: "unauthorized" })
const serverError = Unknown({ reason: "server-error" })
const partlySent = Unknown({ reason: "partly-sent" })
const unreadable = Unknown({ reason: "unreadable-answer" })

const answers: ReadonlyArray<readonly [what: string, reply: Reply, expected: Outcome]> = [
  ["429, a short wait", retryAfter(3), Throttled({ retryAfterMs: 3_000, scope: "recipient" })],
  ["429, 30 s", retryAfter(30), Throttled({ retryAfterMs: 30_000, scope: "recipient" })],
  ["429, 60 s: the server's own load", retryAfter(60), Throttled({ retryAfterMs: 60_000, scope: "sender" })],
  ["429, hours", retryAfter(50_400), Throttled({ retryAfterMs: 50_400_000, scope: "sender" })],
  ["429 without a time", refused(429, "Too Many Requests"), Throttled({ retryAfterMs: 5_000, scope: "recipient" })],
  ["429 from a proxy", html(429, { "retry-after": "7" }), Throttled({ retryAfterMs: 7_000, scope: "sender" })],
  ["403 blocked", refused(403, "Forbidden: bot was blocked by the user"), RejectedRecipient({ reason: "bot-blocked" })],
  [
    "403 deactivated",
    refused(403, "Forbidden: user is deactivated"),
    RejectedRecipient({ reason: "user-deactivated" })
  ],
  [
    "403 never started",
    refused(403, "Forbidden: bot can't initiate conversation with a user"),
    RejectedRecipient({ reason: "never-started" })
  ],
  [
    "403 a bot",
    refused(403, "Forbidden: bot can't send messages to bots"),
    RejectedRecipient({ reason: "recipient-is-a-bot" })
  ],
  ["403 kicked from a group", refused(403, "Forbidden: bot was kicked from the group chat"), removed],
  ["403 kicked from a supergroup", refused(403, "Forbidden: bot was kicked from the supergroup chat"), removed],
  ["403 not a member", refused(403, "Forbidden: bot is not a member of the channel chat"), removed],
  [
    "403 chat deleted",
    refused(403, "Forbidden: the group chat was deleted"),
    RejectedRecipient({ reason: "chat-deleted" })
  ],
  ["403 never seen before", refused(403, `Forbidden: ${text}`), RejectedRecipient({ reason: "forbidden" })],
  ["400 chat not found", refused(400, "Bad Request: chat not found"), notFound],
  ["400 private chat not found", refused(400, "Bad Request: private chat not found"), notFound],
  ["400 chat_id empty", refused(400, "Bad Request: chat_id is empty"), notFound],
  ["400 USER_ID_INVALID", refused(400, "Bad Request: USER_ID_INVALID"), notFound],
  [
    "400 moved",
    refused(400, "Bad Request: group chat was upgraded to a supergroup chat", {
      migrate_to_chat_id: -1001234567890123
    }),
    RejectedRecipient({ reason: "chat-moved", movedTo: { chatId: "-1001234567890123" } })
  ],
  [
    "400 moved, nobody knows where",
    refused(400, "Bad Request: group chat was upgraded to a supergroup chat"),
    RejectedRecipient({ reason: "chat-moved" })
  ],
  ["400 CHAT_WRITE_FORBIDDEN", refused(400, "Bad Request: CHAT_WRITE_FORBIDDEN"), noRights],
  ["400 CHAT_RESTRICTED", refused(400, "Bad Request: CHAT_RESTRICTED"), noRights],
  ["400 have no rights", refused(400, "Bad Request: have no rights to send a message"), noRights],
  ["400 not enough rights", refused(400, "Bad Request: not enough rights to send text messages to the chat"), noRights],
  ["400 no such thread", refused(400, "Bad Request: message thread not found"), noRights],
  [
    "400 markup, quoting the text",
    refused(400, `Bad Request: can't parse entities: character '.' is reserved in ${text} for ${chatId}`),
    RejectedContent({ reason: "bad-markup" })
  ],
  ["400 empty", refused(400, "Bad Request: message text is empty"), empty],
  ["400 blank", refused(400, "Bad Request: text must be non-empty"), empty],
  ["400 too long", refused(400, "Bad Request: message is too long"), tooLong],
  ["400 caption too long", refused(400, "Bad Request: message caption is too long"), tooLong],
  ["400 text too long before parsing", refused(400, "Bad Request: Text is too long"), tooLong],
  [
    "400 encoding",
    refused(400, "Bad Request: text must be encoded in UTF-8"),
    RejectedContent({ reason: "not-utf-8" })
  ],
  ["400 markup too long", refused(400, "Bad Request: reply markup is too long"), badButton],
  ["400 button URL", refused(400, "Bad Request: BUTTON_URL_INVALID"), badButton],
  ["400 button data", refused(400, "Bad Request: BUTTON_DATA_INVALID"), badButton],
  ["400 file id or URL", refused(400, "Bad Request: wrong file identifier/HTTP URL specified"), badFile],
  ["400 remote file id", refused(400, "Bad Request: wrong remote file identifier specified: wrong padding"), badFile],
  ["400 file gone", refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable"), badFile],
  ["400 file too big", refused(400, "Bad Request: file is too big"), tooBig],
  ["413 file too big", refused(413, "Request Entity Too Large"), tooBig],
  ["413 from a proxy", html(413), tooBig],
  ["400 file id of another sort", refused(400, "Bad Request: can't use file of type Photo as Document"), badFile],
  ["400 file address wrong", refused(400, "Bad Request: invalid file HTTP URL specified: URL host is empty"), badFile],
  [
    "400 button address wrong",
    refused(400, "Bad Request: inline keyboard button URL 'https://a' is invalid: Wrong HTTP URL"),
    badButton
  ],
  [
    "400 one of an album, of which others may have been sent",
    refused(400, 'Bad Request: failed to send message #2 with the error message "file is too big"'),
    partlySent
  ],
  [
    "429 one of an album",
    refused(429, 'Too Many Requests: failed to send message #3 with the error message "retry after 5"', {
      retry_after: 5
    }),
    partlySent
  ],
  ["400 photo's size", refused(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"), badFile],
  ["400 photo's kind", refused(400, "Bad Request: photo has unsupported extension"), badFile],
  ["400 photo unreadable", refused(400, "Bad Request: IMAGE_PROCESS_FAILED"), badFile],
  ["400 our URL not fetched", refused(400, "Bad Request: failed to get HTTP URL content"), notFetched],
  ["400 our URL of another type", refused(400, "Bad Request: wrong type of the web page content"), notFetched],
  ["400 our URL wrong", refused(400, "Bad Request: wrong HTTP URL specified"), notFetched],
  ["400 no upload by URL", refused(400, "Bad Request: can't upload file by URL"), notFetched],
  ["400 never seen before", refused(400, `Bad Request: ${text}`), RejectedContent({ reason: "bad-request" })],
  ["400 logged out", refused(400, "Logged out"), RejectedSender({ reason: "logged-out" })],
  ["400 frozen", refused(400, "Bad Request: FROZEN_METHOD_INVALID"), RejectedSender({ reason: "account-frozen" })],
  ["401", refused(401, "Unauthorized"), unauthorized],
  ["401 token", refused(401, "Unauthorized: invalid token specified"), unauthorized],
  ["404 no such bot", refused(404, "Not Found"), RejectedSender({ reason: "no-such-sender" })],
  ["404 no such method", refused(404, "Not Found: method not found"), RejectedSender({ reason: "no-such-method" })],
  ["404 from something else", html(404), RejectedSender({ reason: "not-the-platform" })],
  [
    "403 from something else that speaks JSON",
    Reply.Raw({ status: 403, body: `{"error":"no ${text}"}` }),
    RejectedSender({ reason: "not-the-platform" })
  ],
  ["301", html(301, { location: "https://example.org/" }), RejectedSender({ reason: "not-the-platform" })],
  ["409", refused(409, "Conflict: terminated by other getUpdates request"), RejectedSender({ reason: "conflict" })],
  ["421", refused(421, "Misdirected Request: unallowed token specified"), RejectedSender({ reason: "wrong-server" })],
  ["418", refused(418, "I'm a teapot"), unreadable],
  ["500 restart", refused(500, "Internal Server Error: restart"), serverError],
  ["500 aborted", refused(500, "Internal Server Error: Request aborted"), serverError],
  [
    "500 deleted at once",
    refused(500, "Internal Server Error: sent message was immediately deleted and can't be returned"),
    serverError
  ],
  ["502 in JSON", refused(502, "Bad Gateway"), Unknown({ reason: "bad-gateway" })],
  ["502 in HTML", html(502), Unknown({ reason: "bad-gateway" })],
  ["503 in HTML", html(503, { "retry-after": "120" }), Unknown({ reason: "service-unavailable" })],
  ["504 in HTML", html(504), Unknown({ reason: "gateway-timeout" })],
  ["520 in HTML", html(520), serverError],
  ["200 in HTML", html(200), unreadable],
  ["200 with null", Reply.Raw({ status: 200, body: "null" }), unreadable],
  ["200 with half a JSON", Reply.Raw({ status: 200, body: '{"ok":true,"result":{"mess' }), unreadable],
  ["a refusal without a code", Reply.Raw({ status: 400, body: '{"ok":false}' }), unreadable],
  ["half an answer", Reply.Half(), Unknown({ reason: "answer-cut-short" })],
  ["a reset after the request was read", Reply.Reset({}), Unknown({ reason: "connection-reset" })]
]

describe("an answer of the Bot API means what Telegram's server means by it", () => {
  for (const [what, reply, expected] of answers) {
    it.live(`${what} is ${expected._tag}${expected._tag === "Accepted" ? "" : ` (${reasonOf(expected)})`}`, () =>
      Effect.gen(function* () {
        const { api, server } = yield* standIn(reply)
        yield* proves(api, expected)
        assert.strictEqual(server.requests.length, 1, "one call is one request, never a hidden second one")
      })
    )
  }

  it.live("an ok without a message is Unknown", () =>
    Effect.gen(function* () {
      for (const body of ['{"ok":true,"result":{}}', '{"ok":true,"result":null}', '{"ok":true,"result":true}']) {
        const { api } = yield* standIn(Reply.Raw({ status: 200, body }))
        assert.deepStrictEqual(yield* api.sendMessage(message), unreadable)
      }
    })
  )

  it.live("an answer without end is not read to the end", () =>
    Effect.gen(function* () {
      const { api } = yield* standIn(Reply.Raw({ status: 200, body: "[".repeat(3_000_000) }))
      assert.deepStrictEqual(yield* api.sendMessage(message), Unknown({ reason: "answer-cut-short" }))
    })
  )
})

describe("a failure before the request was written proves that nothing was sent", () => {
  it.live("connection refused", () =>
    Effect.gen(function* () {
      const api = yield* connect(`http://127.0.0.1:${yield* closedPort}`)
      yield* proves(api, Transient({ reason: "connection-refused" }))
    })
  )

  it.live("a name that does not exist", () =>
    Effect.gen(function* () {
      yield* proves(yield* connect("http://nx.invalid"), Transient({ reason: "dns-failed" }))
    })
  )

  it.live("a server without TLS", () =>
    Effect.gen(function* () {
      const { apiRoot, requests } = yield* startBotApiStandIn()
      yield* proves(yield* connect(apiRoot.replace("http:", "https:")), Transient({ reason: "tls-failed" }))
      assert.strictEqual(requests.length, 0)
    })
  )

  it.live("a reset during the TLS handshake", () =>
    Effect.gen(function* () {
      const { port } = yield* tcpServer((socket) => socket.once("data", () => socket.resetAndDestroy()))
      yield* proves(yield* connect(`https://127.0.0.1:${port}`), Transient({ reason: "connect-failed" }))
    })
  )

  it.live("a time-out during the TLS handshake", () =>
    Effect.gen(function* () {
      const { port } = yield* tcpServer()
      const api = yield* connect(`https://127.0.0.1:${port}`, { TELEGRAM_TIMEOUT_SECONDS: "1" })
      assert.deepStrictEqual(yield* api.sendMessage(message), Transient({ reason: "timed-out-before-sending" }))
    })
  )
})

describe("a call that Telegram may have acted on is Unknown", () => {
  it.live("no answer within the time", () =>
    Effect.gen(function* () {
      const { api, server } = yield* standIn(Reply.Hang({ delivered: true }), { TELEGRAM_TIMEOUT_SECONDS: "1" })
      const outcome = yield* api.sendMessage(message)
      assert.deepStrictEqual(outcome, Unknown({ reason: "timed-out" }))
      tellsNothing(outcome)
      assert.strictEqual(server.received.length, 1, "the phone has it: the outcome was right to claim nothing")
    })
  )

  it.live("a connection that was idle and is closed when the next request arrives", () =>
    Effect.gen(function* () {
      let first = true
      const server = yield* startBotApiStandIn({
        answer: () => {
          const reply = first ? undefined : Reply.Reset({ delivered: true })
          first = false
          return reply
        }
      })
      const api = yield* connect(server.apiRoot)
      assert.strictEqual((yield* api.sendMessage(message))._tag, "Accepted")
      assert.deepStrictEqual(yield* api.sendMessage(message), Unknown({ reason: "connection-reset" }))
      assert.strictEqual(server.requests.length, 2)
    })
  )
})

describe("a message that is accepted", () => {
  it.live("carries the id that Telegram gave it", () =>
    Effect.gen(function* () {
      const { api, server } = yield* standIn()
      assert.deepStrictEqual(yield* api.sendMessage(message), Accepted({ providerMessageId: "1" }))
      assert.deepStrictEqual(yield* api.sendMessage(message), Accepted({ providerMessageId: "2" }))
      assert.deepStrictEqual(
        server.received.map(({ chatId, text }) => ({ chatId, text })),
        [
          { chatId, text },
          { chatId, text }
        ]
      )
    })
  )

  it.live("may be slow to be answered", () =>
    Effect.gen(function* () {
      const { api } = yield* standIn(Reply.Delay({ ms: 300 }))
      assert.strictEqual((yield* api.sendMessage(message))._tag, "Accepted")
    })
  )

  it.live("carries its markup as entities and never names a markup language, silently if asked for", () =>
    Effect.gen(function* () {
      const { api, server } = yield* standIn()
      const entities = [{ type: "bold", offset: 4, length: 7 }] as const
      yield* api.sendMessage({ ...message, entities })
      yield* api.sendMessage({ ...message, silent: true })
      assert.deepStrictEqual(
        server.received.map(({ entities, parseMode, silent }) => [entities, parseMode, silent]),
        [
          [entities, undefined, false],
          [[], undefined, true]
        ]
      )
    })
  )

  it.live("goes through a path before the Bot API's own", () =>
    Effect.gen(function* () {
      const { apiRoot, received } = yield* startBotApiStandIn()
      for (const root of [`${apiRoot}/`, `${apiRoot}/prefix`, `${apiRoot}/deep/prefix/`]) {
        assert.strictEqual((yield* (yield* connect(root)).sendMessage(message))._tag, "Accepted", root)
      }
      assert.strictEqual(received.length, 3)
    })
  )

  it.live("reuses connections, and opens no more than configured", () =>
    Effect.gen(function* () {
      let connections = 0
      const answer = '{"ok":true,"result":{"message_id":1}}'
      const { port } = yield* tcpServer((socket) => {
        connections++
        socket.on("data", () => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${answer.length}\r\n\r\n${answer}`))
      })
      const api = yield* connect(`http://127.0.0.1:${port}`, { TELEGRAM_CONNECTIONS: "4" })
      yield* Effect.forEach(Array.from({ length: 50 }), () => api.sendMessage(message), { concurrency: 25 })
      assert.isAtMost(connections, 4)
    })
  )
})

describe("the adapter", () => {
  it.live("drops the connection when it is interrupted", () =>
    Effect.gen(function* () {
      let asked = false
      const { port, sockets } = yield* tcpServer((socket) =>
        socket.on("data", () => {
          asked = true
        })
      )
      const api = yield* connect(`http://127.0.0.1:${port}`)
      const call = yield* Effect.forkChild(api.sendMessage(message))
      yield* until(() => asked)
      yield* Fiber.interrupt(call)
      yield* until(() => sockets.size === 0)
    })
  )

  it.live("never writes what was interrupted while it waited for a connection", () =>
    Effect.gen(function* () {
      const server = yield* startBotApiStandIn({ answer: () => Reply.Delay({ ms: 100 }) })
      const api = yield* connect(server.apiRoot, { TELEGRAM_CONNECTIONS: "1" })
      const first = yield* Effect.forkChild(api.sendMessage(message))
      yield* until(() => server.requests.length === 1)
      const waiting = yield* Effect.forkChild(api.sendMessage(message), { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      assert.strictEqual((yield* Fiber.join(first))._tag, "Accepted")
      assert.strictEqual((yield* api.sendMessage(message))._tag, "Accepted")
      assert.strictEqual(server.requests.length, 2)
    })
  )

  it.live("knows whose token it has", () =>
    Effect.gen(function* () {
      const { api } = yield* standIn()
      assert.deepStrictEqual(yield* api.getMe, { username: "stand_in_bot" })
    })
  )

  for (const [key, value] of [
    ["TELEGRAM_BOT_TOKEN", `${token}\n`],
    ["TELEGRAM_BOT_TOKEN", "AAsecret"],
    ["TELEGRAM_API_ROOT", "ftp://127.0.0.1"],
    ["TELEGRAM_TIMEOUT_SECONDS", "0"],
    ["TELEGRAM_CONNECTIONS", "none"]
  ] as const) {
    it.live(`does not start with ${key}=${JSON.stringify(value.replace(token, "<token>"))}, and names the key`, () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(connect("http://127.0.0.1:1", { [key]: value }))
        assert.isTrue(Exit.isFailure(exit))
        assert.include(String(Exit.isFailure(exit) && exit.cause), key)
        tellsNothing(exit)
      })
    )
  }
})
