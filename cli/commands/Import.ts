// carillon import: a file of messages, checked here, published in batches; goes on where it was interrupted.
import { appendFile, rm, stat, writeFile } from "node:fs/promises"
import { Console, Effect, Option, Result, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { jsonFlag } from "../input/Flags.ts"
import { checked, outgoing } from "../input/ImportCheck.ts"
import { goesOn, notBegun, type Progress, progressIn, reading, textIn } from "../input/ImportProgress.ts"
import { type ImportRow, importRows, Unreadable } from "../input/ImportRows.ts"
import { isNotUtf8 } from "../input/StandardInput.ts"
import { Refused } from "../output/Exit.ts"
import { json as printJson } from "../output/Print.ts"
import { progressLine } from "../output/Progress.ts"
import { serversLayer } from "../Servers.ts"

const flags = {
  file: Argument.String("file").pipe(Argument.withDescription("A .csv, .ndjson or .jsonl file; - is standard input")),
  format: Flag.Literals("format", ["csv", "ndjson"]).pipe(
    Flag.withDescription("If the name does not tell"),
    Flag.optional
  ),
  dryRun: Flag.Boolean("dry-run").pipe(Flag.withDescription("Only check the lines"), Flag.withDefault(false)),
  json: jsonFlag
}

const batchSize = 2_000

const formatOf = (file: string, format: Option.Option<"csv" | "ndjson">) => {
  if (Option.isSome(format)) return Effect.succeed(format.value)
  if (/\.csv$/i.test(file)) return Effect.succeed("csv" as const)
  if (/\.(ndjson|jsonl)$/i.test(file)) return Effect.succeed("ndjson" as const)
  return new Refused({ message: "say what it is: --format csv or --format ndjson" })
}

type Given = Command.Command.Config.Infer<typeof flags>

const importFile = Effect.fnUntraced(function* <E>(
  { file, format, dryRun, json }: Given,
  publish: (commands: ReadonlyArray<string>) => Effect.Effect<unknown, E>
) {
  const kind = yield* formatOf(file, format)
  const path = file === "-" ? undefined : file
  const size = path === undefined ? 0 : yield* sizeOf(path)
  const resumable = path !== undefined && !dryRun
  const progressFile = `${file}.progress`
  const reportOf = (what: "rejected" | "expired") => `${path ?? "import"}.${what}.ndjson`
  const [report, late] = [reportOf("rejected"), reportOf("expired")]
  const left = resumable ? yield* progressIn(progressFile) : notBegun
  const changed = left.line > 0 && !(yield* goesOn(importRows(path, kind), left))
  const { line: from, refused, expired = 0 } = changed ? notBegun : left
  if (changed) yield* Console.error(`${file} is not what was imported up to line ${left.line}: beginning anew`)
  if (from === 0) for (const old of [report, late]) yield* Effect.promise(() => rm(old, { force: true }))
  else yield* Console.error(`going on after line ${from} (delete ${progressFile} to begin anew)`)
  const counts = { published: 0, refused, expired, skipped: 0 }
  const read = reading()
  const progress = progressLine(size > 0 ? "bytes" : "lines")
  let bytes = 0

  const take = Effect.fnUntraced(function* (rows: ReadonlyArray<ImportRow>) {
    const texts = rows.map(textIn)
    for (const text of texts) read.add(text)
    const results = rows.flatMap((row, index) => (row.line > from ? [checked(row, texts[index] ?? "")] : []))
    const good = results.filter(Result.isSuccess).map(({ success }) => success)
    const bad = results.filter(Result.isFailure).map(({ failure }) => failure)
    const tooLate = good.flatMap(({ line, id, expiresAt, isExpired }) => (isExpired ? [{ line, id, expiresAt }] : []))
    yield* publish(good.map(({ text }) => text))
    yield* noted(report, bad)
    yield* noted(late, tooLate)
    counts.published += good.length
    counts.refused += bad.length
    counts.expired += tooLate.length
    counts.skipped += rows.length - results.length
    const last = rows.at(-1)?.line ?? 0
    const { refused, expired } = counts
    const reached = JSON.stringify({ line: last, refused, expired, digest: read.digest } satisfies Progress)
    if (resumable && last > from) yield* Effect.promise(() => writeFile(progressFile, reached))
    bytes += texts.reduce((sum, { length }) => sum + length, 0)
    progress.show(size > 0 ? Math.min(size, bytes) : counts.published + counts.refused, size)
  })

  yield* Stream.fromAsyncIterable(
    importRows(path, kind),
    (error) =>
      new Refused({
        message: isNotUtf8(error)
          ? `${file} is not in UTF-8: save it as such, of a spreadsheet as "CSV UTF-8"`
          : error instanceof Unreadable
            ? `${file}, ${error.message}. Lines before it may be published: mend it, and start this again`
            : `${file} is not ${kind} as it should be`
      })
  ).pipe(Stream.grouped(batchSize), Stream.runForEach(take), Effect.ensuring(Effect.sync(progress.end)))
  if (resumable) yield* Effect.promise(() => rm(progressFile, { force: true }))
  const did = dryRun ? "good" : "published"
  yield* json
    ? printJson({
        ...counts,
        dryRun,
        ...(counts.refused > 0 ? { report } : {}),
        ...(counts.expired > 0 ? { late } : {})
      })
    : Console.log(
        `${counts.published} ${did}${counts.expired > 0 ? `, of which ${counts.expired} are past their deadline and will not be sent (${late})` : ""}, ${counts.refused} refused${counts.skipped > 0 ? `, ${counts.skipped} skipped: taken before` : ""}`
      )
  if (counts.refused > 0) return yield* new Refused({ message: `what was refused, and why: ${report}` })
})

/** Who only checks the lines needs no servers for it. */
export const importCommand = Command.make("import", flags, (given) =>
  given.dryRun
    ? importFile(given, () => Effect.void)
    : Publisher.use(({ publish }) => importFile(given, (commands) => publish(commands.map(outgoing)))).pipe(
        Effect.provide(serversLayer)
      )
).pipe(
  Command.withDescription("Schedule many messages from a file; an interrupted import goes on where it was"),
  Command.withExamples([
    {
      command: "carillon import reminders.csv --dry-run",
      description: "Head of a CSV: id,chatId,text,dueAt,timeZone,..."
    }
  ])
)

/** Added to a file, one a line. */
const noted = (file: string, found: ReadonlyArray<object>) =>
  found.length === 0
    ? Effect.void
    : Effect.promise(() => appendFile(file, found.map((one) => `${JSON.stringify(one)}\n`).join("")))

const sizeOf = (path: string) =>
  Effect.tryPromise({
    try: () => stat(path).then(({ size }) => size),
    catch: () => new Refused({ message: `cannot read ${path}` })
  })
