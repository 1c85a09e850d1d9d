// Files, albums, places and buttons on their way to Telegram, over real HTTP, with a real object store and memory.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import type { Content, FileKind } from "#shared/contract/Content.ts"
import type { Message } from "#shared/contract/Events.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { Outcome } from "#shared/gateway/Outcome.ts"
import { Reply } from "../../deploy/local/BotApiStandIn.ts"
import { Upload } from "../../services/telegram-gateway/BotRequests.ts"
import { callsOf } from "../../services/telegram-gateway/Calls.ts"
import { uploadMegabytes } from "../../services/telegram-gateway/MediaFiles.ts"
import { buttonName, callbackData } from "../../services/telegram-gateway/ReplyButtons.ts"
import { atDesk } from "../gateway/AtDesk.ts"
import { attemptOf } from "../support/Attempts.ts"
import { eventually } from "../support/Carillon.ts"
import { tcpServer } from "../support/proxies/TcpServer.ts"
import { deleteStream } from "../support/Streams.ts"
import { connect, isKnown, made, messageWith, sending } from "./Sending.ts"

const kinds: ReadonlyArray<FileKind> = ["photo", "document", "audio", "video", "voice", "animation"]
const method = (kind: string) => `send${kind.charAt(0).toUpperCase()}${kind.slice(1)}`
const accepted = (id: number) => [Outcome.Accepted({ providerMessageId: String(id) })]
const url = "https://clinic.example/leaflet?of=1"
const file = (kind: FileKind, more: object): Content => ({ type: kind, file: { url }, ...more }) as Content

const remembered = (memory: Parameters<typeof isKnown>[0], count: number) =>
  eventually("remembered", isKnown(memory, "telegram.default."), (found) => found === count)

describe("a file", () => {
  for (const kind of kinds) {
    it.live(`of kind ${kind} goes by its address, by its id, and as bytes`, () =>
      Effect.gen(function* () {
        const { phones, put, send } = yield* sending()
        yield* put("scan", "the bytes of a scan")
        assert.deepStrictEqual(yield* send(file(kind, {})), accepted(1))
        const given = phones.received[0]?.files[0]
        assert.deepInclude(phones.received[0], { method: method(kind), chatId: "1" })
        assert.deepInclude(given, { kind, given: url })
        assert.deepStrictEqual(yield* send(file(kind, { file: { object: "scan" }, name: "Scan ä 1.bin" })), accepted(2))
        const upload = phones.received[1]?.files[0]?.upload
        assert.deepStrictEqual([upload?.name, upload?.bytes.toString()], ["Scan ä 1.bin", "the bytes of a scan"])
      })
    )
  }

  it.live("has its caption with entities, and everything else that a message can have", () =>
    Effect.gen(function* () {
      const { phones, put, send } = yield* sending()
      yield* put("scan", "bytes")
      const more = {
        caption: "**Your** [scan](https://clinic.example)",
        format: "markdown",
        silent: true,
        protect: true,
        topic: 7,
        replyTo: "42",
        buttons: [[{ text: "Map", url: "https://clinic.example/map" }]]
      }
      const entities = [
        { type: "bold", offset: 0, length: 4 },
        { type: "text_link", url: "https://clinic.example/", offset: 5, length: 4 }
      ]
      // As JSON, and as a form.
      yield* send(file("photo", more))
      yield* send(file("photo", { ...more, file: { object: "scan" } }))
      for (const received of phones.received) {
        assert.deepInclude(received, {
          text: "Your scan",
          silent: true,
          protect: true,
          topic: 7,
          replyTo: 42,
          parseMode: undefined
        })
        assert.sameDeepMembers([...received.entities], entities)
        assert.deepStrictEqual(received.buttons, [[{ text: "Map", url: "https://clinic.example/map" }]])
      }
      assert.lengthOf(phones.received, 2)
    })
  )

  it.live("that is not in the object store is refused, and nothing is sent", () =>
    Effect.gen(function* () {
      const { nats, phones, send } = yield* sending()
      const missing = [Outcome.RejectedContent({ reason: "file-missing" })]
      assert.deepStrictEqual(yield* send(file("photo", { file: { object: "never" } })), missing)
      yield* deleteStream(nats.url, "OBJ_carillon-files")
      assert.deepStrictEqual(yield* send(file("photo", { file: { object: "never" } })), missing)
      assert.lengthOf(phones.requests, 0)
    })
  )

  it.live("that is larger than Telegram takes is refused before it is sent", () =>
    Effect.gen(function* () {
      const { phones, put, send } = yield* sending()
      yield* put("large", Buffer.alloc(10 * 1_048_576 + 1, 7))
      assert.deepStrictEqual(yield* send(file("photo", { file: { object: "large" } })), [
        Outcome.RejectedContent({ reason: "file-too-big" })
      ])
      assert.lengthOf(phones.requests, 0)
      assert.deepStrictEqual(yield* send(file("document", { file: { object: "large" } })), accepted(1))
      assert.strictEqual(phones.received[0]?.files[0]?.upload?.bytes.length, 10 * 1_048_576 + 1)
    })
  )

  it.live("waits for the object store to come back", () =>
    Effect.gen(function* () {
      const { nats, put, send } = yield* sending()
      yield* put("scan", "bytes")
      yield* nats.stop
      assert.deepStrictEqual(yield* send(file("photo", { file: { object: "scan" } })), [
        Outcome.Transient({ reason: "store-unreachable" })
      ])
      yield* nats.start
      yield* eventually(
        "sent",
        send(file("photo", { file: { object: "scan" } })),
        ([outcome]) => outcome?._tag === "Accepted"
      )
    })
  )
})

