// What is personal in events, and what an erasure makes of it.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { isWithoutPerson, onErasure, remainsOf, tellsOf, withoutPerson, wordsOf } from "#shared/contract/Erasure.ts"
import { type EventOf, events, eventTypes } from "#shared/contract/Events.ts"
import { writeAsked } from "#shared/gateway/people/Asked.ts"
import { streamErasure } from "#shared/nats/layout/StreamErasure.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { eventExample } from "../../docs/generate/Examples.ts"
import { livesOf, mark, messageOf, scheduled } from "../ledger/Histories.ts"

const erasing = (id: string, address?: string) => ({
  ids: new Set([id]),
  texts: new Set(wordsOf(messageOf(id).content)),
  ...(address === undefined ? {} : { address })
})
const tells = (value: unknown, ...of: Parameters<typeof erasing>) =>
  tellsOf(remainsOf(typeof value === "string" ? value : JSON.stringify(value)), erasing(...of))

describe("an event of an erased message", () => {
  it.each(eventTypes)("%s goes if it holds anything personal, and only then", (type) => {
    const all = [eventExample(type), ...livesOf("m", 40).filter((event) => event.type === type)]
    const personal = all.some((event) => /"(recipient|content|fallback)":/.test(JSON.stringify(event)))
    assert.strictEqual(onErasure[type] !== "stays", personal)
  })

  it("that takes the place of the one that scheduled it holds nothing of it but its times and its kind", () => {
    const event = scheduled("m") as EventOf<"scheduled">
    const fallback = [{ platform: "telegram" as const, recipient: { chatId: mark } }]
    const after = withoutPerson({ ...event, message: { ...event.message, kind: "check-up", fallback } })
    assert.notInclude(JSON.stringify(after), mark)
    assert.notInclude(JSON.stringify(after), "north")
    assert.deepInclude(after.message, { id: "m", dueAt: event.message.dueAt, kind: "check-up" })
    assert.isFalse(tells(after, "m", mark))
    assert.isTrue(
      isWithoutPerson(Schema.decodeUnknownSync(events.scheduled)(JSON.parse(JSON.stringify(after))).message)
    )
    assert.isFalse(isWithoutPerson({ ...after.message, recipient: event.message.recipient }))
  })
})

describe("the words of a message", () => {
  it("are its text, and what stands below its files, but not what stands on a button", () => {
    const buttons = [[{ text: "Yes", reply: "yes" }]]
    assert.deepStrictEqual(wordsOf({ type: "text", text: "one", buttons }), ["one"])
    assert.deepStrictEqual(wordsOf({ type: "photo", file: { object: "a" }, caption: "two", buttons }), ["two"])
    const items = [
      { type: "photo", file: { object: "a" }, caption: "three" },
      { type: "photo", file: { object: "b" } }
    ]
    assert.deepStrictEqual(wordsOf({ type: "album", items }), ["three"])
    assert.deepStrictEqual(wordsOf({ type: "location", latitude: 1, longitude: 2 }), [])
  })
})

describe("what is stored", () => {
  const message = messageOf("m")
  it("tells of somebody by what is remembered of their message's buttons", () => {
    const { tells } = streamErasure.MEMORY
    const asked = remainsOf(writeAsked({ id: "m", chat: "a name", replies: ["yes"] }))
    const subject = Subject.memory("button", "telegram.default.k")
    assert.isTrue(tells(asked, erasing("m"), subject))
    assert.isFalse(tells(asked, erasing("other"), subject))
  })

  it("tells of somebody by their message's recipient or content, wherever it is", () => {
    assert.isTrue(tells({ id: "m", recipient: message.recipient }, "m"))
    assert.isTrue(tells({ change: "cancel", old: { message } }, "m"))
    assert.isTrue(tells({ state: "failed", message }, "m"))
    assert.isFalse(tells({ type: "sent", id: "m" }, "m"))
    assert.isFalse(tells({ message: messageOf("other") }, "m"))
  })

  it("tells of somebody by their address, as a value or as a key, but not as part of another word", () => {
    assert.isTrue(tells({ message: messageOf("other") }, "m", mark))
    assert.isTrue(tells({ brakes: { recipientsUntil: { [mark]: 1 } } }, "m", mark))
    assert.isFalse(tells({ providerMessageId: `${mark}9` }, "m", mark))
  })

  it("tells of somebody by their contact, of the same sender: the same id under another is somebody else", () => {
    const contacts = new Set(["telegram.default.p-7"])
    const recipient = { contact: "p-7" }
    const tellsOfThem = (value: unknown) =>
      tellsOf(remainsOf(JSON.stringify(value)), { ids: new Set(), texts: new Set(), contacts })
    assert.isTrue(tellsOfThem({ platform: "telegram", recipient }))
    assert.isTrue(tellsOfThem({ message: { platform: "telegram", sender: "default", recipient } }))
    assert.isTrue(tellsOfThem({ platform: "webhook", fallback: [{ platform: "telegram", recipient }] }))
    assert.isFalse(tellsOfThem({ platform: "telegram", sender: "north", recipient }))
    assert.isFalse(tellsOfThem({ platform: "webhook", recipient }))
  })

  it("tells of somebody by what they were told, unless it was said to another", () => {
    const [text = ""] = wordsOf(message.content)
    assert.isTrue(tells({ note: text }, "m"))
    assert.isTrue(tells({ id: "m", problem: text }, "m"))
    assert.isFalse(tells({ id: "other", content: { type: "text", text } }, "m"))
  })

  it("tells of somebody by what a CloudEvent carries, whatever its own id is", () => {
    const [text = ""] = wordsOf(message.content)
    const enveloped = (data: object) => [
      { specversion: "1.0", id: "e-1", data },
      { specversion: "1.0", id: "e-1", data_base64: Buffer.from(JSON.stringify(data)).toString("base64") }
    ]
    const command = { id: "m", recipient: { chatId: mark }, content: { type: "text", text } }
    for (const event of enveloped(command)) {
      assert.strictEqual(remainsOf(JSON.stringify(event)).id, "m")
      assert.isTrue(tells(event, "m"))
      assert.isTrue(tells(event, "x", mark))
      assert.isFalse(tells(event, "e-1"))
    }
    for (const event of enveloped({ content: command.content })) assert.isTrue(tells(event, "m"))
  })

  it("tells of somebody by any of these, if it cannot be read", () => {
    assert.isTrue(tells(`{"id":"m"`, "m"))
    assert.isTrue(tells(`to ${mark}`, "x", mark))
    assert.isTrue(tells(`said: ${wordsOf(message.content)[0]}`, "m"))
    assert.isFalse(tells("nothing", "m", mark))
  })
})
