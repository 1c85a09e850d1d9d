// The people whom a sender can write to, as NATS remembers them: the newest word holds, and what is removed is gone.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Result } from "effect"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { type Contacts, contactsOf } from "#shared/gateway/people/Contacts.ts"
import { createToken, takeToken } from "#shared/gateway/people/LinkTokens.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { Memory } from "#shared/nats/stores/Memory.ts"
import { natsForTest } from "../support/Layers.ts"
import { headersAndSubjects } from "../support/Streams.ts"

const withContacts = <A, E>(body: (contacts: Contacts, url: string) => Effect.Effect<A, E, Memory>) =>
  Effect.gen(function* () {
    const { layer, nats } = yield* natsForTest
    return yield* Effect.gen(function* () {
      yield* provision([])
      return yield* body(yield* contactsOf("telegram", "default"), nats.url)
    }).pipe(Effect.provide(layer))
  })

const at = (seconds: number) => fromMillis(Date.UTC(2026, 10, 1) + seconds * 1_000)
const ann = { chatId: "900100200300" }
const ben = { chatId: "900100200301" }

describe("a contact", () => {
  it.live("has the chat that was linked last, also when an older link is carried out later", () =>
    withContacts((contacts) =>
      Effect.gen(function* () {
        yield* contacts.link("p-1", ann, at(10))
        yield* contacts.link("p-1", ben, at(20))
        yield* contacts.link("p-1", ann, at(10))
        assert.deepStrictEqual(Option.getOrThrow(yield* contacts.find("p-1")).recipient, ben)
        assert.deepStrictEqual(yield* contacts.whoHas(ben), ["p-1"])
        assert.deepStrictEqual(yield* contacts.whoHas(ann), [])
      })
    )
  )

  it.live("may share a chat with others, and what its owner said is said for all of them", () =>
    withContacts((contacts) =>
      Effect.gen(function* () {
        yield* contacts.link("p-1", ann, at(10))
        yield* contacts.link("p-2", ann, at(11))
        yield* contacts.mark(ann, "optedOut", true, at(12), false)
        assert.deepStrictEqual(yield* contacts.whoHas(ann), ["p-1", "p-2"])
        assert.isTrue(Result.isSuccess(yield* contacts.remove("p-1", at(13))))
        assert.deepStrictEqual(yield* contacts.whoHas(ann), ["p-2"])
        assert.isTrue(Option.exists(yield* contacts.chat(ann), ({ optedOut }) => optedOut?.is === true))
        assert.deepStrictEqual(
          (yield* contacts.all).map(({ contact }) => contact),
          ["p-2"]
        )
        assert.isTrue(Result.isFailure(yield* contacts.remove("p-1", at(14))))
      })
    )
  )

  it.live("is marked by the newest word, in whatever order words come, and linked anew wants to be written to", () =>
    withContacts((contacts) =>
      Effect.gen(function* () {
        const optedOut = Effect.map(
          contacts.chat(ann),
          Option.exists((chat) => chat.optedOut?.is === true)
        )
        yield* contacts.mark(ann, "optedOut", true, at(1), false)
        assert.isTrue(Option.isNone(yield* contacts.chat(ann)), "nobody is remembered unasked")
        yield* contacts.mark(ann, "optedOut", true, at(20), true)
        yield* contacts.mark(ann, "optedOut", false, at(10), true)
        assert.isTrue(yield* optedOut)
        yield* contacts.link("p-1", ann, at(30))
        assert.isFalse(yield* optedOut)
        yield* contacts.mark(ann, "optedOut", true, at(40), false)
        yield* contacts.link("p-1", ann, at(30))
        assert.isTrue(yield* optedOut)
      })
    )
  )

  it.live("is kept whole when several change a chat at once", () =>
    withContacts((contacts) =>
      Effect.gen(function* () {
        const all = Array.from({ length: 12 }, (_, index) => `p-${index}`)
        yield* Effect.forEach(all, (contact, index) => contacts.link(contact, ann, at(index)), { concurrency: 12 })
        assert.sameMembers([...(yield* contacts.whoHas(ann))], all)
      })
    )
  )

  it.live("leaves its chat in no subject, nor anything that the chat could be guessed from", () =>
    withContacts((contacts, url) =>
      Effect.gen(function* () {
        yield* contacts.link("p-1", ann, at(10))
        const { recall } = yield* Memory
        const { value: salt } = Option.getOrThrow(yield* recall("salt", "telegram.default.chats"))
        const seen = yield* headersAndSubjects(url)
        for (const hidden of [ann.chatId, salt]) assert.notInclude(seen, hidden)
        assert.include(seen, contacts.nameOf(ann))
        const other = yield* contactsOf("telegram", "other")
        assert.notStrictEqual(other.nameOf(ann), contacts.nameOf(ann))
      })
    )
  )
})

describe("a token", () => {
  const now = Date.UTC(2026, 10, 1)
  const use = (token: string, cause: string, chat = "c1", usedAt = now + 1_000) => ({ token, cause, chat, at: usedAt })
  const take = (one: ReturnType<typeof use>) => Effect.map(takeToken("telegram", "default", one), ({ _tag }) => _tag)

  it.live("is taken by one use only, which may be repeated", () =>
    withContacts((_, url) =>
      Effect.gen(function* () {
        const token = yield* createToken("telegram", "default", "p-1", now + 60_000, now)
        const uses = Array.from({ length: 10 }, (_, index) => use(token, `update-${index}`, `c${index}`))
        const taken = yield* Effect.forEach(uses, take, { concurrency: 10 })
        assert.strictEqual(taken.filter((tag) => tag === "Taken").length, 1)
        assert.strictEqual(taken.filter((tag) => tag === "ByAnother").length, 9)
        const winner = uses[taken.indexOf("Taken")] ?? use(token, "")
        assert.strictEqual(yield* take(winner), "Taken")
        assert.strictEqual(yield* take({ ...winner, cause: "update-99" }), "Before")
        assert.notInclude(yield* headersAndSubjects(url), token)
        assert.strictEqual(yield* Effect.map(takeToken("telegram", "other", winner), ({ _tag }) => _tag), "Unknown")
      })
    )
  )

  it.live("holds to its last second by the platform's clock, however late the use is brought", () =>
    withContacts(() =>
      Effect.gen(function* () {
        const token = yield* createToken("telegram", "default", "p-1", now + 60_000, now)
        assert.strictEqual(yield* take(use(token, "u1", "c1", now + 60_001)), "Expired")
        assert.strictEqual(yield* take(use(token, "u2", "c1", now + 60_000)), "Taken")
      })
    )
  )
})
