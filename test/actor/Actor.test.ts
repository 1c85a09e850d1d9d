// An actor and its mailbox: one message that fails must not hold back or repeat the others.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { type Batch, done, type Handle, runActor } from "#shared/actor/Actor.ts"
import { decoded, decodeWith } from "#shared/actor/Decode.ts"
import { Attempt } from "#shared/contract/Events.ts"
import { NatsError } from "#shared/nats/connection/Nats.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { consumers } from "#shared/nats/layout/Topology.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { command, eventually } from "../support/Carillon.ts"
import { natsForTest } from "../support/Layers.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { streamCount, unsettled } from "../support/Streams.ts"

const mailbox = consumers.schedulerCommands
const ids = Array.from({ length: 30 }, (_, index) => `m-${index}`)

const acting = <E>(handle: Handle<Publisher>, body: (url: string) => Effect.Effect<void, E>) =>
  Effect.gen(function* () {
    const { nats, layer } = yield* natsForTest
    yield* Effect.gen(function* () {
      yield* provision([mailbox])
      yield* publishPlainly(
        nats.url,
        ids.map((id) => command(id, 60_000))
      )
      const actor = yield* Effect.forkChild(runActor(mailbox, handle))
      yield* body(nats.url)
      yield* Fiber.interrupt(actor)
    }).pipe(Effect.provide(layer))
  })

const idOf = (delivery: Batch[number]) => (delivery.json() as { readonly id: string }).id

describe("an actor", () => {
  it.live("does the others' work once, though one message brings out a bug, and that one ends in quarantine", () => {
    const did: Array<string> = []
    let tries = 0
    return acting(
      (batch) =>
        Effect.sync(() => {
          if (batch.some((delivery) => idOf(delivery) === "m-7")) {
            if (batch.length === 1) tries++
            throw new Error("a bug")
          }
          did.push(...batch.map(idOf))
          return batch.map(() => done)
        }),
      (url) =>
        Effect.gen(function* () {
          yield* eventually("in quarantine", streamCount(url, "QUARANTINE"), (count) => count === 1)
          yield* eventually("nothing left", unsettled(url), (left) => left === 0)
          assert.deepStrictEqual([...did].sort(), ids.filter((id) => id !== "m-7").sort())
          assert.strictEqual(tries, 5)
        })
    )
  })

  it.live("does the others' work, though what follows from one message is larger than NATS takes", () => {
    const did: Array<string> = []
    return acting(
      Effect.fnUntraced(function* (batch) {
        const { put } = yield* Publisher
        const large = batch.some((delivery) => idOf(delivery) === "m-7")
        yield* put({ subject: "carillon.event.sent.telegram", payload: "x".repeat(large ? 2_000_000 : 1), headers: {} })
        did.push(...batch.map(idOf))
        return batch.map(() => done)
      }),
      (url) =>
        Effect.gen(function* () {
          yield* eventually("in quarantine", streamCount(url, "QUARANTINE"), (count) => count === 1)
          assert.deepStrictEqual([...did].sort(), ids.filter((id) => id !== "m-7").sort())
        })
    )
  })

  it.live("gets a batch again that it failed to do for want of NATS", () => {
    let failures = 0
    const did = new Set<string>()
    return acting(
      (batch) =>
        Effect.suspend(() => {
          if (failures++ === 0) return Effect.fail(new NatsError({ operation: "publish", cause: new Error("away") }))
          for (const delivery of batch) did.add(idOf(delivery))
          return Effect.succeed(batch.map(() => done))
        }),
      () =>
        Effect.asVoid(
          eventually(
            "all done",
            Effect.sync(() => did.size),
            (count) => count === ids.length
          )
        )
    )
  })

  it.live("keeps aside what cannot be read, and hands on the rest", () => {
    const read: Array<string> = []
    return acting(
      decoded(decodeWith(Attempt), (attempts) =>
        Effect.sync(() => void read.push(...attempts.map(({ value }) => value.message.id)))
      ),
      (url) =>
        Effect.gen(function* () {
          // Commands are no attempts: every one of them is unreadable here.
          yield* eventually("in quarantine", streamCount(url, "QUARANTINE"), (count) => count === ids.length)
          assert.deepStrictEqual(read, [])
        })
    )
  })
})
