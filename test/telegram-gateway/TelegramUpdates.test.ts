// What of Telegram's updates concerns us: row by row; and that nothing else does, whatever comes.
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import fc from "fast-check"
import { Said } from "#shared/gateway/people/Inbound.ts"
import { callbackData } from "../../services/telegram-gateway/ReplyButtons.ts"
import { admitsOf, parserOf } from "../../services/telegram-gateway/TelegramInbound.ts"
import { parseUpdate, updateNumber, wordOf } from "../../services/telegram-gateway/TelegramUpdates.ts"

const now = 1_790_000_123_456
const date = 1_790_000_000
const words = { stop: new Set(["stop", "ne plus écrire"]), start: new Set(["start"]) }
const chat = { id: 42, type: "private", first_name: "Ann" }
const group = { id: -42, type: "group" }

const message = (text: unknown, more: object = {}) => ({
  update_id: 7,
  message: { message_id: 3, date, chat, from: { id: 42 }, text, ...more }
})
const membership = (status: string, more: object = {}) => ({
  update_id: 7,
  my_chat_member: { chat, date, old_chat_member: {}, new_chat_member: { status, user: { id: 1 } }, ...more }
})
const press = (data: unknown, more: object = {}) => ({
  update_id: 7,
  callback_query: { id: "q", from: { id: 42 }, data, message: { message_id: 9, date: 0, chat, ...more } }
})
const token = "A-z_0".repeat(8)
const button = callbackData("appt-1", "yes")
const replied = { button: button.split(".")[0] ?? "", reply: "yes", providerMessageId: "9" }

const ours: ReadonlyArray<readonly [string, unknown, Said]> = [
  ["a link that is opened", message(`/start ${token}`), Said.LinkOpened({ token })],
  ["blocked", membership("kicked"), Said.Blocked()],
  ["unblocked", membership("member"), Said.Unblocked()],
  ["stop", message("STOP"), Said.OptedOut()],
  ["stop with spaces", message("  Stop \n"), Said.OptedOut()],
  ["stop in wide letters", message("ＳＴＯＰ"), Said.OptedOut()],
  ["several words, an accent in two parts", message("Ne  PLUS e\u0301crire"), Said.OptedOut()],
  ["start", message("start"), Said.OptedIn()],
  ["a button", press(button), Said.Replied(replied)],
  [
    "a button in a channel with a public name",
    press(button, { chat: { id: 42, type: "channel", username: "Clinic_News" } }),
    Said.Replied({ ...replied, alias: { chatId: "@clinic_news" } })
  ],
  [
    "a button in the chat of a person with a public name",
    press(button, { chat: { ...chat, username: "clinic_news" } }),
    Said.Replied(replied)
  ],
  [
    "a button whose message is too old to be shown",
    { update_id: 7, callback_query: { id: "q", data: button, message: { message_id: 9, date: 0, chat } } },
    Said.Replied(replied)
  ]
]

const notOurs: ReadonlyArray<readonly [string, unknown]> = [
  ["free text", message("I feel worse, stop")],
  ["the start button without a link", message("/start")],
  ["a token that is too long", message(`/start ${"a".repeat(65)}`)],
  ["a token with other letters", message("/start a b")],
  ["a link that is opened in a group", message(`/start ${token}`, { chat: group })],
  ["stop in a group", message("stop", { chat: group })],
  ["stop in a photo's caption", message(undefined, { caption: "stop" })],
  ["an edited message", { update_id: 7, edited_message: message("stop").message }],
  ["a channel's post", { update_id: 7, channel_post: message("stop").message }],
  ["removed from a group", membership("kicked", { chat: group })],
  ["restricted", membership("restricted")],
  ["somebody else's button", press("menu:1")],
  ["a game's button", press(undefined)],
  [
    "a button under an inline message",
    { update_id: 7, callback_query: { id: "q", data: button, inline_message_id: "i" } }
  ],
  ["a chat that is no number", message("stop", { chat: { id: "42", type: "private" } })],
  ["a chat beyond the numbers of JavaScript", message("stop", { chat: { id: 2 ** 60, type: "private" } })],
  ["a time that is none", message("stop", { date: 1e20 })],
  ["a poll", { update_id: 7, poll: {} }],
  ["nothing", { update_id: 7 }],
  ["no number", { message: message("stop").message }],
  ["a number that is none", { ...message("stop"), update_id: -1 }]
]

