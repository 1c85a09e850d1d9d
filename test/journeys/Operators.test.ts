// What operators decide: dead letters and unknown outcomes; and further channels. Holding and letting go: test/gateway.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reply } from "../../deploy/local/BotApiStandIn.ts"
import { carillon, command, eventually, type Settings, statusOf } from "../support/Carillon.ts"
import { cli } from "../support/Cli.ts"
import { publishPlainly } from "../support/PlainClient.ts"

const started = Effect.fnUntraced(function* (settings: Settings = {}) {
  const all = yield* carillon(settings)
  yield* all.start
  const call = cli({ NATS_URL: all.nats.url, DATABASE_URL: all.database.url })
  const run = (...args: ReadonlyArray<string>) => call(args)
  const status = (id: string) => statusOf(all.database, id)
  const becomes = (id: string, wanted: string) => eventually(`${id} is ${wanted}`, status(id), (now) => now === wanted)
  const schedule = (...commands: ReadonlyArray<ReturnType<typeof command>>) => publishPlainly(all.nats.url, commands)
  return { ...all, run, becomes, schedule }
})

const blocked = Reply.ApiError({ code: 403, description: "Forbidden: bot was blocked by the user" })

describe("an operator", () => {
  it.live("finds what was given up, sends it after all, or forgets it", () =>
    Effect.gen(function* () {
      let refusing = true
      const { becomes, database, phones, run, schedule } = yield* started({
        answer: (_, method) => (refusing && method === "sendMessage" ? blocked : undefined)
      })
      yield* schedule(...["again", "gone", "off"].map((id) => command(id, 0)))
      for (const id of ["again", "gone", "off"]) yield* becomes(id, "failed")
      const list = yield* run("dead", "list", "--json")
      assert.sameMembers(
        list.out
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line).message.id),
        ["again", "gone", "off"]
      )
      assert.notInclude(list.out, "text of")
      assert.include((yield* run("dead", "show", "again", "--content")).out, "text of again")
      assert.strictEqual((yield* run("dead", "drop", "gone")).code, 0)
      assert.strictEqual((yield* run("dead", "show", "gone")).code, 3)
      // What its clinic has cancelled since, no order for all of them sends.
      for (const _ of ["first", "again"]) assert.include((yield* run("cancel", "off")).out, "cancelled")
      refusing = false
      assert.strictEqual((yield* run("dead", "redrive", "--all")).code, 0)
      yield* becomes("again", "sent")
      yield* becomes("off", "failed")
      assert.strictEqual((yield* run("dead", "list")).out.trim(), "none")
      assert.strictEqual((yield* run("dead", "redrive", "again")).code, 3)
      assert.strictEqual(phones.received.length, 1)
      const attempts = yield* database.query(
        "select attempt, outcome from carillon.message_delivery_attempts where message_id = 'again' order by attempt"
      )
      assert.deepStrictEqual(attempts, [
        { attempt: 1, outcome: "failed" },
        { attempt: 2, outcome: "sent" }
      ])
    })
  )

  it.live("decides what nobody knows: it came, it did not, or send it again", () =>
    Effect.gen(function* () {
      let lost = true
      const { becomes, database, phones, run, schedule } = yield* started({
        answer: (_, method) => (lost && method === "sendMessage" ? Reply.Reset({ delivered: true }) : undefined)
      })
      const held = { unknownOutcome: "hold" }
      yield* schedule(command("came", 0, held), command("lost", 0, held), command("again", 0, held))
      for (const id of ["came", "lost", "again"]) yield* becomes(id, "unknown")
      lost = false
      assert.strictEqual((yield* run("dead", "redrive", "came")).code, 2)
      assert.strictEqual((yield* run("resolve", "came", "--as", "sent")).code, 0)
      assert.strictEqual((yield* run("resolve", "lost", "--as", "failed")).code, 0)
      assert.strictEqual((yield* run("resolve", "again", "--as", "resend")).code, 0)
      yield* becomes("came", "sent")
      yield* becomes("lost", "failed")
      yield* becomes("again", "sent")
      assert.strictEqual(phones.received.filter(({ text }) => text === "text of again").length, 2)
      const doubled = yield* database.query("select id from carillon.scheduled_messages where possible_duplicate")
      assert.deepStrictEqual(doubled, [{ id: "again" }])
      assert.include((yield* run("dead", "list")).out, "lost")
    })
  )
})

describe("a message with further channels", () => {
  it.live("goes on by another bot when the first cannot reach the patient, and is one message", () =>
    Effect.gen(function* () {
      const { becomes, database, phones, schedule } = yield* started({
        answer: ({ chatId }, method) => (method === "sendMessage" && chatId === "1" ? blocked : undefined),
        environment: { TELEGRAM_BOT_TOKENS: "second=2:other" }
      })
      const fallback = [{ platform: "telegram", sender: "second", recipient: { chatId: "2" } }]
      yield* schedule(command("m", 0, { recipient: { chatId: "1" }, fallback }))
      yield* becomes("m", "sent")
      assert.deepStrictEqual(
        phones.requests.map(({ bot, chatId }) => [bot, chatId]),
        [
          ["1", "1"],
          ["2", "2"]
        ]
      )
      const attempts = yield* database.query(
        "select attempt, sender, outcome from carillon.message_delivery_attempts order by attempt"
      )
      assert.deepStrictEqual(attempts, [
        { attempt: 1, sender: "default", outcome: "failed" },
        { attempt: 2, sender: "second", outcome: "sent" }
      ])
    })
  )

  it.live("follows a chat that moved, once", () =>
    Effect.gen(function* () {
      const moved = (to: number) =>
        Reply.ApiError({
          code: 400,
          description: "Bad Request: group chat was upgraded to a supergroup chat",
          parameters: { migrate_to_chat_id: to }
        })
      const { becomes, phones, schedule } = yield* started({
        answer: ({ chatId }, method) =>
          method !== "sendMessage"
            ? undefined
            : chatId === "-1"
              ? moved(-1001)
              : chatId === "-2"
                ? moved(-2)
                : undefined
      })
      yield* schedule(
        command("moved", 0, { recipient: { chatId: "-1" } }),
        command("circle", 0, { recipient: { chatId: "-2" } })
      )
      yield* becomes("moved", "sent")
      yield* becomes("circle", "failed")
      assert.deepStrictEqual(
        phones.received.map(({ chatId }) => chatId),
        ["-1001"]
      )
    })
  )
})
