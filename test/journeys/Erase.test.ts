// A person asks to be forgotten: their messages of every kind, with all services running, and what the disk keeps of them.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { Reply } from "../../deploy/local/BotApiStandIn.ts"
import { carillon, command, eventually, type Settings, statusOf } from "../support/Carillon.ts"
import { cli } from "../support/Cli.ts"
import { holds } from "../support/Figures.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { everythingStored, pendingTimers } from "../support/Streams.ts"

const person = "777000111"
const other = "888000222"
const words = "words for one person only"
const of = (chatId: string, text = words) => ({ recipient: { chatId }, content: { type: "text", text } })
const far = { dueAt: "2035-01-01T09:00:00Z" }

const started = Effect.fnUntraced(function* (settings: Settings = {}) {
  const all = yield* carillon(settings)
  yield* all.start
  const call = cli({ NATS_URL: all.nats.url, DATABASE_URL: all.database.url })
  return {
    ...all,
    run: (...args: ReadonlyArray<string>) => call(args),
    schedule: (...commands: ReadonlyArray<ReturnType<typeof command>>) => publishPlainly(all.nats.url, commands),
    becomes: (id: string, wanted: string) =>
      eventually(`${id} is ${wanted}`, statusOf(all.database, id), (now) => now === wanted),
    /** All rows of all tables, as text. */
    tables: Effect.gen(function* () {
      const names = yield* all.database.query(
        "select relname from pg_class where relnamespace = 'carillon'::regnamespace and relkind = 'r'"
      )
      const rows = yield* Effect.forEach(names, ({ relname }) =>
        all.database.query(`select * from carillon.${relname}`)
      )
      return JSON.stringify(rows)
    })
  }
})

const blocked = Reply.ApiError({ code: 403, description: "Forbidden: bot was blocked by the user" })

