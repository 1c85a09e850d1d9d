// What strangers may bring is bounded in size, depth, count and time, and what is beyond is refused in words.
import { mkdirSync, truncateSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { connect as natsConnect, headers as natsHeaders } from "@nats-io/transport-node"
import { Effect, Result } from "effect"
import { commandBody } from "#shared/contract/CloudEvents.ts"
import { type CommandName, commandNames } from "#shared/contract/Commands.ts"
import { decodeCommand } from "#shared/contract/Submission.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { carillon, command, eventually } from "../support/Carillon.ts"
import { cli } from "../support/Cli.ts"
import { hostedService } from "../support/host/Hosted.ts"
import { everythingStored } from "../support/Streams.ts"
import { testNats } from "../support/servers/TestNats.ts"

/** As much as fits into one message of NATS. */
const mostBytes = 1_048_576
const nested = (open: string, close: string, bytes: number) => {
  const depth = Math.floor(bytes / (open.length + close.length))
  return `${open.repeat(depth)}1${close.repeat(depth)}`
}
const whole = { id: "x", platform: "telegram", recipient: { chatId: "1" }, dueAt: "2031-01-01T00:00:00Z" }
const withField = (name: string, value: unknown) => JSON.stringify({ ...whole, [name]: value })

/** Of so many bytes each, about. */
const hostile = (bytes: number): Readonly<Record<string, string>> => {
  const fill = <A>(each: (n: number) => A, size: number) =>
    Array.from({ length: Math.floor(bytes / size) }, (_, n) => each(n))
  const long = "x".repeat(bytes - 1_000)
  return {
    "arrays in arrays": nested("[", "]", bytes),
    "objects in objects": nested('{"a":', "}", bytes),
    "deep content": `{"id":"x","content":${nested('{"a":', "}", bytes).slice(0, -100)}`,
    "many unknown fields": JSON.stringify(Object.fromEntries(fill((n) => [`field${n}`, 1], 16))),
    "a long name of a field": JSON.stringify({ [long]: 1 }),
    "a long id": withField("id", long),
    "much metadata": withField("metadata", Object.fromEntries(fill((n) => [`key ${n}`, "x"], 20))),
    "many fallbacks": withField(
      "fallback",
      fill(() => ({ a: 1 }), 8)
    ),
    "many tiers": withField(
      "retry",
      fill(() => ({ a: 1 }), 8)
    ),
    "a large album": withField("content", { type: "album", items: fill(() => ({}), 3) }),
    "many buttons": withField("content", { type: "text", text: "x", buttons: fill(() => [{}], 5) }),
    "a long text": withField("content", { type: "text", text: long }),
    "a number without end": `{"id":${"9".repeat(bytes - 1_000)}}`,
    "a recurrence": withField("recurrence", { rrule: `FREQ=DAILY;BYHOUR=${"1,".repeat(bytes / 2 - 1_000)}` }),
    "a command in base64": JSON.stringify({
      data_base64: Buffer.from(nested("[", "]", bytes))
        .toString("base64")
        .slice(0, bytes - 1_000)
    })
  }
}

describe("a command", () => {
  it("of whatever shape is refused with few and short problems", () => {
    for (const name of commandNames) {
      // The others are of the same fields: one of them is given as much of each as there can be.
      for (const [what, payload] of Object.entries(hostile(name === "schedule" ? mostBytes : mostBytes / 8))) {
        const found = Result.flatMap(
          Result.mapError(
            commandBody(Buffer.from(payload), () => undefined),
            (problems) => ({ problems })
          ),
          (json) => decodeCommand(name as CommandName, json)
        )
        assert.isTrue(Result.isFailure(found), `${what} as ${name}`)
        if (Result.isFailure(found)) assert.isBelow(JSON.stringify(found.failure).length, 20_000, `${what} as ${name}`)
      }
    }
  })

  it.live("brings nothing into the log by its headers that is no trace", () =>
    Effect.gen(function* () {
      const { nats, services, start } = yield* carillon({ services: ["scheduler", "dispatcher", "ledger"] })
      yield* start
      const connection = yield* Effect.acquireRelease(
        Effect.promise(() => natsConnect({ servers: nats.url })),
        (connection) => Effect.promise(() => connection.close())
      )
      const headers = natsHeaders()
      for (const name of ["traceparent", "ce-traceparent"])
        headers.set(name, `00-CANARY${"x".repeat(10_000)}-CANARY-01`)
      headers.set("carillon-reply-to", `carillon.event.CANARY.${"x".repeat(10_000)}`)
      connection.publish("carillon.command.schedule", command("x", 3_600_000).payload, { headers })
      yield* eventually("scheduled", everythingStored(nats.url), (all) =>
        all.some((one) => one.includes("carillon.event.scheduled.telegram.x"))
      )
      connection.publish("carillon.command.cancel", JSON.stringify({ id: "x" }), { headers })
      const stored = yield* eventually("cancelled", everythingStored(nats.url), (all) =>
        all.some((one) => one.includes("carillon.event.cancelled"))
      )
      assert.isFalse(stored.some((one) => !one.startsWith("COMMANDS") && one.includes("CANARY")))
      for (const { output } of Object.values(services)) assert.notInclude(output(), "CANARY")
    })
  )
})

describe("a service over HTTP", () => {
  it.live("refuses long headers, and does not wait for who is slow", () =>
    Effect.gen(function* () {
      const nats = yield* testNats
      const { start, url } = yield* hostedService("dispatcher", { NATS_URL: nats.url })
      const made = yield* cli({ NATS_URL: nats.url })(["nats", "provision"])
      assert.strictEqual(made.code, 0, made.err)
      yield* start
      const answered = (sent: string) =>
        Effect.callback<string>((resume) => {
          const { hostname, port } = new URL(url)
          let answer = ""
          const socket = connect(Number(port), hostname, () => socket.write(sent))
          socket.on("data", (data) => {
            answer += data
          })
          socket.on("error", () => {})
          socket.on("close", () => resume(Effect.succeed(answer)))
          return Effect.sync(() => socket.destroy())
        })
      assert.match(yield* answered(`GET /livez HTTP/1.1\r\nhost: x\r\nx: ${"x".repeat(20_000)}\r\n\r\n`), /431/)
      assert.match(yield* answered("GET /livez HTTP/1.1\r\nhost: x\r\nx: "), /408/)
    })
  )
})

describe("the command line", () => {
  it.live("takes no file, line or standard input without end", () =>
    Effect.gen(function* () {
      const nats = yield* testNats
      const run = cli({ NATS_URL: nats.url })
      assert.strictEqual((yield* run(["nats", "provision"])).code, 0)
      const folder = yield* temporaryFolder("bounds")
      mkdirSync(folder, { recursive: true })
      const at = (name: string, content: string) => {
        writeFileSync(join(folder, name), content)
        return join(folder, name)
      }
      const line = "x".repeat(2_000_000)
      const large = at("large.pdf", "")
      truncateSync(large, 51 * 1_048_576)
      for (const [args, input, says] of [
        [["import", at("long.ndjson", line)], "", /line 1 is longer than a command can be/],
        [
          ["import", at("long.csv", `id,chatId,text,dueAt\n1,1,"${line}`)],
          "",
          /line 2 is longer than a command can be/
        ],
        [["files", "put", large], "", /larger than 50 MiB/],
        [["schedule", "--to", "1", "--text", "-", "--in", "1h"], line, /cannot read standard input/],
        [["erase", "--recipient", "-"], line, /cannot read the address from standard input: it is too long/]
      ] as const) {
        const ended = yield* run(args, input)
        assert.strictEqual(ended.code, 2, `${args.join(" ")}: ${ended.err}`)
        assert.match(ended.err, says)
      }
    })
  )
})
