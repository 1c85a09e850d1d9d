// The stand-in of the Bot API answers as Telegram does, and its phone can be looked at safely.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import { Reply, startBotApiStandIn } from "../../deploy/local/BotApiStandIn.ts"
import { drawPhone } from "../../deploy/local/Phone.ts"

const token = "123456:AA-stand_in"

const post = (url: string, body: unknown) =>
  Effect.promise(async () => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body)
    })
    return (await response.json()) as Record<string, unknown>
  })

describe("the stand-in of the Bot API", () => {
  it.live("numbers the messages of each chat, and counts what reached a phone apart from what was asked", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const server = yield* startBotApiStandIn({
        onMessage: ({ text }) => heard.push(text),
        answer: ({ text }) =>
          text === "lost"
            ? Reply.ApiError({ code: 403, description: "Forbidden: bot was blocked by the user" })
            : undefined
      })
      const send = (chat_id: unknown, text: string) =>
        post(`${server.apiRoot}/bot${token}/sendMessage`, { chat_id, text })
      const first = yield* send(7, "one")
      assert.containsSubset(first, {
        ok: true,
        result: { message_id: 1, text: "one", chat: { id: 7, type: "private" } }
      })
      assert.containsSubset(yield* send("7", "two"), { ok: true, result: { message_id: 2 } })
      assert.containsSubset(yield* send("8", "three"), { ok: true, result: { message_id: 1 } })
      assert.containsSubset(yield* send("8", "lost"), { ok: false, error_code: 403 })
      assert.deepStrictEqual(heard, ["one", "two", "three"])
      assert.deepStrictEqual(
        server.received.map(({ chatId }) => chatId),
        ["7", "7", "8"]
      )
      assert.strictEqual(server.requests.length, 4)
    })
  )

  it.live("refuses what Telegram refuses", () =>
    Effect.gen(function* () {
      const { apiRoot, received } = yield* startBotApiStandIn()
      const bot = `${apiRoot}/bot${token}`
      const says = (url: string, body: unknown) => Effect.map(post(url, body), ({ description }) => description)
      assert.strictEqual(yield* says(`${bot}/sendMessage`, { chat_id: 7 }), "Bad Request: message text is empty")
      assert.strictEqual(
        yield* says(`${bot}/sendMessage`, { chat_id: 7, text: " " }),
        "Bad Request: text must be non-empty"
      )
      assert.strictEqual(yield* says(`${bot}/sendMessage`, { text: "x" }), "Bad Request: chat_id is empty")
      const long = "👋".repeat(4_097)
      assert.strictEqual(
        yield* says(`${bot}/sendMessage`, { chat_id: 7, text: long }),
        "Bad Request: message is too long"
      )
      assert.strictEqual(yield* says(`${bot}/sendFax`, {}), "Not Found: method not found")
      assert.strictEqual(yield* says(`${apiRoot}/elsewhere`, {}), "Not Found")
      assert.strictEqual(yield* says(`${apiRoot}/botnonsense/getMe`, {}), "Unauthorized: invalid token specified")
      assert.strictEqual(received.length, 0)
      assert.containsSubset(yield* post(`${bot}/sendMessage`, { chat_id: 7, text: "👋".repeat(4_096) }), { ok: true })
    })
  )

  it.live("knows a bot's own file ids, and nobody else's", () =>
    Effect.gen(function* () {
      const { apiRoot, received } = yield* startBotApiStandIn()
      const send = (bot: string, photo: string) => post(`${apiRoot}/bot${bot}/sendPhoto`, { chat_id: 7, photo })
      const first = (yield* send(token, "https://clinic.example/a.jpg")) as {
        readonly result: { readonly photo: ReadonlyArray<{ readonly file_id: string }> }
      }
      const id = first.result.photo.at(-1)?.file_id ?? ""
      assert.containsSubset(yield* send(token, id), { ok: true, result: { photo: [{}, { file_id: id }] } })
      for (const [bot, photo] of [
        ["999:other", id],
        [token, "never-heard-of"]
      ] as const)
        assert.containsSubset(yield* send(bot, photo), {
          ok: false,
          description: "Bad Request: wrong file identifier/HTTP URL specified"
        })
      assert.lengthOf(received, 2)
    })
  )

  it.live("refuses entities, albums, files, captions and buttons that Telegram refuses", () =>
    Effect.gen(function* () {
      const { apiRoot, received } = yield* startBotApiStandIn()
      const says = (method: string, more: object) =>
        Effect.map(post(`${apiRoot}/bot${token}/${method}`, { chat_id: 7, ...more }), ({ description }) => description)
      const text = (entity: object) => says("sendMessage", { text: "a💊b", entities: [{ type: "bold", ...entity }] })
      const photo = "https://clinic.example/a.jpg"
      assert.include(yield* text({ offset: 0, length: 5 }), "ENTITY_BOUNDS_INVALID")
      assert.include(yield* text({ offset: 0, length: 2 }), "middle of a UTF-16 symbol")
      assert.include(yield* text({ type: "text_link", url: "https://nas/", offset: 0, length: 1 }), "wrong HTTP URL")
      assert.include(yield* says("sendPhoto", {}), "there is no photo")
      assert.include(yield* says("sendPhoto", { photo, caption: "a".repeat(1_025) }), "caption is too long")
      assert.include(yield* says("sendMediaGroup", { media: [{ type: "photo", media: photo }] }), "2 to 10")
      assert.include(
        yield* says("sendMediaGroup", { media: ["photo", "document"].map((type) => ({ type, media: photo })) }),
        "can't be grouped"
      )
      assert.include(yield* says("sendLocation", { latitude: 91, longitude: 0 }), "out of range")
      const keys = (key: object) => says("sendMessage", { text: "a", reply_markup: { inline_keyboard: [[key]] } })
      assert.include(yield* keys({ text: "a", callback_data: "x".repeat(65) }), "BUTTON_DATA_INVALID")
      assert.include(yield* keys({ text: "a", url: "javascript:alert(1)" }), "Wrong HTTP URL")
      assert.lengthOf(received, 0)
    })
  )

  it.live("names the port that is in use", () =>
    Effect.gen(function* () {
      const { apiRoot } = yield* startBotApiStandIn()
      const port = Number(new URL(apiRoot).port)
      const error = yield* Effect.flip(startBotApiStandIn({ port }))
      assert.strictEqual(error.code, "EADDRINUSE")
      assert.include(error.message, `127.0.0.1:${port}`)
    })
  )
})