describe("an update", () => {
  for (const [name, raw, said] of ours) {
    it(`says: ${name}`, () => {
      const update = parseUpdate(raw, words, now)
      assert.deepStrictEqual(update?.said, said)
      const pressed = said._tag === "Replied"
      assert.deepInclude(update, { id: "7", recipient: { chatId: "42" }, at: pressed ? now : date * 1_000 })
      assert.strictEqual(update?.reference, pressed ? "q" : undefined)
    })
  }
  for (const [name, raw] of notOurs)
    it(`is none of ours: ${name}`, () => assert.isUndefined(parseUpdate(raw, words, now)))

  it("whatever it is, is read or left alone, and is confirmed by its number", () => {
    const texts = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("stop", "/start x", "/start", button))
    const chats = fc.record(
      { id: fc.oneof(fc.integer(), fc.anything()), type: fc.constantFrom("private", "group", "", undefined) },
      { requiredKeys: [] }
    )
    const messages = fc.record(
      {
        message_id: fc.anything(),
        date: fc.oneof(fc.integer(), fc.anything()),
        chat: fc.oneof(chats, fc.anything()),
        text: texts
      },
      { requiredKeys: [] }
    )
    const raw = fc.oneof(
      fc.anything(),
      fc.record(
        {
          update_id: fc.oneof(fc.nat(), fc.anything()),
          message: fc.oneof(messages, fc.anything()),
          my_chat_member: fc.oneof(
            fc.record({ chat: chats, date: fc.nat(), new_chat_member: fc.anything() }),
            fc.anything()
          ),
          callback_query: fc.oneof(fc.record({ id: texts, data: texts, message: messages }), fc.anything())
        },
        { requiredKeys: [] }
      )
    )
    fc.assert(
      fc.property(raw, (raw) => {
        const update = parseUpdate(raw, words, now)
        if (!update) return
        assert.strictEqual(update.id, String(updateNumber(raw)))
        assert.match(update.recipient.chatId ?? "", /^-?\d+$/)
        assert.isFalse(Number.isNaN(new Date(update.at).getTime()))
      }),
      { numRuns: 2_000 }
    )
  })

  it("means a word by what it says, not by how it is typed", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        assert.strictEqual(wordOf(` ${text}\n`), wordOf(text))
        assert.strictEqual(wordOf(wordOf(text)), wordOf(text))
      })
    )
  })
})

describe("a delivery of the webhook", () => {
  const secret = "0123456789abcdef"
  const admits = admitsOf(secret)
  const parse = parserOf(words)
  const header = (given: string | undefined) => (name: string) =>
    name === "x-telegram-bot-api-secret-token" ? given : undefined
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

  it("is taken with the secret only", () => {
    assert.isTrue(admits(header(secret)))
    for (const wrong of [undefined, "", `${secret}0`, secret.slice(1)]) assert.isFalse(admits(header(wrong)))
    assert.strictEqual(Result.getOrThrow(parse(bytes(message("stop")), header(secret), now)).length, 1)
    assert.deepStrictEqual(Result.getOrThrow(parse(bytes(message("hello")), header(secret), now)), [])
  })

  it("that cannot be read is refused, whatever bytes it is of, and repeats none of them", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((json) => new TextEncoder().encode(json))
        ),
        (body) => {
          const parsed = parse(body, header(secret), now)
          if (Result.isFailure(parsed)) assert.strictEqual(parsed.failure, "unreadable")
        }
      )
    )
  })
})
