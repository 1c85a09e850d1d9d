// How far an import has come, beside its file: an interrupted one goes on there, if the file is still what it was.
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { Effect, Schema } from "effect"
import type { ImportRow } from "./ImportRows.ts"

/** How far an import has come: the last line, how many were refused or past their deadline, and all that was read, as a digest. */
const Progress = Schema.Struct({
  line: Schema.Int,
  refused: Schema.Int,
  expired: Schema.optionalKey(Schema.Int),
  digest: Schema.String
})
export type Progress = typeof Progress.Type
const decodeProgress = Schema.decodeUnknownEffect(Schema.fromJsonString(Progress))
export const notBegun: Progress = { line: 0, refused: 0, digest: "" }

export const progressIn = (file: string) =>
  Effect.tryPromise(() => readFile(file, "utf8")).pipe(
    Effect.flatMap(decodeProgress),
    Effect.orElseSucceed(() => notBegun)
  )

export const textIn = ({ command }: ImportRow) => JSON.stringify(command) ?? ""
export const reading = () => {
  const hash = createHash("sha256")
  return {
    add: (text: string) => void hash.update(`${text}\n`),
    get digest() {
      return hash.copy().digest("base64url")
    }
  }
}

/** Whether what was taken before stands in the file as it did: it may have been mended, or be another of that name. */
export const goesOn = (rows: AsyncIterable<ImportRow>, { digest, line }: Progress) =>
  Effect.promise(async () => {
    const read = reading()
    try {
      for await (const row of rows) {
        if (row.line > line) break
        read.add(textIn(row))
      }
    } catch {
      return false
    }
    return read.digest === digest
  })