/** A letter in a gateway's hands, and no room for its file until `room` is made. */
const letterWaits = Effect.fnUntraced(function* (
  about: (now: number) => Partial<Message> = () => ({}),
  sinceLookedUp = 0
) {
  const { calls, phones, put, shelf } = yield* sending()
  yield* put("scan", "bytes")
  yield* shelf.megabytes.take(uploadMegabytes)
  const desk = yield* atDesk(calls, { connections: 1 })
  const now = Date.now()
  const message = { dueAt: fromMillis(now), expiresAt: fromMillis(now + 60_000) }
  const letter = attemptOf({ ...message, content: file("photo", { file: { object: "scan" } }), ...about(now) })
  const entry = desk.put(letter, { chatId: "1" })
  if (sinceLookedUp > 0) entry.lookedUpAt = now - sinceLookedUp
  // Long enough that its turn has come.
  yield* Effect.sleep(1_000)
  const room = Effect.asVoid(shelf.megabytes.release(uploadMegabytes))
  return {
    ...desk,
    message,
    phones,
    room,
    put: (id: string) => desk.put(attemptOf({ ...message, id }), { chatId: "2" })
  }
})

describe("a file that waits for room among other uploads", () => {
  it.live("is not sent if its message is too late by then", () =>
    Effect.gen(function* () {
      const { phones, room, told } = yield* letterWaits((now) => ({ expiresAt: fromMillis(now + 700) }))
      yield* room
      assert.deepInclude(yield* told, { type: "expired" })
      assert.lengthOf(phones.received, 0)
    })
  )

  it.live("is not sent to who wrote STOP meanwhile", () =>
    Effect.gen(function* () {
      const { contacts, phones, room, told } = yield* letterWaits()
      yield* contacts.mark({ chatId: "1" }, "optedOut", true, fromMillis(Date.now()), true)
      yield* room
      assert.deepInclude(yield* told, { type: "attempt-failed", reason: "opted-out" })
      assert.lengthOf(phones.received, 0)
    })
  )

  it.live("is not sent to a chat that is not its contact's any more", () =>
    Effect.gen(function* () {
      const { phones, room, told } = yield* letterWaits(() => ({ recipient: { contact: "gone" } }), 2_500)
      yield* room
      assert.deepInclude(yield* told, { type: "attempt-failed", reason: "not-linked" })
      assert.lengthOf(phones.received, 0)
    })
  )

  it.live("holds back nobody else, and is sent then", () =>
    Effect.gen(function* () {
      const { phones, put, room, told } = yield* letterWaits()
      put("text")
      assert.deepInclude(yield* told, { type: "sent", id: "text" })
      yield* room
      assert.deepInclude(yield* told, { type: "sent", id: "m" })
      assert.lengthOf(phones.received, 2)
    })
  )
})

