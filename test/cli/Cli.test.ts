// The command line against real services: what it prints, and the codes that scripts rely on.
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { carillon, command, eventually, statusOf } from "../support/Carillon.ts"
import { cli } from "../support/Cli.ts"
import { nothingRuns } from "../support/CompileCache.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { deleteStream, pendingTimers } from "../support/Streams.ts"

const everything = Effect.gen(function* () {
  const all = yield* carillon()
  yield* all.start
  const run = cli({ NATS_URL: all.nats.url, DATABASE_URL: all.database.url })
  return { ...all, run }
})

const folder = temporaryFolder("cli")

const far = "2030-01-01T09:00:00Z"
const line = (id: string, more: object = {}) =>
  JSON.stringify({
    id,
    platform: "telegram",
    recipient: { chatId: "100200300" },
    content: { type: "text", text: "private words" },
    dueAt: far,
    ...more
  })

describe("carillon", () => {
  it.live("schedules, shows, lists, reschedules and cancels", () =>
    Effect.gen(function* () {
      const { run, database } = yield* everything
      const scheduled = yield* run([
        "schedule",
        "--id",
        "a1",
        "--to",
        "100200300",
        "--text",
        "private words",
        "--in",
        "0s"
      ])
      assert.strictEqual(scheduled.code, 0, scheduled.err)
      yield* eventually("sent", statusOf(database, "a1"), (status) => status === "sent")
      const shown = yield* run(["show", "a1"])
      assert.match(shown.out, /a1 {2}sent/)
      assert.match(shown.out, /after it was due/)
      assert.match(shown.out, /send-started/)
      assert.notInclude(shown.out, "private words")
      assert.include((yield* run(["show", "a1", "--content"])).out, "private words")
      yield* run(["schedule", "--id", "a2", "--to", "1", "--text", "-", "--at", far], "from standard input\n")
      assert.strictEqual(
        (yield* run(["reschedule", "a2", "--at", "2031-01-01T09:00", "--time-zone", "Europe/Berlin"])).code,
        0
      )
      const due = Effect.map(database.query("select due_at from carillon.scheduled_messages where id = 'a2'"), (rows) =>
        (rows[0]?.due_at as Date | undefined)?.toISOString()
      )
      yield* eventually("rescheduled", due, (at) => at === "2031-01-01T08:00:00.000Z")
      assert.strictEqual((yield* run(["cancel", "a2", "--reason", "moved"])).code, 0)
      yield* eventually("cancelled", statusOf(database, "a2"), (status) => status === "cancelled")
      const rows = (yield* run(["list", "--json"])).out
        .trim()
        .split("\n")
        .map((row) => JSON.parse(row))
      assert.deepStrictEqual(rows.map(({ id, status }) => [id, status]).sort(), [
        ["a1", "sent"],
        ["a2", "cancelled"]
      ])
      assert.deepStrictEqual((yield* run(["list", "--status", "failed", "--json"])).out, "")
    })
  )

  it.live("tells the trends as a table with sparklines, as JSON, and says when there is nothing", () =>
    Effect.gen(function* () {
      const { run, nats, database } = yield* everything
      const kinds = ["appointment", "appointment", "medication"]
      yield* publishPlainly(
        nats.url,
        kinds.map((kind, index) => command(`t-${index}`, 0, { kind }))
      )
      for (const index of kinds.keys())
        yield* eventually("sent", statusOf(database, `t-${index}`), (status) => status === "sent")
      const { out } = yield* run(["stats", "--from", "-3h", "--to", "+1h", "--by", "kind"])
      assert.match(out, /hours/)
      assert.match(out, /appointment +2 +2 +0 +0 +100\.0 % .* [▁█]{4,5}/)
      assert.match(out, /medication +1 +1 /)
      assert.match(out, /all +3 +3 .*█/)
      const daily = yield* run(["stats", "--daily", "--to", "+1d", "--json"])
      const [day] = daily.out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
      assert.deepInclude(day, { platform: "telegram", due: 3, sent: 3, success: 1, retries: 0, costUnits: 3 })
      assert.isAtLeast(day.latenessMillis.p99, day.latenessMillis.p50)
      const none = yield* run(["stats", "--from", "2001-01-01T00:00:00Z", "--to", "2001-02-01T00:00:00Z"])
      assert.match(none.out, /^nothing was due from 2001-01-01/)
      assert.strictEqual((yield* run(["stats", "--hourly", "--daily"])).code, 2)
      assert.strictEqual((yield* run(["stats", "--from", "+1d"])).code, 2)
      assert.strictEqual((yield* run(["rearm", "t-0"])).out, "t-0: nothing to do: it has ended\n")
      assert.strictEqual((yield* run(["rearm", "never-heard-of"])).code, 3)
    })
  )

  it.live("schedules to the kind of address that the platform has, by the sender that is named", () =>
    Effect.gen(function* () {
      const { run, database } = yield* everything
      const to = (...address: ReadonlyArray<string>) =>
        run(["schedule", "--text", "x", "--at", far, "--platform", "webhook", "--to", ...address])
      assert.strictEqual((yield* to("https://clinic.example/in", "--id", "w1", "--sender", "north")).code, 0)
      yield* eventually("pending", statusOf(database, "w1"), (status) => status === "pending")
      assert.deepStrictEqual(
        yield* database.query(
          "select platform, sender, recipient from carillon.scheduled_messages m join carillon.message_contents c on c.message_id = m.id"
        ),
        [{ platform: "webhook", sender: "north", recipient: { url: "https://clinic.example/in" } }]
      )
      const refused = yield* to("https://user:word@clinic.example/in")
      assert.strictEqual(refused.code, 2)
      assert.include(refused.err, "recipient.url")
      assert.notInclude(refused.err, "word@")
      const unheardOf = yield* run(["schedule", "--text", "x", "--at", far, "--platform", "pigeon", "--to", "1"])
      assert.include(unheardOf.err, "platform")
    })
  )

  it.live("says everything that is wrong, without the text, with exit code 2; not found is 3", () =>
    Effect.gen(function* () {
      const { run } = yield* everything
      const refused = yield* run([
        "schedule",
        "--to",
        "x y",
        "--text",
        "private words",
        "--at",
        "tomorrow",
        "--priority",
        "high"
      ])
      assert.strictEqual(refused.code, 2)
      for (const path of ["recipient.chatId", "dueAt", "priority"]) assert.include(refused.err, path)
      assert.notInclude(refused.err, "private words")
      assert.strictEqual((yield* run(["schedule", "--text", "no recipient"])).code, 2)
      assert.strictEqual((yield* run(["schedule", "--to", "1", "--text", "no time"])).code, 2)
      assert.strictEqual((yield* run(["cancel", "never-heard-of"])).code, 3)
      assert.strictEqual((yield* run(["show", "nobody-spoke-of"])).code, 3)
      const refusal = yield* eventually("recorded", run(["show", "never-heard-of"]), ({ out }) => out !== "")
      assert.match(refusal.out, /commands about it were refused[\s\S]*rejected/)
      assert.deepStrictEqual([refusal.code, refusal.err], [3, "no message never-heard-of\n"])
    })
  )

  it.live("says at once what is out of reach, with exit code 1", () =>
    Effect.gen(function* () {
      const run = cli({ NATS_URL: "nats://127.0.0.1:1", DATABASE_URL: "postgres://x:secret@127.0.0.1:1/x" })
      const scheduled = yield* run(["schedule", "--to", "1", "--text", "x", "--in", "1h"])
      assert.strictEqual(scheduled.code, 1)
      assert.match(scheduled.err, /NATS/)
      const doctor = yield* run(["doctor"])
      assert.strictEqual(doctor.code, 4)
      assert.match(doctor.out, /problem +NATS/)
      assert.match(doctor.out, /problem +Postgres/)
      assert.notInclude(doctor.out + doctor.err, "secret")
    })
  )

  it.live("stores a command while no scheduler runs", () =>
    Effect.gen(function* () {
      const { run, services, database } = yield* everything
      yield* services.scheduler.stop
      const stored = yield* run(["schedule", "--id", "later", "--to", "1", "--text", "x", "--at", far])
      assert.strictEqual(stored.code, 0)
      assert.match(stored.out, /no scheduler is running/)
      yield* services.scheduler.start
      yield* eventually("scheduled", statusOf(database, "later"), (status) => status === "pending")
    })
  )

  it.live("doctor finds nothing wrong where all is well, and names what is missing", () =>
    Effect.gen(function* () {
      const { database, run, nats } = yield* everything
      const well = yield* run(["doctor", "--json"])
      assert.strictEqual(well.code, 0, well.out)
      const { findings, ok } = JSON.parse(well.out)
      assert.isTrue(ok)
      const details = new Map(
        findings.map(({ check, detail }: { check: string; detail: string }) => [check, detail] as const)
      )
      assert.match(String(details.get("platform webhook")), /addresses are url/)
      assert.match(String(details.get("storage")), /no limit: .*`carillon nats users --storage 40G`/)
      const secret = `whsec_${"A".repeat(32)}`
      const withSecrets = cli({ NATS_URL: nats.url, DATABASE_URL: database.url, WEBHOOK_SECRETS: `north=${secret}` })
      assert.match((yield* withSecrets(["doctor"])).out, /ok +webhook north/)
      const mistyped = cli({ NATS_URL: nats.url, DATABASE_URL: database.url, WEBHOOK_SECRETS: `north=${secret}A` })
      const { code, out } = yield* mistyped(["doctor"])
      assert.deepStrictEqual([code, /problem +webhook: WEBHOOK_SECRETS/.test(out)], [4, true])
      assert.notInclude(out, secret)
      yield* deleteStream(nats.url, "QUARANTINE")
      yield* deleteStream(nats.url, "OBJ_carillon-files")
      const ill = yield* run(["doctor"])
      assert.strictEqual(ill.code, 4)
      assert.match(ill.out, /problem +stream QUARANTINE: is missing/)
      assert.match(ill.out, /problem +object store: carillon-files is missing/)
    })
  )

  it.live("queues tells what waits, and who reads it", () =>
    Effect.gen(function* () {
      const { run, services } = yield* everything
      yield* run(["schedule", "--to", "1", "--text", "x", "--at", far])
      yield* services["telegram-gateway"].stop
      const places = JSON.parse((yield* run(["queues", "--json"])).out) as ReadonlyArray<Record<string, unknown>>
      const find = (name: string) => places.find(({ place }) => String(place).includes(name))
      assert.deepInclude(find("timers not yet due"), { waiting: 1 })
      assert.deepInclude(find("normal messages for telegram default"), { note: "nobody reads it" })
    })
  )

  it.live("rebuilds the ledger", () =>
    Effect.gen(function* () {
      const { run, database } = yield* everything
      yield* run(["schedule", "--id", "kept", "--to", "1", "--text", "x", "--at", far])
      yield* eventually("pending", statusOf(database, "kept"), (status) => status === "pending")
      const rebuilt = yield* run(["ledger", "rebuild"])
      assert.strictEqual(rebuilt.code, 0, rebuilt.err)
      assert.strictEqual(yield* statusOf(database, "kept"), "pending")
    })
  )
})

