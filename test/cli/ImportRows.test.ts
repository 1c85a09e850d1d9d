// What an import reads of a file: every row that is there, under the line on which it stands.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type ImportFormat, type ImportRow, importRows } from "../../cli/input/ImportRows.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"

const rowsOf = Effect.fnUntraced(function* (format: ImportFormat, text: string) {
  const file = join(yield* temporaryFolder("rows"), "file")
  writeFileSync(file, text)
  return yield* Effect.tryPromise({
    try: async () => {
      const rows: Array<ImportRow> = []
      for await (const row of importRows(file, format)) rows.push(row)
      return rows
    },
    catch: (error) => error as Error
  })
})

describe("NDJSON", () => {
  it.effect("ends a line at a line feed alone: what Unicode calls a separator may stand in a text", () =>
    Effect.gen(function* () {
      const texts = ["a\u2028b", "c\u2029d\u0085e", "f\rg"].map((text) => JSON.stringify({ text }))
      const rows = yield* rowsOf("ndjson", `${texts.join("\n")}\r\nnot json\n\n{}`)
      assert.deepStrictEqual(rows, [
        { line: 1, command: { text: "a\u2028b" } },
        { line: 2, command: { text: "c\u2029d\u0085e" } },
        { line: 3, command: { text: "f\rg" } },
        { line: 4, command: undefined },
        { line: 6, command: {} }
      ])
    })
  )

  it.effect("may begin with a byte order mark", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* rowsOf("ndjson", '\ufeff{"id":"a"}\n'), [{ line: 1, command: { id: "a" } }])
    })
  )

  it.effect("puts together what comes in pieces", () =>
    Effect.gen(function* () {
      const text = "ü".repeat(100_000)
      const rows = yield* rowsOf("ndjson", `${JSON.stringify({ text })}\n${JSON.stringify({ text })}`)
      assert.deepStrictEqual(rows, [
        { line: 1, command: { text } },
        { line: 2, command: { text } }
      ])
    })
  )

  it.effect("names the line that is too long to be taken into memory", () =>
    Effect.gen(function* () {
      const { message } = yield* Effect.flip(rowsOf("ndjson", `{}\n"${"x".repeat(1_100_000)}"`))
      assert.match(message, /^line 2 /)
    })
  )
})

describe("CSV", () => {
  const head = "id,chatId,text,dueAt\n"

  it.effect("gives up a row with a comma too many or too few, and goes on with the next", () =>
    Effect.gen(function* () {
      const rows = yield* rowsOf("csv", `${head}a,1,Hello, you,x\nb,1,x\nc,1,"Hello, you",x\n`)
      const problem = "has not as many cells as the head: a text with a comma stands in quotes"
      assert.deepStrictEqual(rows.slice(0, 2), [
        { line: 2, command: undefined, problem },
        { line: 3, command: undefined, problem }
      ])
      assert.deepInclude(rows[2], { line: 4 })
      assert.deepInclude(rows[2]?.command, { id: "c", content: { type: "text", text: "Hello, you" } })
    })
  )

  it.effect.each([
    ['b,1,5" nail,x\nc,1,y,x\n', "a quote within a cell"],
    ['b,1,"Say "hello" now",x\nc,1,y,x\n', "quotes within quotes that are not doubled"],
    ['b,1,"Hello,x\nc,1,y,x\n', "one that is not closed"]
  ])("names the line of a quote in the wrong place, after which nobody knows where rows end: %s", ([rest]) =>
    Effect.gen(function* () {
      const { message } = yield* Effect.flip(rowsOf("csv", `${head}a,1,x,x\n${rest}`))
      assert.match(message, /^line 3 /)
      assert.notMatch(message, /nail|hello/i)
    })
  )

  it.effect.each(["id,text,dueAt,text", "id,text,dueAt,content.text"])(
    "refuses two columns for one field, of which one would be lost: %s",
    (head) =>
      Effect.gen(function* () {
        const { message } = yield* Effect.flip(rowsOf("csv", `${head}\na,new words,x,old words\n`))
        assert.strictEqual(message, "line 1 names one field twice, in columns 2 and 4")
      })
  )

  it.effect("takes the empty columns that a spreadsheet leaves", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* rowsOf("csv", "id,dueAt,,\na,x,,\n"), [
        { line: 2, command: { platform: "telegram", id: "a", dueAt: "x" } }
      ])
    })
  )
})
