// The examples, run as their README says, against a real server.
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connect, headers as natsHeaders } from "@nats-io/transport-node"
import { Effect } from "effect"
import { readAll } from "#shared/nats/messages/ReadAll.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { callbackData } from "../../services/telegram-gateway/ReplyButtons.ts"
import { followerFlags, guarded } from "../security/Guarded.ts"
import { carillon, eventually } from "../support/Carillon.ts"
import { clinic } from "../support/Clinic.ts"
import { compileCache } from "../support/CompileCache.ts"
import { installed } from "../support/Missing.ts"
import { eventsOf } from "../support/Streams.ts"
import { testNats } from "../support/servers/TestNats.ts"

const root = join(import.meta.dirname, "../..")
const due = "2030-01-01T09:00:00Z"

const examples = [
  ["node/schedule.mjs", process.execPath],
  ["node/request.mjs", process.execPath],
  ["node/cloudevent.mjs", process.execPath],
  ["python/schedule_stdlib.py", "python3"],
  ["shell/schedule.sh", "bash"]
] as const

/** What the example needs to know to connect, run as its README says. */
const run = (path: string, command: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
  Effect.promise(() =>
    // Where a letter may be several bytes.
    promisify(execFile)(command, [join(root, "examples", path), ...args], {
      env: { PATH: process.env.PATH, ...compileCache, LANG: "C.UTF-8", ...env }
    })
  )

/** What it says, and with which code it ends. */
const ending = (path: string, command: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
  Effect.callback<{ readonly code: number; readonly said: string }>((resume) => {
    execFile(
      command,
      [join(root, "examples", path), ...args],
      { env: { PATH: process.env.PATH, ...compileCache, LANG: "C.UTF-8", ...env } },
      (error, stdout, stderr) => resume(Effect.succeed({ code: error ? Number(error.code) : 0, said: stdout + stderr }))
    )
  })

/** An example that goes on until the scope closes. */
const following = (name: string, env: Readonly<Record<string, string>>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      let out = ""
      const child = spawn(process.execPath, [join(root, `examples/node/${name}.mjs`)], {
        env: { PATH: process.env.PATH, ...compileCache, ...env }
      })
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk) => {
          out += chunk
        })
      return {
        child,
        says: (line: RegExp) =>
          eventually(
            String(line),
            Effect.sync(() => out),
            (all) => line.test(all)
          )
      }
    }),
    // Only when it is gone does it miss what follows.
    ({ child }) =>
      Effect.promise(async () => {
        child.kill()
        if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
      })
  )

