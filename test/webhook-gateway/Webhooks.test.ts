// What the webhook gateway makes of everything a receiver, and the way to it, can do; over real HTTP.
import { createServer } from "node:https"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Schema } from "effect"
import { WebhookPost } from "#shared/contract/WebhookPost.ts"
import { Outcome, reasonOf } from "#shared/gateway/Outcome.ts"
import { tellsNoneOf, until } from "../support/platforms/Adapters.ts"
import { Reply, webhookReceiver } from "../support/platforms/WebhookReceiver.ts"
import { closedPort, tcpServer } from "../support/proxies/TcpServer.ts"
import { listening } from "../support/servers/Listening.ts"
import { selfSigned } from "../support/servers/SelfSigned.ts"
import { attemptTo, configured, postAs, secret, text } from "./Posting.ts"

const path = "/clinics/48151623420?ward=metformin"

const { Accepted, RejectedContent, RejectedRecipient, RejectedSender, Throttled, Transient, Unknown } = Outcome

const receiver = (reply?: Reply, settings?: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const server = yield* webhookReceiver(() => reply)
    return { server, post: yield* postAs("default", settings) }
  })

const tellsNothing = tellsNoneOf([secret, secret.slice(6), "48151623420", text, "metformin"])

const page = `<html><body>${text} for ${path}</body></html>`
const answer = (status: number, headers: Readonly<Record<string, string>> = {}, body = page) =>
  Reply.Answer({ status, headers: { "content-type": "text/html", ...headers }, body })
const json = (status: number, body: unknown) =>
  Reply.Answer({ status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) })

const taken = Accepted({ providerMessageId: "appt-1" })
const badRequest = RejectedContent({ reason: "bad-request" })
const askedToRetry = Transient({ reason: "asked-to-retry" })
const noReceiver = RejectedRecipient({ reason: "no-such-receiver" })
const redirected = RejectedRecipient({ reason: "redirected" })
const wait = (retryAfterMs: number) => Throttled({ retryAfterMs, scope: "recipient" })

const answers: ReadonlyArray<readonly [what: string, reply: Reply | undefined, expected: Outcome]> = [
  ["204", undefined, taken],
  ["200 with a page", answer(200), taken],
  ["200 with an id", json(200, { id: "receiver-17" }), Accepted({ providerMessageId: "receiver-17" })],
  ["201 with a number", json(201, { id: 17 }), Accepted({ providerMessageId: "17" })],
  ["202 with an id in a header", answer(202, { "x-message-id": "r.17" }), Accepted({ providerMessageId: "r.17" })],
  ["200 with an id that is a text", json(200, { id: `${text} 48151623420` }), taken],
  ["200 with an id that is far too long", json(200, { id: "1".repeat(200) }), taken],
  ["301", answer(301, { location: "https://example.org/" }), redirected],
  ["302", answer(302, { location: "http://169.254.169.254/" }), redirected],
  ["307", answer(307, { location: "/elsewhere" }), redirected],
  ["400", answer(400), badRequest],
  ["401", answer(401), RejectedSender({ reason: "unauthorized" })],
  ["403", answer(403), RejectedSender({ reason: "forbidden" })],
  ["404", answer(404), noReceiver],
  ["405", answer(405), noReceiver],
  ["407", answer(407), RejectedSender({ reason: "not-the-platform" })],
  ["408", answer(408), askedToRetry],
  ["409", answer(409), badRequest],
  ["410", answer(410), RejectedRecipient({ reason: "gone" })],
  ["413", answer(413), RejectedContent({ reason: "message-too-long" })],
  ["415", answer(415), badRequest],
  ["418", answer(418), badRequest],
  ["421", answer(421), askedToRetry],
  ["422", json(422, { error: text }), badRequest],
  ["425", answer(425), askedToRetry],
  ["429", answer(429), wait(5_000)],
  ["429 with seconds", answer(429, { "retry-after": "7" }), wait(7_000)],
  ["429 with no time at all", answer(429, { "retry-after": "0" }), wait(1_000)],
  ["429 with a year", answer(429, { "retry-after": "31536000" }), wait(86_400_000)],
  ["429 with words", answer(429, { "retry-after": "soon" }), wait(5_000)],
  ["429 with a date long past", answer(429, { "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" }), wait(1_000)],
  ["500", answer(500), Unknown({ reason: "server-error" })],
  ["501", answer(501), noReceiver],
  ["502", answer(502), Unknown({ reason: "bad-gateway" })],
  ["502 with a time", answer(502, { "retry-after": "7" }), Unknown({ reason: "bad-gateway" })],
  ["503", answer(503), Unknown({ reason: "service-unavailable" })],
  ["503 with a time", answer(503, { "retry-after": "120" }), wait(120_000)],
  ["504", answer(504), Unknown({ reason: "gateway-timeout" })],
  ["520", answer(520), Unknown({ reason: "server-error" })],
  ["600", answer(600), Unknown({ reason: "unreadable-answer" })],
  ["half an answer", Reply.Half(), Unknown({ reason: "answer-cut-short" })],
  ["an answer without end", answer(200, {}, "[".repeat(3_000_000)), Unknown({ reason: "answer-cut-short" })],
  ["a reset after the post was read", Reply.Reset({}), Unknown({ reason: "connection-reset" })]
]