describe("a file that Telegram has had from this bot", () => {
  it.live("is sent by its id from then on: after an upload, and after it was fetched", () =>
    Effect.gen(function* () {
      const { memory, phones, put, send } = yield* sending()
      yield* put("scan", "bytes")
      yield* put("copy", "bytes")
      yield* send(file("photo", { file: { object: "scan" }, name: "a.jpg" }))
      yield* send(file("photo", {}))
      yield* remembered(memory, 2)
      yield* send(file("photo", { file: { object: "copy" }, name: "a.jpg" }))
      yield* send(file("photo", {}))
      const given = phones.received.map(({ files }) => files[0]?.given)
      assert.match(String(given[2]), /^photo-/)
      assert.match(String(given[3]), /^photo-/)
      assert.notStrictEqual(given[2], given[3])
      assert.lengthOf(phones.requests, 4)
    })
  )

  it.live("is another one under another name, as another kind, or with other bytes", () =>
    Effect.gen(function* () {
      const { memory, phones, put, send } = yield* sending()
      yield* put("scan", "bytes")
      yield* send(file("document", { file: { object: "scan" }, name: "Mr A.pdf" }))
      yield* remembered(memory, 1)
      yield* send(file("document", { file: { object: "scan" }, name: "Mrs B.pdf" }))
      yield* send(file("photo", { file: { object: "scan" }, name: "Mr A.pdf" }))
      yield* put("scan", "other bytes")
      yield* send(file("document", { file: { object: "scan" }, name: "Mr A.pdf" }))
      for (const { files } of phones.received) assert.isDefined(files[0]?.upload)
    })
  )

  it.live("is what was read, also if the file was replaced just before: nobody gets another's file by its id", () =>
    Effect.gen(function* () {
      const { bot, files, memory, phones, put, send, shelf } = yield* sending()
      const content = file("document", { file: { object: "scan" } })
      yield* put("scan", "bytes")
      const info = (name: string) => Effect.tap(files.info(name), () => put(name, "other bytes"))
      const attempt = attemptOf(messageWith(content))
      const calls = callsOf(bot, { ...shelf, files: { ...files, info } })
      yield* Effect.forEach(
        calls(attempt.message, attempt, () => "a chat"),
        made
      )
      yield* remembered(memory, 1)
      yield* put("scan", "bytes")
      yield* send(content)
      for (const { files } of phones.received) assert.isDefined(files[0]?.upload)
    })
  )

  it.live("and does not know any more is sent as it was at the next try, and then remembered anew", () =>
    Effect.gen(function* () {
      let forgotten = false
      const { memory, phones, put, send } = yield* sending({
        answer: ({ files }) =>
          forgotten && files[0]?.given !== undefined
            ? Reply.ApiError({
                code: 400,
                description: "Bad Request: wrong remote file identifier specified: wrong padding"
              })
            : undefined
      })
      yield* put("scan", "bytes")
      yield* send(file("video", { file: { object: "scan" } }))
      yield* remembered(memory, 1)
      forgotten = true
      assert.deepStrictEqual(yield* send(file("video", { file: { object: "scan" } })), [
        Outcome.Postponed({ reason: "file-id-forgotten" })
      ])
      assert.deepStrictEqual(yield* send(file("video", { file: { object: "scan" } })), accepted(2))
      assert.deepStrictEqual(
        phones.requests.map(({ files }) => files[0]?.upload !== undefined),
        [true, false, true]
      )
      yield* remembered(memory, 1)
      forgotten = false
      yield* send(file("video", { file: { object: "scan" } }))
      assert.isDefined(phones.received[2]?.files[0]?.given)
    })
  )

  it.live("and does not know any more is not offered again, also if sending it as it was failed", () =>
    Effect.gen(function* () {
      let answers: ReadonlyArray<Reply> = []
      const { memory, phones, put, send } = yield* sending({ answer: () => answers[phonesAsked++] })
      let phonesAsked = 0
      yield* put("scan", "bytes")
      yield* send(file("video", { file: { object: "scan" } }))
      yield* remembered(memory, 1)
      const [gone, busy] = [
        Reply.ApiError({ code: 400, description: "Bad Request: wrong file_id or the file is temporarily unavailable" }),
        Reply.ApiError({ code: 429, description: "Too Many Requests", parameters: { retry_after: 3 } })
      ]
      answers = [gone, busy]
      phonesAsked = 0
      yield* send(file("video", { file: { object: "scan" } }))
      assert.deepStrictEqual(yield* send(file("video", { file: { object: "scan" } })), [
        Outcome.Throttled({ retryAfterMs: 3_000, scope: "recipient" })
      ])
      assert.strictEqual(yield* isKnown(memory, "telegram.default."), 0)
      assert.lengthOf(phones.requests, 3)
    })
  )

  it.live("is not sent again after a refusal of what the publisher gave", () =>
    Effect.gen(function* () {
      const { phones, send } = yield* sending()
      assert.deepStrictEqual(yield* send(file("photo", { file: { fileId: "of-another-bot" } })), [
        Outcome.RejectedContent({ reason: "bad-file" })
      ])
      assert.lengthOf(phones.requests, 1)
    })
  )

  it.live("is sent from the object store if the memory is out of reach", () =>
    Effect.gen(function* () {
      const { nats, phones, put, send } = yield* sending()
      yield* put("scan", "bytes")
      yield* deleteStream(nats.url, "MEMORY")
      assert.deepStrictEqual(yield* send(file("photo", { file: { object: "scan" } })), accepted(1))
      assert.isDefined(phones.received[0]?.files[0]?.upload)
    })
  )
})