describe("the examples", () => {
  it.live("each schedule the message they are told to", () =>
    Effect.gen(function* () {
      const { nats, services } = yield* carillon()
      yield* services.scheduler.start
      const expected: Array<string> = []
      for (const [index, [path, command]] of examples.entries()) {
        if (!installed(command)) continue
        const id = `example-${index}`
        yield* run(path, command, [id, due, "4711"], { NATS_URL: nats.url })
        expected.push(id)
      }
      const scheduled = yield* eventually(
        "all scheduled",
        eventsOf(nats.url, "carillon.event.scheduled.>"),
        (events) => events.length === expected.length
      )
      const found = scheduled.map(({ message }) => message as Record<string, unknown>)
      assert.deepStrictEqual(found.map(({ id }) => id).sort(), expected.sort())
      for (const message of found) {
        assert.deepInclude(message, { dueAt: "2030-01-01T09:00:00.000Z", recipient: { chatId: "4711" } })
      }
    })
  )

  it.live("in Node are let in with the seed of a publisher or follower, and hear the answer in its inbox", () =>
    Effect.gen(function* () {
      const { connectAs, keys, nats, runAs, services } = yield* guarded()
      const provisioned = yield* runAs("provisioner")(["nats", "provision", ...followerFlags])
      assert.strictEqual(provisioned.code, 0, provisioned.err)
      yield* services.scheduler.start
      const operator = yield* connectAs("operator")
      const log = jetstream(operator)
      const inNode = examples.filter(([path]) => path.startsWith("node/")).map(([path]) => path)
      for (const path of inNode)
        yield* run(path, process.execPath, [path.replace(/\W/g, "-"), due, "4711"], {
          NATS_URL: nats.url,
          ...keys.environmentOf("clinic")
        })
      const scheduled = Effect.promise(() => {
        let count = 0
        return readAll(log, "EVENTS", { filter_subjects: "carillon.event.scheduled.>" }, () => count++).then(
          () => count
        )
      })
      yield* eventually("all scheduled", scheduled, (count) => count === inNode.length)

      const told = [
        ["outcomes", "sent", { type: "sent", id: "m-1" }],
        ["desk", "opted-out", { type: "opted-out", contacts: ["p-1"] }]
      ] as const
      const asGateway = jetstream(yield* connectAs("telegram-gateway"))
      const named = { OUTCOMES_CONSUMER: "outcomes", INBOUND_CONSUMER: "desk" }
      const manager = yield* Effect.promise(() => jetstreamManager(operator))
      for (const [user, type, event] of told) {
        const ceId = natsHeaders()
        ceId.set("ce-id", `${user}-1`)
        yield* Effect.promise(() =>
          asGateway.publish(`carillon.event.${type}.telegram`, JSON.stringify(event), { headers: ceId })
        )
        const path = user === "desk" ? "inbound" : "outcomes"
        const { says } = yield* following(path, { NATS_URL: nats.url, ...named, ...keys.environmentOf(user) })
        yield* says(new RegExp(`^${user}-1: .*-1 `, "m"))
        yield* eventually(
          "it is settled",
          Effect.promise(() => manager.consumers.info("EVENTS", user)),
          ({ num_ack_pending, num_pending }) => num_ack_pending + num_pending === 0
        )
      }
    })
  )

  it.live("hear what patients do, and do not miss what happened while nobody listened", () =>
    Effect.gen(function* () {
      const { nats, people, run, start, told, token } = yield* clinic()
      yield* start
      const listening = following("inbound", { NATS_URL: nats.url })
      people.pressesStart(4711, yield* token("p-1"))
      yield* Effect.scoped(
        Effect.flatMap(listening, ({ says }) => says(/^telegram.default.update-1.*: p-1 recipient-linked$/m))
      )
      people.pressesButton(4711, callbackData("m", "will-come"))
      people.writes(4711, "stop")
      yield* told("opted-out", 1)
      yield* run(["link", "remove", "p-1"])
      const { says } = yield* listening
      const all = yield* says(/p-1 recipient-unlinked/)
      assert.match(all, /p-1 answered will-come to a message long ago/)
      assert.match(all, /p-1 wants no more messages/)
    })
  )

  it.live("that wait for an answer say so when it is a refusal", () =>
    Effect.gen(function* () {
      const { nats, services } = yield* carillon()
      yield* services.scheduler.start
      const code = yield* Effect.promise(() =>
        promisify(execFile)(process.execPath, [join(root, "examples/node/request.mjs"), "bad id", due], {
          env: { PATH: process.env.PATH, NATS_URL: nats.url }
        }).then(
          () => 0,
          (error: { readonly code: number }) => error.code
        )
      )
      assert.strictEqual(code, 1)
    })
  )

  it.live.each([
    ["accepted", 0, /^m-1: accepted$/m],
    ["rejected", 1, /m-1: refused: .*must be in the future/],
    ["nobody asked, stored", 0, /^m-1: stored, not checked$/m],
    ["nobody asked, not stored", 1, /m-1: not stored, .*with the same ID/]
  ] as const)("in the shell, with the nats command, tell what became of it: %s", ([answer, code, says]) =>
    Effect.gen(function* () {
      // As natscli does: it ends with 0 whether or not there was an answer, and looks at no header of one.
      const stub = `#!/bin/sh
case "$* / $ANSWER" in
  *carillon.api.schedule*/*accepted) echo '{"status":"accepted","id":"m-1"}' ;;
  *carillon.api.schedule*/*rejected) echo '{"status":"rejected","problems":[{"path":"dueAt","problem":"must be in the future"}]}' ;;
  *carillon.command.schedule*", stored") echo '{"stream":"COMMANDS","seq":7}' ;;
  *) echo "No responders are available" >&2 ;;
esac
`
      const folder = yield* temporaryFolder("stub")
      writeFileSync(join(folder, "nats"), stub, { mode: 0o755 })
      const ended = yield* ending("shell/schedule.sh", "bash", ["m-1", due], {
        PATH: `${folder}:${process.env.PATH}`,
        ANSWER: answer
      })
      assert.strictEqual(ended.code, code, ended.said)
      assert.match(ended.said.trim(), says)
    })
  )

  it.live("make up no id, and claim nothing that nobody has stored", () =>
    Effect.gen(function* () {
      const { url } = yield* testNats
      const here = examples.filter(([, command]) => installed(command))
      const asked = yield* Effect.forEach(here, ([path, command]) => ending(path, command, [], { NATS_URL: url }))
      const tried = yield* Effect.forEach(
        here,
        ([path, command]) => ending(path, command, ["m-1", due], { NATS_URL: url }),
        { concurrency: 2 }
      )
      for (const [index, [path]] of here.entries()) {
        assert.strictEqual(asked[index]?.code, 2, path)
        assert.include(asked[index]?.said, "ID DUE_AT", path)
        assert.strictEqual(tried[index]?.code, 1, path)
        assert.include(tried[index]?.said, "with the same ID", path)
        assert.notMatch(tried[index]?.said ?? "", /^m-1: (published|stored)/m, path)
      }
    })
  )

  it.live("that ask say the same again when the streams were out of reach", () =>
    Effect.gen(function* () {
      const { url } = yield* testNats
      const connection = yield* Effect.acquireRelease(
        Effect.promise(() => connect({ servers: url })),
        (open) => Effect.promise(() => open.close())
      )
      const heard: Array<string> = []
      connection.subscribe("carillon.api.schedule", {
        callback: (_, message) => {
          heard.push(message.string())
          // As a scheduler does that cannot store it: a code, and no payload.
          const outOfReach = natsHeaders()
          outOfReach.set("Nats-Service-Error-Code", "503")
          if (heard.length === 1) message.respond("", { headers: outOfReach })
          else message.respond(JSON.stringify({ status: "accepted", id: "m-1" }))
        }
      })
      yield* Effect.promise(() => connection.flush())
      const ended = yield* ending("node/request.mjs", process.execPath, ["m-1", due], { NATS_URL: url })
      assert.strictEqual(ended.code, 0, ended.said)
      assert.strictEqual(heard.length, 2)
      assert.strictEqual(heard[0], heard[1])
    })
  )
})