describe("carillon schedule", () => {
  it.live("sends files of this machine, places, buttons, and what a JSON file says", () =>
    Effect.gen(function* () {
      const { run, database, phones } = yield* everything
      const at = yield* folder
      const [scan, album] = [join(at, "scan 1.jpg"), join(at, "album.json")]
      writeFileSync(scan, "the bytes of a scan")
      const item = { type: "photo", file: { url: "https://clinic.example/a.jpg" } }
      writeFileSync(album, JSON.stringify({ type: "album", items: [item, item] }))
      const ids = yield* Effect.forEach(
        [
          ["photo", "--photo", scan, "--caption", "Your **scan**", "--format", "markdown", "--silent", "--protect"],
          [
            "again",
            "--document",
            "https://clinic.example/a.pdf",
            "--button",
            "Map=https://clinic.example/map",
            "--button",
            "Yes=reply:yes"
          ],
          ["place", "--location", "52.5,13.4", "--topic", "7", "--reply-to", "9"],
          ["album", "--content-file", album, "--silent"],
          ["text", "--text", "words", "--no-preview", "--kind", "medication", "--sender", "default"]
        ],
        ([id = "", ...content], index) =>
          Effect.gen(function* () {
            const scheduled = yield* run(["schedule", "--id", id, "--to", String(index + 1), "--in", "0s", ...content])
            assert.strictEqual(scheduled.code, 0, scheduled.err)
            yield* eventually(`${id} sent`, statusOf(database, id), (status) => status === "sent")
            return id
          })
      )
      const [photo, document, place, several, text] = ids.map((_, index) =>
        phones.received.find(({ chatId }) => chatId === String(index + 1))
      )
      assert.deepInclude(photo, { text: "Your scan", silent: true, protect: true })
      const upload = photo?.files[0]?.upload
      assert.deepStrictEqual([upload?.name, upload?.bytes.toString()], ["scan 1.jpg", "the bytes of a scan"])
      assert.strictEqual(document?.files[0]?.given, "https://clinic.example/a.pdf")
      assert.deepStrictEqual(
        document?.buttons.flat().map(({ text, url }) => [text, url]),
        [
          ["Map", "https://clinic.example/map"],
          ["Yes", undefined]
        ]
      )
      assert.deepInclude(place, { location: { latitude: 52.5, longitude: 13.4 }, topic: 7, replyTo: 9 })
      assert.deepInclude(several, { method: "sendMediaGroup", silent: true })
      assert.deepInclude(text, { text: "words", linkPreview: false })
      assert.strictEqual((yield* run(["schedule", "--to", "1", "--in", "0s"])).code, 2)
      assert.strictEqual((yield* run(["schedule", "--to", "1", "--in", "0s", "--text", "a", "--photo", scan])).code, 2)
      assert.strictEqual((yield* run(["schedule", "--to", "1", "--in", "0s", "--photo", join(at, "gone")])).code, 2)
      const wrong = yield* run([
        "schedule",
        "--to",
        "1",
        "--in",
        "0s",
        "--location",
        "95,13.4",
        "--button",
        "Go=ftp://x"
      ])
      assert.strictEqual(wrong.code, 2)
      for (const path of ["content.latitude", "content.buttons.0.0"]) assert.include(wrong.err, path)
    })
  )
})

