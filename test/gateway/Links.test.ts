// Links of one contact, made, opened and removed in any order: the newest that was made holds, and none that was made
// before a removal.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Result } from "effect"
import type { Recipient } from "#shared/contract/fields/Fields.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { contactsOf } from "#shared/gateway/people/Contacts.ts"
import { Said } from "#shared/gateway/people/Inbound.ts"
import { createToken } from "#shared/gateway/people/LinkTokens.ts"
import { hearUpdate } from "#shared/gateway/people/Updates.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { Memory } from "#shared/nats/stores/Memory.ts"
import { natsForTest } from "../support/Layers.ts"
import { eventsOf } from "../support/Streams.ts"

const ann = { chatId: "900100200300" }
const ben = { chatId: "900100200301" }
const platform = "telegram"
const sender = "default"
const begin = Date.UTC(2026, 10, 1)
const at = (second: number) => begin + second * 1_000
const instant = (second: number) => fromMillis(at(second))
const key = `${platform}.${sender}.p-1`

/** One sender of whom p-1 gets links; times are seconds. */
const forLinks = (url: string) =>
  Effect.gen(function* () {
    yield* provision([])
    const memory = yield* Memory
    const contacts = yield* contactsOf(platform, sender)
    const hearer = { platform, sender, contacts, obeysOptOut: false } as const
    const opens = (recipient: Recipient, token: string, second: number, id = `u-${second}`) =>
      Effect.map(
        hearUpdate(hearer, { id, at: at(second), recipient, said: Said.LinkOpened({ token }) }),
        Option.getOrUndefined
      )
    return {
      contacts,
      memory,
      opens,
      made: (second: number) => createToken(platform, sender, "p-1", at(86_400), at(second)),
      removed: (second: number) => contacts.remove("p-1", instant(second)),
      /** As if the gateway had been killed before it could remember that it is done. */
      undone: (second: number) =>
        memory.remember("update", `${platform}.${sender}.u-${second}`, JSON.stringify({ begunAt: 0, done: false })),
      chat: Effect.map(contacts.find("p-1"), (found) => Option.getOrUndefined(found)?.recipient),
      linked: Effect.map(eventsOf(url, "carillon.event.recipient-linked.*"), (events) =>
        events.map(({ recipient }) => recipient)
      )
    }
  })

type Links = Effect.Success<ReturnType<typeof forLinks>>
const withLinks = <E, R>(body: (links: Links) => Effect.Effect<void, E, R>) =>
  Effect.gen(function* () {
    const { layer, nats } = yield* natsForTest
    yield* Effect.provide(Effect.flatMap(forLinks(nats.url), body), layer)
  })

describe("a link", () => {
  it.live("takes over no contact that was linked by one that was made later", () =>
    withLinks(({ chat, linked, made, opens }) =>
      Effect.gen(function* () {
        const older = yield* made(1)
        const newer = yield* made(2)
        assert.strictEqual(yield* opens(ann, newer, 10), "linked")
        assert.strictEqual(yield* opens(ben, older, 20), "link-refused")
        assert.strictEqual(yield* opens(ben, older, 21), "link-refused", "nor opened again")
        assert.deepStrictEqual(yield* chat, ann)
        assert.deepStrictEqual(yield* linked, [ann])
      })
    )
  )

  it.live("that was made later takes the contact over, though it was opened earlier and heard of later", () =>
    withLinks(({ chat, contacts, made, opens }) =>
      Effect.gen(function* () {
        const older = yield* made(1)
        const newer = yield* made(2)
        assert.strictEqual(yield* opens(ben, older, 20), "linked")
        assert.strictEqual(yield* opens(ann, newer, 10), "linked")
        assert.deepStrictEqual(yield* chat, ann)
        assert.deepStrictEqual(yield* contacts.whoHas(ben), [])
      })
    )
  )

  it.live("that is older changes nothing in the chat that the contact has", () =>
    withLinks(({ chat, made, opens }) =>
      Effect.gen(function* () {
        const older = yield* made(1)
        const newer = yield* made(2)
        const newest = yield* made(3)
        assert.strictEqual(yield* opens(ann, newer, 10), "linked")
        assert.strictEqual(yield* opens(ann, older, 20), "linked")
        assert.deepStrictEqual(yield* chat, ann)
        assert.strictEqual(yield* opens(ben, newest, 30), "linked")
        assert.deepStrictEqual(yield* chat, ben)
      })
    )
  )

  it.live("counts as the oldest if it was made before links said when", () =>
    withLinks(({ chat, made, memory, opens }) =>
      Effect.gen(function* () {
        yield* memory.remember("contact", key, JSON.stringify({ recipient: ben, linkedAt: instant(30) }))
        const older = yield* made(1)
        const newer = yield* made(2)
        for (const { key, value, sequence } of yield* memory.all("link", `${platform}.${sender}.`)) {
          const { madeAt, ...asBefore } = JSON.parse(value)
          if (madeAt === instant(1))
            yield* memory.remember("link", key, JSON.stringify(asBefore), { expected: sequence })
        }
        assert.strictEqual(yield* opens(ann, newer, 10), "linked")
        assert.deepStrictEqual(yield* chat, ann)
        assert.strictEqual(yield* opens(ben, older, 40), "link-refused")
        assert.deepStrictEqual(yield* chat, ann)
      })
    )
  )
})