describe("an answer of a receiver", () => {
  for (const [what, reply, expected] of answers) {
    it.live(`${what} is ${expected._tag}${expected._tag === "Accepted" ? "" : ` (${reasonOf(expected)})`}`, () =>
      Effect.gen(function* () {
        const { post, server } = yield* receiver(reply)
        const outcome = yield* post(attemptTo(server.root + path))
        assert.deepStrictEqual(outcome, expected)
        tellsNothing(outcome)
        assert.strictEqual(
          server.requests.length,
          1,
          "one call is one post: no hidden second one, no redirect followed"
        )
      })
    )
  }

  it.live("429 with a date is waited for until then", () =>
    Effect.gen(function* () {
      const inTenMinutes = new Date(Date.now() + 600_000).toUTCString()
      const { post, server } = yield* receiver(answer(429, { "retry-after": inTenMinutes }))
      const outcome = yield* post(attemptTo(server.root))
      assert.strictEqual(outcome._tag, "Throttled")
      if (outcome._tag === "Throttled") assert.approximately(outcome.retryAfterMs, 600_000, 2_000)
    })
  )
})

describe("a failure before the post was written proves that nothing arrived", () => {
  const proves = (url: string, expected: Outcome, settings?: Readonly<Record<string, string>>) =>
    Effect.gen(function* () {
      const outcome = yield* (yield* postAs("default", settings))(attemptTo(url + path))
      assert.deepStrictEqual(outcome, expected)
      tellsNothing(outcome)
    })

  it.live("connection refused", () =>
    Effect.flatMap(closedPort, (port) =>
      proves(`http://127.0.0.1:${port}`, Transient({ reason: "connection-refused" }))
    )
  )

  it.live("a name that does not exist", () => proves("https://nx.invalid", Transient({ reason: "dns-failed" })))

  it.live("a server without TLS", () =>
    Effect.gen(function* () {
      const { requests, root } = yield* webhookReceiver()
      yield* proves(root.replace("http:", "https:"), Transient({ reason: "tls-failed" }))
      assert.strictEqual(requests.length, 0)
    })
  )

  it.live("a certificate that nobody has signed", () =>
    Effect.gen(function* () {
      let asked = 0
      const server = createServer(selfSigned, (_, response) => {
        asked++
        response.end()
      })
      const { port } = yield* listening(server)
      yield* proves(`https://localhost:${port}`, Transient({ reason: "tls-failed" }))
      assert.strictEqual(asked, 0)
    })
  )

  it.live("a reset during the TLS handshake", () =>
    Effect.gen(function* () {
      const { port } = yield* tcpServer((socket) => socket.once("data", () => socket.resetAndDestroy()))
      yield* proves(`https://127.0.0.1:${port}`, Transient({ reason: "connect-failed" }))
    })
  )

  it.live("a time-out during the TLS handshake", () =>
    Effect.gen(function* () {
      const { port } = yield* tcpServer()
      yield* proves(`https://127.0.0.1:${port}`, Transient({ reason: "timed-out-before-sending" }), {
        WEBHOOK_TIMEOUT_SECONDS: "1"
      })
    })
  )
})

describe("a post that a receiver may have taken is Unknown", () => {
  it.live("no answer within the time", () =>
    Effect.gen(function* () {
      const { post, server } = yield* receiver(Reply.Hang({ taken: true }), { WEBHOOK_TIMEOUT_SECONDS: "1" })
      assert.deepStrictEqual(yield* post(attemptTo(server.root)), Unknown({ reason: "timed-out" }))
      assert.strictEqual(server.taken.length, 1)
    })
  )

  it.live("a connection that was idle and is closed when the next post arrives", () =>
    Effect.gen(function* () {
      const replies: Array<Reply | undefined> = [undefined, Reply.Reset({ taken: true })]
      const server = yield* webhookReceiver(() => replies.shift())
      const post = yield* postAs("default")
      assert.strictEqual((yield* post(attemptTo(server.root)))._tag, "Accepted")
      assert.deepStrictEqual(yield* post(attemptTo(server.root)), Unknown({ reason: "connection-reset" }))
      assert.strictEqual(server.requests.length, 2)
    })
  )

  it.live("and what is interrupted drops its connection", () =>
    Effect.gen(function* () {
      let asked = false
      const { port, sockets } = yield* tcpServer((socket) =>
        socket.on("data", () => {
          asked = true
        })
      )
      const post = yield* postAs("default")
      const call = yield* Effect.forkChild(post(attemptTo(`http://127.0.0.1:${port}`)))
      yield* until(() => asked)
      yield* Fiber.interrupt(call)
      yield* until(() => sockets.size === 0)
    })
  )
})