describe("a person who asks to be forgotten", () => {
  it.live("gets nothing of a series any more: it is cancelled, and holds nothing of them", () =>
    Effect.gen(function* () {
      const { nats, run } = yield* started()
      const series = (id: string, chatId: string) =>
        run(
          "series",
          "schedule",
          id,
          "--cron",
          "0 9 * * *",
          "--time-zone",
          "Europe/Berlin",
          "--to",
          chatId,
          "--text",
          words
        )
      for (const [id, chatId] of [
        ["theirs", person],
        ["not-theirs", other]
      ] as const)
        assert.strictEqual((yield* series(id, chatId)).code, 0)
      const erased = yield* run("erase", "--recipient", person, "--json")
      assert.strictEqual(erased.code, 0, erased.err + erased.out)
      assert.deepStrictEqual(JSON.parse(erased.out).left, {})
      const stored = (yield* everythingStored(nats.url)).join("\n")
      assert.notInclude(stored, person)
      assert.include(stored, other)
      assert.include((yield* run("series", "show", "theirs")).out, "cancelled")
      assert.include((yield* run("series", "show", "not-theirs")).out, "active")
    })
  )

  it.live("is known by a contact too: what waits for it is cancelled, and it is forgotten", () =>
    Effect.gen(function* () {
      const { becomes, nats, run, schedule } = yield* started()
      yield* schedule({
        subject: Subject.memory("contact", "telegram.default.p-7"),
        payload: JSON.stringify({ recipient: { chatId: person }, linkedAt: "2026-11-01T09:00:00.000Z" })
      })
      const toContact = (text: string) => ({ ...of("", text), recipient: { contact: "p-7" }, ...far })
      // Another sender's contacts are its own, whatever they are called.
      yield* schedule(
        command("by-contact", 0, toContact("for p-7 alone")),
        command("of-another", 0, { ...toContact("for another p-7"), sender: "north" })
      )
      for (const id of ["by-contact", "of-another"]) yield* becomes(id, "pending")
      const erased = yield* run("erase", "--recipient", person, "--json")
      assert.strictEqual(erased.code, 0, erased.err + erased.out)
      const contacts = ["telegram.default.p-7"]
      assert.deepInclude(JSON.parse(erased.out), { messages: 1, cancelled: 1, erased: 1, contacts, left: {} })
      const stored = (yield* everythingStored(nats.url)).join("\n")
      for (const theirs of [person, "for p-7 alone"]) assert.notInclude(stored, theirs)
      assert.include(stored, "for another p-7")
      yield* becomes("of-another", "pending")
      assert.include(stored, "recipient-unlinked")
      assert.notInclude((yield* run("link", "list")).out, "p-7")
    })
  )

  it.live("takes nothing from others whose message or series has the id of theirs", () =>
    Effect.gen(function* () {
      const { becomes, run, schedule } = yield* started()
      const every = ["--cron", "0 9 * * *", "--time-zone", "Europe/Berlin"]
      for (const [id, chatId] of [
        ["1042", person],
        ["1043", other]
      ] as const)
        assert.strictEqual((yield* run("series", "schedule", id, ...every, "--to", chatId, "--text", words)).code, 0)
      yield* schedule(
        command("1042", 0, { ...of(other), ...far }),
        command("1043", 0, { ...of(person), ...far }),
        command("1044", 0, { ...of(person, "something else"), ...far })
      )
      for (const id of ["1042", "1043", "1044"]) yield* becomes(id, "pending")
      assert.strictEqual((yield* run("erase", "--message", "1044")).code, 0)
      const erased = yield* run("erase", "--recipient", person, "--json")
      assert.strictEqual(erased.code, 0, erased.err + erased.out)
      assert.include((yield* run("series", "show", "1042")).out, "cancelled")
      assert.include((yield* run("series", "show", "1043")).out, "active")
      yield* becomes("1042", "pending")
      yield* becomes("1043", "cancelled")
      assert.strictEqual((yield* run("erase", "--message", "")).code, 2)
    })
  )

  it.live("is nowhere any more, while what became of their messages is, and everybody else", () =>
    Effect.gen(function* () {
      const { becomes, database, nats, phones, run, schedule, tables } = yield* started({
        answer: (request, method) =>
          method === "sendMessage" && JSON.stringify(request).includes("no thanks") ? blocked : undefined
      })
      yield* schedule(
        command("sent", 0, of(person)),
        command("given-up", 0, of(person, "no thanks")),
        command("waits", 0, { ...of(person), ...far }),
        command("second-channel", 0, {
          ...of("999", "x"),
          ...far,
          fallback: [{ platform: "telegram", ...of(person) }]
        }),
        command("theirs", 0, of(other)),
        command("theirs-waits", 0, { ...of(other), ...far })
      )
      yield* schedule({ subject: "carillon.event.failed.telegram", payload: `{"broken": "${person}` })
      for (const id of ["sent", "theirs"]) yield* becomes(id, "sent")
      yield* becomes("given-up", "failed")
      for (const id of ["waits", "second-channel", "theirs-waits"]) yield* becomes(id, "pending")

      const looked = yield* run("erase", "--recipient", person, "--dry-run")
      assert.strictEqual(looked.code, 0, looked.err)
      assert.include(looked.out, "4 messages")
      yield* becomes("waits", "pending")

      const sentBefore = phones.received.length
      const erased = yield* run("erase", "--recipient", person, "--reason", "asked by letter", "--json")
      assert.strictEqual(erased.code, 0, erased.err)
      assert.deepInclude(JSON.parse(erased.out), { messages: 4, cancelled: 2, erased: 4, underWay: [], left: {} })
      assert.notInclude(erased.out + erased.err, person)

      const stored = [...(yield* everythingStored(nats.url)), yield* tables]
      for (const theirs of [person, "no thanks"]) assert.notInclude(stored.join("\n"), theirs)
      // The same words were said to somebody else too.
      const said = stored.filter((line) => line.includes(words))
      assert.isAbove(said.length, 2)
      for (const line of said) assert.include(line, other)
      assert.deepStrictEqual(yield* pendingTimers(nats.url), ["carillon.timer.pending.theirs-waits"])
      const rows = yield* database.query(
        "select id, status, attempts, erased_at is null as kept from carillon.scheduled_messages order by id"
      )
      assert.deepStrictEqual(rows, [
        { id: "given-up", status: "failed", attempts: 1, kept: false },
        { id: "second-channel", status: "cancelled", attempts: 0, kept: false },
        { id: "sent", status: "sent", attempts: 1, kept: false },
        { id: "theirs", status: "sent", attempts: 1, kept: true },
        { id: "theirs-waits", status: "pending", attempts: 0, kept: true },
        { id: "waits", status: "cancelled", attempts: 0, kept: false }
      ])
      assert.match((yield* run("show", "sent", "--content")).out, /erased/)

      // A publisher that does not know, and says it again.
      const again = yield* run("schedule", "--id", "sent", "--to", person, "--text", words, "--in", "0s")
      assert.strictEqual(again.code, 2, again.out)
      assert.strictEqual(phones.received.length, sentBefore)
      assert.strictEqual((yield* run("dead", "show", "given-up")).code, 3)
      assert.strictEqual((yield* run("erase", "--recipient", person)).code, 3)

      yield* nats.stop
      const bytes = (stream: string) => {
        const folder = join(nats.storeDir, "jetstream/$G/streams", stream, "msgs")
        return readdirSync(folder)
          .filter((name) => name.endsWith(".blk"))
          .map((name) => readFileSync(join(folder, name)).toString("latin1"))
          .join()
      }
      assert.include(bytes("EVENTS"), other)
      for (const stream of ["EVENTS", "DEAD", "QUARANTINE"]) assert.notInclude(bytes(stream), person, stream)
    })
  )

  it.live("is told of as long as a message to them is being sent, and then is gone too", () =>
    Effect.gen(function* () {
      const { becomes, nats, phones, run, schedule, services } = yield* started({ processes: ["telegram-gateway"] })
      assert.strictEqual((yield* run("pause", "telegram")).code, 0)
      yield* holds(services["telegram-gateway"])
      yield* schedule(command("in-hand", 0, of(person)))
      yield* becomes("in-hand", "processing")
      const tooEarly = yield* run("erase", "--recipient", person, "--wait", "1")
      assert.strictEqual(tooEarly.code, 4, tooEarly.err)
      assert.include(tooEarly.err, "in-hand")
      yield* run("resume", "telegram")
      yield* becomes("in-hand", "sent")
      assert.strictEqual(phones.received.length, 1)
      const erased = yield* run("erase", "--recipient", "-", "--json")
      assert.strictEqual(erased.code, 2, "the address on standard input is empty")
      assert.strictEqual((yield* run("erase", "--recipient", person)).code, 0)
      assert.notInclude((yield* everythingStored(nats.url)).join("\n"), person)
    })
  )

  it.live("is not erased while nobody can cancel what waits for them", () =>
    Effect.gen(function* () {
      const { becomes, nats, run, schedule, services } = yield* started()
      yield* schedule(command("waits", 0, { ...of(person), ...far }))
      yield* becomes("waits", "pending")
      yield* services.scheduler.stop
      const refused = yield* run("erase", "--message", "waits", "--wait", "1")
      assert.strictEqual(refused.code, 1)
      assert.include(refused.err, "no scheduler is running")
      assert.deepStrictEqual(yield* pendingTimers(nats.url), ["carillon.timer.pending.waits"])
    })
  )
})