describe("carillon files", () => {
  it.live("puts, lists and removes; the same file is kept once", () =>
    Effect.gen(function* () {
      const { nats, services } = yield* carillon()
      yield* services.scheduler.start
      const run = cli({ NATS_URL: nats.url })
      const path = join(yield* folder, "leaflet.pdf")
      writeFileSync(path, "bytes")
      const named = yield* run(["files", "put", path, "--name", "leaflet.pdf"])
      assert.strictEqual(named.out, "leaflet.pdf\n", named.err)
      const object = (yield* run(["files", "put", path])).out.trim()
      assert.match(object, /^sha256-/)
      assert.strictEqual((yield* run(["files", "put", path])).out.trim(), object)
      const listed = (yield* run(["files", "list", "--json"])).out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
      assert.deepStrictEqual(
        listed.map(({ name, size }) => [name, size]),
        [
          ["leaflet.pdf", 5],
          [object, 5]
        ]
      )
      assert.match((yield* run(["files", "list"])).out, /leaflet\.pdf +5 B/)
      assert.strictEqual((yield* run(["files", "remove", "leaflet.pdf"])).code, 0)
      assert.strictEqual((yield* run(["files", "remove", "leaflet.pdf"])).code, 3)
      assert.strictEqual((yield* run(["files", "put", path, "--name", "a/b"])).code, 2)
      assert.strictEqual((yield* run(["files", "put", `${path}.gone`])).code, 2)
    })
  )
})