describe("an album", () => {
  const album: Content = {
    type: "album",
    items: [
      { type: "photo", file: { object: "scan" }, caption: "<b>one</b>", format: "html" },
      { type: "video", file: { url } },
      { type: "photo", file: { object: "scan" }, name: "two.jpg", caption: "two" }
    ]
  }

  it.live("goes in one call, its uploads beside its addresses, and its ids are remembered", () =>
    Effect.gen(function* () {
      const { memory, phones, put, send } = yield* sending()
      yield* put("scan", "bytes")
      assert.deepStrictEqual(yield* send(album), accepted(1))
      const [first] = phones.received
      assert.strictEqual(first?.method, "sendMediaGroup")
      assert.deepStrictEqual(
        first?.files.map(({ kind, given, upload, caption, entities }) => [
          kind,
          given,
          upload?.name,
          caption,
          entities
        ]),
        [
          ["photo", undefined, "scan", "one", [{ type: "bold", offset: 0, length: 3 }]],
          ["video", url, undefined, "", []],
          ["photo", undefined, "two.jpg", "two", []]
        ]
      )
      yield* remembered(memory, 3)
      assert.deepStrictEqual(yield* send(album), accepted(4))
      assert.isTrue(phones.received[1]?.files.every(({ given }) => /^(photo|video)-/.test(given ?? "")))
    })
  )

  it.live("of which one item was refused may have arrived in part: unknown", () =>
    Effect.gen(function* () {
      const { put, send } = yield* sending({
        answer: () =>
          Reply.ApiError({
            code: 400,
            description: 'Bad Request: failed to send message #2 with the error message "wrong file identifier"'
          })
      })
      yield* put("scan", "bytes")
      assert.deepStrictEqual(yield* send(album), [Outcome.Unknown({ reason: "partly-sent" })])
    })
  )

  it.live("answered without an id for each is unknown", () =>
    Effect.gen(function* () {
      for (const result of ["[]", "{}", '[{"message_id":1},{}]']) {
        const { put, send } = yield* sending({
          answer: () => Reply.Raw({ status: 200, body: `{"ok":true,"result":${result}}` })
        })
        yield* put("scan", "bytes")
        assert.deepStrictEqual(yield* send(album), [Outcome.Unknown({ reason: "unreadable-answer" })])
      }
    })
  )
})

describe("a place", () => {
  it.live("goes with its coordinates", () =>
    Effect.gen(function* () {
      const { phones, send } = yield* sending()
      assert.deepStrictEqual(
        yield* send({ type: "location", latitude: 52.52, longitude: -13.4, silent: true }),
        accepted(1)
      )
      assert.deepInclude(phones.received[0], { method: "sendLocation", silent: true })
      assert.deepStrictEqual(phones.received[0]?.location, { latitude: 52.52, longitude: -13.4 })
    })
  )
})

describe("a long text", () => {
  it.live("goes in parts, replying with the first, with the buttons below the last", () =>
    Effect.gen(function* () {
      const { phones, send } = yield* sending()
      const text = `${"word ".repeat(900)}\n\n**${"more ".repeat(500)}end**`
      const outcomes = yield* send({
        type: "text",
        text,
        format: "markdown",
        tooLong: "split",
        linkPreview: false,
        replyTo: "9",
        buttons: [[{ text: "Yes", reply: "y" }]]
      })
      assert.deepStrictEqual(outcomes, [1, 2].flatMap(accepted))
      const [first, last] = phones.received
      assert.deepInclude(first, { replyTo: 9, buttons: [], linkPreview: false })
      assert.deepInclude(last, { replyTo: undefined, linkPreview: false })
      assert.lengthOf(last?.buttons ?? [], 1)
      assert.deepStrictEqual(
        last?.entities.map(({ type }) => type),
        ["bold"]
      )
    })
  )
})

