// Files of this machine on their way into the object store, where gateways find them.
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { stat } from "node:fs/promises"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { Effect, Option } from "effect"
import { Files } from "#shared/nats/stores/Files.ts"
import { Refused } from "../output/Exit.ts"

/** No platform takes a larger one. */
const largest = 50 * 1_048_576

const cannotRead = (path: string) => () => new Refused({ message: `cannot read ${path}` })

const sendable = (path: string) =>
  Effect.flatMap(Effect.tryPromise({ try: () => stat(path), catch: cannotRead(path) }), (found) =>
    !found.isFile()
      ? Effect.fail(cannotRead(path)())
      : found.size > largest
        ? Effect.fail(new Refused({ message: `${path} is larger than 50 MiB: no platform takes it` }))
        : Effect.void
  )

const digestOf = (path: string) =>
  Effect.tryPromise({
    try: async () => {
      const hash = createHash("sha256")
      await pipeline(createReadStream(path), hash)
      return hash.digest("base64url")
    },
    catch: cannotRead(path)
  })

export const putFile = Effect.fnUntraced(function* (name: string, path: string) {
  const { put } = yield* Files
  yield* sendable(path)
  yield* digestOf(path)
  return yield* put(name, Readable.toWeb(createReadStream(path)) as never)
})

/** Under a name made of its content: the same file is kept once, and its name tells nothing. */
export const keepFile = Effect.fnUntraced(function* (path: string) {
  const { info } = yield* Files
  yield* sendable(path)
  const digest = yield* digestOf(path)
  const name = `sha256-${digest}`
  const found = yield* info(name)
  if (Option.isNone(found) || found.value.digest !== digest) yield* putFile(name, path)
  return name
})