describe("carillon import", () => {
  it.live("takes NDJSON and CSV, and reports the lines it refuses without their text", () =>
    Effect.gen(function* () {
      const { run, nats } = yield* everything
      const at = yield* folder
      const [ndjson, csv] = [join(at, "a.ndjson"), join(at, "b.csv")]
      const past = line("n3").replace(far, "2025-12-01T09:00:00.000Z")
      writeFileSync(ndjson, [line("n1"), "not json", line("n 2"), past].join("\n"))
      const nowhere = cli({ NATS_URL: "nats://127.0.0.1:1" })
      const tried = yield* nowhere(["import", ndjson, "--dry-run"])
      assert.include(tried.out, "2 good, of which 1 are past their deadline and will not be sent")
      assert.deepInclude(JSON.parse(readFileSync(`${ndjson}.expired.ndjson`, "utf8")), { line: 4, id: "n3" })
      writeFileSync(csv, `id,chatId,text,dueAt,metadata.ward\nc1,1,"Hello, ""you""",${far},7\nc2,1,,${far},\n`)
      assert.strictEqual((yield* nowhere(["import", csv])).code, 1)
      const first = yield* run(["import", ndjson, "--json"])
      assert.strictEqual(first.code, 2)
      assert.deepInclude(JSON.parse(first.out), { published: 2, refused: 2, expired: 1 })
      const report = readFileSync(`${ndjson}.rejected.ndjson`, "utf8")
      assert.deepStrictEqual(
        report
          .trim()
          .split("\n")
          .map((row) => JSON.parse(row).line),
        [2, 3]
      )
      assert.notInclude(report, "private words")
      assert.deepInclude(JSON.parse((yield* run(["import", csv, "--json"])).out), { published: 1, refused: 1 })
      const armed = ["c1", "n1"].map((id) => `carillon.timer.pending.${id}`)
      yield* eventually("armed", pendingTimers(nats.url), (subjects) => subjects.length === 2)
      assert.deepStrictEqual([...(yield* pendingTimers(nats.url))].sort(), armed)
    })
  )

  it.live("refuses what is not UTF-8, and publishes nothing of it", () =>
    Effect.gen(function* () {
      const { run, nats } = yield* everything
      const at = yield* folder
      const [csv, ndjson, text] = [join(at, "a.csv"), join(at, "b.ndjson"), join(at, "c.txt")]
      writeFileSync(csv, Buffer.from(`id,chatId,text,dueAt\nc1,1,Take \u00bd tablet,${far}\n`, "latin1"))
      writeFileSync(ndjson, Buffer.from(line("n1").replace("private words", "\u00b5g"), "latin1"))
      writeFileSync(text, Buffer.from("\u00bd tablet", "latin1"))
      for (const file of [csv, ndjson]) {
        const ended = yield* run(["import", file])
        assert.strictEqual(ended.code, 2, ended.out)
        assert.include(ended.err, "UTF-8")
      }
      const byFile = yield* run(["schedule", "--to", "1", "--text-file", text, "--in", "1h"])
      assert.strictEqual(byFile.code, 2, byFile.out)
      assert.deepStrictEqual(yield* pendingTimers(nats.url), [])
    })
  )

  it.live("broken off, does not end as if it were done", () =>
    Effect.gen(function* () {
      const { nats } = yield* everything
      const child = spawn(join(import.meta.dirname, "../../carillon"), ["import", "-", "--format", "ndjson"], {
        env: { PATH: process.env.PATH, NATS_URL: nats.url, ...nothingRuns },
        stdio: ["pipe", "ignore", "ignore"]
      })
      // It need not read all of it.
      child.stdin.on("error", () => {})
      child.stdin.write(`${Array.from({ length: 3_000 }, (_, index) => line(`b${index}`)).join("\n")}\n`)
      yield* eventually("some are armed", pendingTimers(nats.url), (subjects) => subjects.length > 0)
      const ended = Effect.callback<number | null>(
        (resume) => void child.once("close", (code) => resume(Effect.succeed(code)))
      )
      child.kill("SIGTERM")
      assert.strictEqual(yield* ended, 130)
    })
  )

  it.live("interrupted, goes on where it was, and ends with each message once", () =>
    Effect.gen(function* () {
      const { run, nats } = yield* everything
      const file = join(yield* folder, "many.ndjson")
      const count = 6_000
      writeFileSync(file, Array.from({ length: count }, (_, index) => line(`m${index}`)).join("\n"))
      // As an import leaves it that was killed after its first two batches.
      const digest = createHash("sha256")
      for (let index = 0; index < 4_000; index++) digest.update(`${line(`m${index}`)}\n`)
      const left = JSON.stringify({ line: 4_000, refused: 1, digest: digest.digest("base64url") })
      writeFileSync(`${file}.progress`, left)
      const resumed = yield* run(["import", file, "--json"])
      assert.deepInclude(JSON.parse(resumed.out), { published: 2_000, skipped: 4_000, refused: 1 })
      // One was refused before.
      assert.strictEqual(resumed.code, 2)
      // What it left is of another file of that name.
      writeFileSync(`${file}.progress`, left.replace(/"digest":"./, '"digest":"?'))
      const another = yield* run(["import", file, "--json"])
      assert.deepInclude(JSON.parse(another.out), { published: count, skipped: 0, refused: 0 })
      assert.include(another.err, "beginning anew")
      // And begun anew, what is there already stays one.
      yield* run(["import", file])
      yield* eventually("armed", pendingTimers(nats.url), (subjects) => subjects.length === count)
    })
  )
})