describe("what is remembered and cannot be read", () => {
  it.live("gives way to what is heard: it holds up neither a link nor a STOP", () =>
    withLinks(({ chat, contacts, made, memory, opens }) =>
      Effect.gen(function* () {
        const link = yield* made(1)
        const stop = contacts.mark(ann, "optedOut", true, instant(20), true)
        const unreadable = (what: "contact" | "chat", key: string) => memory.remember(what, key, "{}}")
        yield* unreadable("contact", key)
        yield* unreadable("chat", `${platform}.${sender}.${contacts.nameOf(ann)}`)
        assert.isUndefined(yield* chat)
        yield* stop
        assert.isTrue(Option.exists(yield* contacts.chat(ann), ({ optedOut }) => optedOut?.is === true))
        assert.strictEqual(yield* opens(ann, link, 30), "linked")
        assert.deepStrictEqual(yield* chat, ann)
      })
    )
  )
})

describe("a removal", () => {
  it.live("is not undone by what was heard before it, and is heard again", () =>
    withLinks(({ chat, contacts, linked, made, opens, removed, undone }) =>
      Effect.gen(function* () {
        const token = yield* made(1)
        assert.strictEqual(yield* opens(ann, token, 10), "linked")
        yield* undone(10)
        yield* removed(20)
        assert.strictEqual(yield* opens(ann, token, 10), "link-refused")
        assert.isUndefined(yield* chat)
        assert.deepStrictEqual(yield* contacts.whoHas(ann), [])
        assert.lengthOf(yield* linked, 1)
      })
    )
  )

  it.live("ends the links that were made before it, not those that are made after it", () =>
    withLinks(({ chat, contacts, made, opens, removed }) =>
      Effect.gen(function* () {
        const used = yield* made(1)
        const unused = yield* made(2)
        const before = yield* opens(ann, used, 10)
        yield* removed(20)
        const after = yield* opens(ben, unused, 30)
        assert.deepStrictEqual([before, after], ["linked", "link-refused"])
        assert.deepStrictEqual([yield* chat, yield* contacts.all], [undefined, []])
        assert.strictEqual(yield* opens(ben, yield* made(21), 40), "linked")
        assert.deepStrictEqual(yield* chat, ben)
      })
    )
  )

  it.live("takes back links that nobody has opened, and says so again only to itself", () =>
    withLinks(({ chat, contacts, made, opens, removed }) =>
      Effect.gen(function* () {
        const offered = (second: number) => contacts.offer("p-1", instant(second))
        assert.isTrue(Result.isFailure(yield* removed(5)), "unknown")
        yield* offered(10)
        assert.isTrue(Result.isSuccess(yield* removed(20)))
        assert.isTrue(Result.isSuccess(yield* removed(20)), "the same, come back")
        assert.isTrue(Result.isFailure(yield* removed(21)))
        yield* offered(40)
        assert.isTrue(Result.isSuccess(yield* removed(30)), "of one before")
        assert.strictEqual(yield* opens(ann, yield* made(30), 50), "link-refused")
        assert.isTrue(Result.isSuccess(yield* removed(50)), "of the newest, which was left open")
        assert.isUndefined(yield* chat)
      })
    )
  )

  /** It is asked for at second 20, and this link is opened when it has just looked at the contact. */
  const meets = ({ contacts, made, memory, opens }: Links, madeAt: number, chat = ben) =>
    Effect.gen(function* () {
      yield* opens(ann, yield* made(1), 10)
      let meanwhile = Effect.asVoid(contacts.link("p-1", chat, instant(30), instant(madeAt)))
      const recall: typeof memory.recall = (what, key) =>
        Effect.tap(memory.recall(what, key), () => {
          if (what !== "contact") return Effect.void
          const once = meanwhile
          meanwhile = Effect.void
          return once
        })
      const remover = yield* Effect.provideService(contactsOf(platform, sender), Memory, { ...memory, recall })
      yield* remover.remove("p-1", instant(20))
    })

  it.live("takes away no link that was made after it, and is opened while it is carried out", () =>
    withLinks((links) =>
      Effect.gen(function* () {
        yield* meets(links, 21)
        assert.deepStrictEqual(yield* links.chat, ben)
        assert.deepStrictEqual(yield* links.contacts.whoHas(ben), ["p-1"])
      })
    )
  )

  it.live("nor what its chat says from then on, where that is the one that the contact had", () =>
    withLinks((links) =>
      Effect.gen(function* () {
        yield* meets(links, 21, ann)
        assert.deepStrictEqual(yield* links.chat, ann)
        assert.deepStrictEqual(yield* links.contacts.whoHas(ann), ["p-1"])
      })
    )
  )

  it.live("ends one that was made before it, also if it is opened just then", () =>
    withLinks((links) =>
      Effect.gen(function* () {
        yield* meets(links, 2)
        assert.isUndefined(yield* links.chat)
        for (const chat of [ann, ben])
          assert.deepStrictEqual(Option.getOrUndefined(yield* links.contacts.chat(chat))?.contacts, [])
      })
    )
  )
})
