// What goes from one account of NATS to another: all that publishers and monitoring are for, and the answers to it.
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { Svcm } from "@nats-io/services"
import { headers, type RequestError } from "@nats-io/transport-node"
import { Duration, Effect } from "effect"
import { accountsOf } from "#shared/nats/access/Accounts.ts"
import { nscCommands } from "#shared/nats/access/NscCommands.ts"
import { streams } from "#shared/nats/layout/Topology.ts"
import { eventually } from "../support/Carillon.ts"
import { provisioned, users, usersConfiguration } from "./Guarded.ts"

describe("a publisher, in an account of its own", () => {
  it.live("has its commands stored once, with their headers as they were, and is told so", () =>
    Effect.gen(function* () {
      const { connectAs } = yield* provisioned
      const js = jetstream(yield* connectAs("clinic"))
      const traced = headers()
      traced.set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
      const publish = Effect.promise(() =>
        js.publish("carillon.command.cancel", '{"id":"x"}', { msgID: "once", headers: traced })
      )
      assert.deepInclude(yield* publish, { stream: "COMMANDS", seq: 1, duplicate: false })
      assert.deepInclude(yield* publish, { seq: 1, duplicate: true })
      const operator = yield* connectAs("operator")
      const stored = yield* Effect.promise(async () =>
        (await jetstreamManager(operator)).streams.getMessage("COMMANDS", { seq: 1 })
      )
      assert.strictEqual(stored?.string(), '{"id":"x"}')
      assert.sameMembers(stored?.header.keys() ?? [], ["traceparent", "Nats-Msg-Id"])
      assert.strictEqual(stored?.header.get("traceparent"), traced.get("traceparent"))
    })
  )

  it.live("gets an answer that comes late, and from another process than the one it asked", () =>
    Effect.gen(function* () {
      const { connectAs } = yield* provisioned
      const asked = yield* connectAs("scheduler")
      const answering = yield* connectAs("scheduler")
      const clinic = yield* connectAs("clinic")
      const replies: Array<string> = []
      asked.subscribe("carillon.api.cancel", { callback: (_, { reply }) => void replies.push(reply ?? "") })
      yield* Effect.promise(() => asked.flush())
      const answer = clinic.request("carillon.api.cancel", "{}", { timeout: 30_000 })
      const [reply] = yield* eventually(
        "it was asked",
        Effect.sync(() => replies),
        ({ length }) => length > 0
      )
      // What is under way may take so long: a scheduler that is replaced, a command that waits its turn.
      yield* Effect.sleep(Duration.seconds(8))
      answering.publish(reply ?? "", "late")
      assert.strictEqual((yield* Effect.promise(() => answer)).string(), "late")
    })
  )

  it.live("is told at once where there is nobody to ask", () =>
    Effect.gen(function* () {
      const { connectAs } = yield* provisioned
      const clinic = yield* connectAs("clinic")
      const refused = yield* Effect.flip(
        Effect.tryPromise({
          try: () => clinic.request("carillon.api.cancel", "{}", { timeout: 30_000 }),
          catch: (error) => error as RequestError
        })
      )
      assert.isTrue(refused.isNoResponders())
    })
  )

  it.live("that is new is let in by a reload, and nothing that was stored is gone", () =>
    Effect.gen(function* () {
      const { connectAs, keys, nats } = yield* provisioned
      const js = jetstream(yield* connectAs("clinic"))
      yield* Effect.promise(() => js.publish("carillon.command.cancel", "{}"))
      const file = join(nats.storeDir, "nats-server.conf")
      const more = usersConfiguration([{ name: "lab", role: "publisher", commands: ["pause"] }], keys.folder)
      writeFileSync(file, readFileSync(file, "utf8").replace(keys.configuration, more))
      process.kill(Number(readFileSync(join(nats.storeDir, "nats-server.pid"), "utf8")), "SIGHUP")
      const stored = Effect.gen(function* () {
        const lab = jetstream(yield* connectAs("lab"))
        return yield* Effect.promise(() => lab.publish("carillon.command.pause", "{}"))
      }).pipe(Effect.catchDefect(() => Effect.succeed(undefined)))
      const acknowledged = yield* eventually("the new one is let in", stored, (ack) => ack !== undefined)
      assert.strictEqual(acknowledged?.seq, 2)
      assert.strictEqual((yield* Effect.promise(() => js.publish("carillon.command.cancel", "{}"))).seq, 3)
    })
  )
})

describe("monitoring, in an account of its own", () => {
  it.live("sees how much waits where, and each replica of a service", () =>
    Effect.gen(function* () {
      const { connectAs } = yield* provisioned
      for (const name of ["scheduler", "scheduler"]) {
        const connection = yield* connectAs(name)
        yield* Effect.promise(() => new Svcm(connection).add({ name: "carillon", version: "0.1.0" }))
      }
      const reader = yield* connectAs("reader")
      const found = yield* Effect.promise(async () => {
        const manager = await jetstreamManager(reader)
        const client = new Svcm(reader).client()
        const consumers = await manager.consumers.list("EVENTS").next()
        return {
          account: (await manager.getAccountInfo()).streams,
          names: await manager.streams.names().next(),
          listed: (await manager.streams.list().next()).map(({ state }) => state.messages),
          waiting: await manager.consumers.info("EVENTS", consumers[0]?.name ?? ""),
          replicas: (await Array.fromAsync(await client.ping())).length
        }
      })
      assert.includeMembers(found.names, Object.keys(streams))
      assert.strictEqual(found.account, found.names.length)
      assert.strictEqual(found.listed.length, found.names.length)
      assert.strictEqual(found.waiting.num_pending, 0)
      assert.strictEqual(found.replicas, 2)
    })
  )
})

describe("the commands for nsc", () => {
  it("let in the same users, and let those outside ask what the server's configuration does", () => {
    const lines = nscCommands(users, []).split("\n")
    const said = (pattern: RegExp) => lines.flatMap((line) => pattern.exec(line)?.[1] ?? [])
    assert.sameMembers(
      said(/^nsc add user --account \S+ --name (\S+)/),
      users.map(({ name }) => name)
    )
    const asked = accountsOf(users).flatMap(({ asks }) => asks)
    assert.sameMembers(said(/^nsc add export --account CARILLON --service .*--subject '(\S+)'/), [...new Set(asked)])
    assert.sameMembers(said(/^nsc add import .*--src-account CARILLON --remote-subject '(\S+)'/), asked)
  })
})