describe("a reply button", () => {
  const asked = {
    type: "text",
    text: "Coming?",
    buttons: [
      [
        { text: "Yes", reply: "yes" },
        { text: "No", reply: "no" }
      ]
    ]
  } as const

  it.live("carries the message's name and the reply, and what the name stands for is known before it is sent", () =>
    Effect.gen(function* () {
      let known: Option.Option<unknown> = Option.none()
      const { memory, phones, send } = yield* sending()
      yield* send(asked, "appt-1")
      known = Option.map(
        yield* memory.recall("button", `telegram.default.${buttonName("appt-1")}`),
        ({ value }) => value
      )
      const chat = `name of ${phones.received[0]?.chatId}`
      assert.deepStrictEqual(known, Option.some(JSON.stringify({ id: "appt-1", chat, replies: ["yes", "no"] })))
      assert.deepStrictEqual(phones.received[0]?.buttons, [
        [
          { text: "Yes", callback_data: callbackData("appt-1", "yes") },
          { text: "No", callback_data: callbackData("appt-1", "no") }
        ]
      ])
    })
  )

  it.live("is not sent while nobody could remember it", () =>
    Effect.gen(function* () {
      const { nats, phones, send } = yield* sending()
      yield* deleteStream(nats.url, "MEMORY")
      assert.deepStrictEqual(yield* send(asked), [Outcome.Transient({ reason: "store-unreachable" })])
      assert.lengthOf(phones.requests, 0)
    })
  )
})

/** Reads so much of a request, and then does what it is told. */
const readingServer = Effect.fnUntraced(function* (most: number, then: "reset" | "hang") {
  let read = 0
  const { port } = yield* tcpServer((socket) =>
    socket.on("data", (chunk) => {
      read += chunk.length
      if (read < most) return
      if (then === "reset") socket.resetAndDestroy()
      else socket.pause()
    })
  )
  return { port, read: () => read }
})

describe("an upload that fails", () => {
  const megabytes = (count: number) => new Upload(Buffer.alloc(count * 1_048_576, 7), "a.bin")
  const request = (upload: Upload) => ({
    method: "sendDocument",
    payload: { chat_id: "1", document: upload },
    files: []
  })

  it.live("before all of it was handed over reached nobody: it may be tried again", () =>
    Effect.gen(function* () {
      const { port, read } = yield* readingServer(100_000, "reset")
      const bot = yield* connect(`http://127.0.0.1:${port}`)
      const { outcome } = yield* bot.send(request(megabytes(30)))
      assert.strictEqual(outcome._tag, "Transient")
      assert.isBelow(read(), 30 * 1_048_576)
    })
  )

  it.live("before all of it was handed over, by its time, reached nobody", () =>
    Effect.gen(function* () {
      const { port } = yield* readingServer(100_000, "hang")
      const bot = yield* connect(`http://127.0.0.1:${port}`, { TELEGRAM_UPLOAD_TIMEOUT_SECONDS: "1" })
      const { outcome } = yield* bot.send(request(megabytes(30)))
      assert.deepStrictEqual(outcome, Outcome.Transient({ reason: "timed-out-before-sending" }))
    })
  )

  it.live("when all of it was handed over is unknown", () =>
    Effect.gen(function* () {
      for (const [reply, reason] of [
        [Reply.Reset({ delivered: true }), "connection-reset"],
        [Reply.Half(), "answer-cut-short"],
        [Reply.Raw({ status: 502, body: "<html>" }), "bad-gateway"],
        [Reply.Hang({ delivered: true }), "timed-out"]
      ] as const) {
        const { bot } = yield* sending({ answer: () => reply }, { TELEGRAM_UPLOAD_TIMEOUT_SECONDS: "2" })
        const { outcome } = yield* bot.send(request(megabytes(1)))
        assert.deepStrictEqual(outcome, Outcome.Unknown({ reason }))
      }
    })
  )

  it.live("has more time than a text", () =>
    Effect.gen(function* () {
      const { bot } = yield* sending({ answer: () => Reply.Delay({ ms: 1_500 }) }, { TELEGRAM_TIMEOUT_SECONDS: "1" })
      assert.strictEqual((yield* bot.send(request(megabytes(1)))).outcome._tag, "Accepted")
      assert.deepStrictEqual(
        yield* bot.sendMessage({ chatId: "1", text: "a" }),
        Outcome.Unknown({ reason: "timed-out" })
      )
    })
  )

  it.live("tells nothing of its name or content", () =>
    Effect.gen(function* () {
      const { bot } = yield* sending({
        answer: () => Reply.ApiError({ code: 400, description: "Bad Request: CANARY.pdf" })
      })
      const sent = yield* bot.send(request(new Upload(Buffer.from("CANARY"), "CANARY.pdf")))
      assert.notInclude(JSON.stringify(sent), "CANARY")
    })
  )
})