describe("the phone", () => {
  it("shows chat and text in a box whose lines are equally wide", () => {
    const drawn = drawPhone(
      { chatId: "7", text: "Take one tablet with water, then rest.\nThe clinic", note: "09:00" },
      30
    )
    assert.deepStrictEqual(drawn.split("\n"), [
      "╭────────────────────────────╮",
      "│ Chat 7               09:00 │",
      "├────────────────────────────┤",
      "│ Take one tablet with       │",
      "│ water, then rest.          │",
      "│ The clinic                 │",
      "╰────────────────────────────╯"
    ])
  })

  it("counts what takes two columns as two, and breaks words longer than a line", () => {
    const lines = drawPhone({ chatId: "7", text: `⏰ 薬 ${"a".repeat(20)}` }, 16).split("\n")
    assert.deepStrictEqual(lines.slice(3, -1), ["│ ⏰ 薬        │", "│ aaaaaaaaaaaa │", "│ aaaaaaaa     │"])
  })

  it("shows files, places and buttons", () => {
    const file = { kind: "photo", given: undefined, caption: "Your X-ray", entities: [] }
    const upload = { name: "scan.jpg", bytes: Buffer.from("bytes") }
    const drawn = drawPhone({
      chatId: "7",
      text: "Your X-ray",
      files: [{ ...file, upload }],
      location: { latitude: 52.5, longitude: 13.4 },
      buttons: [[{ text: "Yes" }, { text: "No" }]]
    })
    const lines = drawn.split("\n").slice(3, -1)
    for (const [index, shown] of ["🌄 scan.jpg (5 bytes)", "Your X-ray", "📍 52.5, 13.4", "[ Yes ] [ No ]"].entries())
      assert.include(lines[index], shown)
    assert.lengthOf(lines, 4)
  })

  it("does not let a message move the cursor", () => {
    const drawn = drawPhone({ chatId: "7", text: "\u001b[2J\u001b]0;title\u0007red\u0008\r" })
    assert.notMatch(drawn, /[^\n\P{Cc}]/u)
  })
})

describe("the people of the stand-in", () => {
  const server = Effect.map(startBotApiStandIn(), ({ apiRoot, people }) => ({
    people: people("123456"),
    ask: (method: string, fields: object) => post(`${apiRoot}/bot${token}/${method}`, fields)
  }))
  const numbers = (answer: Record<string, unknown>) =>
    (answer.result as ReadonlyArray<{ readonly update_id: number }>).map(({ update_id }) => update_id)

  it.live("are heard again until they are confirmed by the next question", () =>
    Effect.gen(function* () {
      const { ask, people } = yield* server
      people.writes(1, "one")
      people.writes(1, "two")
      assert.deepStrictEqual(numbers(yield* ask("getUpdates", { limit: 1 })), [1])
      assert.deepStrictEqual(numbers(yield* ask("getUpdates", {})), [1, 2])
      assert.deepStrictEqual(numbers(yield* ask("getUpdates", { offset: 2 })), [2])
      assert.deepStrictEqual(numbers(yield* ask("getUpdates", { offset: 3, timeout: 0 })), [])
      assert.deepStrictEqual(people.pending, [])
    })
  )

  it.live("are heard by one who waits, and by the last who asks", () =>
    Effect.gen(function* () {
      const { ask, people } = yield* server
      const first = yield* Effect.forkChild(ask("getUpdates", { timeout: 50 }))
      yield* Effect.repeat(
        Effect.sync(() => people.polled),
        { schedule: Schedule.spaced("5 millis"), until: (polled) => polled }
      )
      const second = yield* Effect.forkChild(ask("getUpdates", { timeout: 50 }))
      assert.containsSubset(yield* Fiber.join(first), { ok: false, error_code: 409 })
      people.blocks(1)
      assert.deepStrictEqual(numbers(yield* Fiber.join(second)), [1])
      assert.strictEqual(people.conflicts, 1)
      yield* ask("setWebhook", { url: "http://127.0.0.1:1/x", secret_token: "s" })
      assert.containsSubset(yield* ask("getUpdates", {}), { ok: false, error_code: 409 })
    })
  )
})
