// Files that messages carry, in a real object store.
import { createHash, randomBytes } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { provision } from "#shared/nats/layout/Provision.ts"
import { Files } from "#shared/nats/stores/Files.ts"
import { eventually } from "../support/Carillon.ts"
import { natsForTest } from "../support/Layers.ts"
import { deleteStream } from "../support/Streams.ts"
import type { TestNats } from "../support/servers/TestNats.ts"

const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("base64url")
const stream = (bytes: Uint8Array) => new Blob([bytes as Uint8Array<ArrayBuffer>]).stream() as never

const withFiles = <A, E>(body: (files: Files["Service"], nats: TestNats) => Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const { layer, nats } = yield* natsForTest
    return yield* Effect.andThen(
      provision([]),
      Effect.flatMap(Files, (files) => body(files, nats))
    ).pipe(Effect.provide(Layer.provideMerge(Files.layer, layer)))
  })

describe("the files of messages", () => {
  it.live("come back as they were stored, in many pieces or in none, with the digest of their content", () =>
    withFiles((files) =>
      Effect.gen(function* () {
        for (const size of [0, 1, 128 * 1_024, 1_000_003]) {
          const bytes = randomBytes(size)
          const stored = yield* files.put(`file-${size}`, stream(bytes))
          assert.deepInclude(stored, { name: `file-${size}`, size, digest: digest(bytes) })
          assert.deepInclude(Option.getOrThrow(yield* files.info(`file-${size}`)), { size, digest: digest(bytes) })
          assert.isTrue(bytes.equals(Option.getOrThrow(yield* files.read(`file-${size}`))))
        }
        assert.lengthOf(yield* files.list, 4)
      })
    )
  )

  it.live("outlive a server that is killed", () =>
    withFiles((files, nats) =>
      Effect.gen(function* () {
        yield* files.put("a", stream(Buffer.from("one")))
        yield* nats.kill9
        yield* nats.start
        const read = Effect.orElseSucceed(files.read("a"), () => Option.none<Uint8Array>())
        const bytes = yield* eventually("there again", read, Option.isSome)
        assert.strictEqual(Buffer.from(Option.getOrThrow(bytes)).toString(), "one")
      })
    )
  )

  it.live("take the place of what had their name", () =>
    withFiles((files) =>
      Effect.gen(function* () {
        yield* files.put("a", stream(Buffer.from("one")))
        yield* files.put("a", stream(Buffer.from("two")))
        assert.strictEqual(Buffer.from(Option.getOrThrow(yield* files.read("a"))).toString(), "two")
        assert.lengthOf(yield* files.list, 1)
      })
    )
  )

  it.live("that are not there, or no more, are nothing", () =>
    withFiles((files, { url }) =>
      Effect.gen(function* () {
        const nothing = Effect.gen(function* () {
          assert.isTrue(Option.isNone(yield* files.info("a")))
          assert.isTrue(Option.isNone(yield* files.read("a")))
          assert.deepStrictEqual(yield* files.list, [])
        })
        yield* nothing
        assert.isFalse(yield* files.remove("a"))
        yield* files.put("a", stream(Buffer.from("one")))
        assert.isTrue(yield* files.remove("a"))
        yield* nothing
        yield* deleteStream(url, "OBJ_carillon-files")
        yield* nothing
      })
    )
  )
})
