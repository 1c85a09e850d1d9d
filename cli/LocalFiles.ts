// Files of this machine on their way into the object store, where gateways find them.
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { stat } from "node:fs/promises"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { Effect, Option } from "effect"
import { Files } from "#shared/nats/Files.ts"
import { Refused } from "./Exit.ts"

const cannotRead = (path: string) => () => new Refused({ message: `cannot read ${path}` })

const digestOf = (path: string) =>
  Effect.tryPromise({
    try: async () => {
      if (!(await stat(path)).isFile()) throw new Error("not a file")
      const hash = createHash("sha256")
      await pipeline(createReadStream(path), hash)
      return hash.digest("base64url")
    },
    catch: cannotRead(path)
  })

export const putFile = Effect.fnUntraced(function* (name: string, path: string) {
  const { put } = yield* Files
  yield* digestOf(path)
  return yield* put(name, Readable.toWeb(createReadStream(path)) as never)
})

/** Under a name made of its content: the same file is kept once, and its name tells nothing. */
export const keepFile = Effect.fnUntraced(function* (path: string) {
  const { info } = yield* Files
  const digest = yield* digestOf(path)
  const name = `sha256-${digest}`
  const found = yield* info(name)
  if (Option.isNone(found) || found.value.digest !== digest) yield* putFile(name, path)
  return name
})