describe("a post", () => {
  it.live("holds the message, its try and whether it may be a second one; not who else would get it", () =>
    Effect.gen(function* () {
      const { post, server } = yield* receiver()
      const fallback = [{ platform: "telegram", recipient: { chatId: "777" } }] as const
      yield* post(attemptTo(server.root + path, { kind: "medication", fallback, retry: [] }))
      const [posted] = server.requests
      assert.strictEqual(posted?.path, path)
      assert.deepStrictEqual(posted?.post as unknown, {
        type: "message",
        id: "appt-1",
        content: { type: "text", text },
        kind: "medication",
        dueAt: "2026-12-01T09:00:00.000Z",
        expiresAt: "2026-12-01T10:00:00.000Z",
        priority: "normal",
        metadata: { ward: "7" },
        attempt: 2,
        possibleDuplicate: true
      })
      assert.isTrue(Schema.is(WebhookPost)(posted?.post))
      assert.deepInclude(posted?.headers, { "content-type": "application/json", "webhook-id": "appt-1" })
      assert.approximately(Number(posted?.headers["webhook-timestamp"]), Date.now() / 1_000, 5)
    })
  )

  it.live("has the same webhook-id when it comes again, and another one when it was changed in between", () =>
    Effect.gen(function* () {
      const { post, server } = yield* receiver()
      const first = attemptTo(server.root + path)
      yield* post(first)
      yield* post({ ...first, attempt: 3 })
      yield* post({ ...first, attempt: 3, message: { ...first.message, revision: 1 } })
      yield* post({ ...first, attempt: 4, message: { ...first.message, revision: 1 } })
      assert.deepStrictEqual(
        server.requests.map(({ headers }) => headers["webhook-id"]),
        ["appt-1", "appt-1", "appt-1:1", "appt-1:1"]
      )
      assert.deepStrictEqual(
        server.requests.map(({ post }) => (post as { readonly id?: string }).id),
        ["appt-1", "appt-1", "appt-1", "appt-1"]
      )
    })
  )

  it.live("is never written to an address that is none", () =>
    Effect.gen(function* () {
      const post = yield* postAs("default")
      assert.deepStrictEqual(yield* post(attemptTo("https://[")), RejectedRecipient({ reason: "bad-address" }))
    })
  )
})

describe("the senders", () => {
  it.live("each sign with their own secret", () =>
    Effect.gen(function* () {
      const server = yield* webhookReceiver()
      const all = yield* configured({ WEBHOOK_SECRETS: `north=whsec_${"A".repeat(32)}, south=whsec_${"B".repeat(32)}` })
      assert.sameMembers([...all.keys()], ["default", "north", "south"])
      for (const post of all.values()) yield* post(attemptTo(server.root))
      assert.strictEqual(new Set(server.requests.map(({ headers }) => headers["webhook-signature"])).size, 3)
    })
  )

  for (const [key, value] of [
    ["WEBHOOK_SECRET", `${secret.slice(0, -1)}`],
    ["WEBHOOK_SECRET", secret.slice(6)],
    ["WEBHOOK_SECRET", "whsec_dG9vIHNob3J0"],
    ["WEBHOOK_SECRET", `${secret}:${secret}:${secret}`],
    ["WEBHOOK_SECRETS", `north=${secret},=${secret}`],
    ["WEBHOOK_SECRETS", `north=${secret},north=${secret}`],
    ["WEBHOOK_SECRETS", `north=${secret},south=48151623420`],
    ["WEBHOOK_ALLOW_HOSTS", "clinic.internal,https://clinic.internal"],
    ["WEBHOOK_ALLOW_PRIVATE", "maybe"],
    ["WEBHOOK_TIMEOUT_SECONDS", "0"]
  ] as const) {
    it.live(
      `do not start with ${key} like ${value.length} characters ${value.slice(0, 8)}…, and the key is named`,
      () =>
        Effect.gen(function* () {
          const exit = yield* Effect.exit(configured({ [key]: value }))
          assert.isTrue(Exit.isFailure(exit))
          assert.include(String(Exit.isFailure(exit) && exit.cause), key)
          tellsNothing(exit)
        })
    )
  }

  it.live("do not start without any secret", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(configured({ WEBHOOK_SECRET: "" }))
      assert.include(String(Exit.isFailure(exit) && exit.cause), "WEBHOOK_SECRET")
    })
  )
})
