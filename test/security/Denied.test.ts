// What each user may not, tried for real with its own credentials on a real server: nothing of it is done.
import { execFile } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { headers, type NatsConnection, PermissionViolationError } from "@nats-io/transport-node"
import { Effect } from "effect"
import { inject } from "vitest"
import { publicKey } from "#shared/nats/access/KeyFiles.ts"
import { fixedConsumers, gatewayConsumers, streams } from "#shared/nats/layout/Topology.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { natsUsers } from "../../docs/generate/NatsUsers.ts"
import { cli } from "../support/Cli.ts"
import { testNatsWith } from "../support/servers/TestNats.ts"
import { guarded, keyring, provisioned, users, violations } from "./Guarded.ts"

type Try = readonly [what: string, by: "publish" | "subscribe", subject: string]

const publishes = (...subjects: ReadonlyArray<string>) => subjects.map((one): Try => [`publish ${one}`, "publish", one])
const hears = (...subjects: ReadonlyArray<string>) => subjects.map((one): Try => [`hear ${one}`, "subscribe", one])

const takingFrom = (...durables: ReadonlyArray<readonly [string, string]>) =>
  publishes(...durables.map(([stream, durable]) => `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`))

/** Nobody but the provisioner makes, changes or empties what all stand on; nobody hears what is not said to them. */
const nobody = [
  ...hears(">", "carillon.>", "carillon.command.>", "carillon.timer.>", "_INBOX.>", "_INBOX.other.>"),
  ...hears("$JS.ACK.>", "$JS.EVENT.>", "carillon.memory.>", "$O.>"),
  ...publishes("$JS.API.STREAM.DELETE.TIMERS", "$JS.API.STREAM.DELETE.EVENTS", "$JS.API.STREAM.PURGE.TIMERS"),
  ...publishes("$JS.API.STREAM.PURGE.EVENTS", "$JS.API.STREAM.PURGE.COMMANDS", "$JS.API.STREAM.SNAPSHOT.EVENTS"),
  ...publishes("$JS.API.STREAM.CREATE.MINE"),
  ...publishes("$JS.API.CONSUMER.DELETE.COMMANDS.scheduler", "$JS.API.CONSUMER.DELETE.EVENTS.dispatcher-failures"),
  ...publishes(
    "$JS.API.CONSUMER.CREATE.TIMERS.mine",
    "$JS.API.CONSUMER.DURABLE.CREATE.EVENTS.mine",
    "$SYS.REQ.SERVER.PING"
  )
]

/** For nobody but operators, who look at everything. */
const watches = hears("carillon.event.>", "carillon.event.sent.*")

/** Another system's consumer is nobody else's, operators included. */
const followersConsumers = [
  ...takingFrom(["EVENTS", "outcomes"]),
  ...publishes(
    "$JS.API.CONSUMER.DELETE.EVENTS.outcomes",
    "$JS.API.CONSUMER.CREATE.EVENTS.outcomes",
    "$JS.API.CONSUMER.CREATE.EVENTS.outcomes.carillon.event.>",
    "$JS.ACK.EVENTS.outcomes.1.1.1.1.1"
  )
]

/** For nobody but the scheduler, which takes out what was done and stayed. */
const removesWork = publishes("$JS.API.STREAM.MSG.DELETE.TIMERS", "$JS.API.STREAM.MSG.DELETE.COMMANDS")

const changesStreams = publishes("$JS.API.STREAM.CREATE.EVENTS", "$JS.API.STREAM.UPDATE.TIMERS")
const changesConsumers = publishes(
  "$JS.API.CONSUMER.CREATE.EVENTS.dispatcher-failures",
  "$JS.API.CONSUMER.CREATE.EVENTS.telegram-gateway-default-urgent.carillon.event.>",
  "$JS.API.CONSUMER.DURABLE.CREATE.COMMANDS.scheduler"
)
const schedules = publishes(
  "carillon.timer.pending.x",
  "carillon.timer.due.telegram",
  "carillon.timer.changed.telegram.x"
)
const commands = publishes("carillon.command.schedule", "carillon.command.pause", "carillon.api.schedule")
const readsContent = publishes(
  ...["EVENTS", "TIMERS", "COMMANDS", "MEMORY", "DEAD", "SERIES", "SENDERS", "QUARANTINE"].flatMap((name) => [
    `$JS.API.STREAM.MSG.GET.${name}`,
    `$JS.API.DIRECT.GET.${name}`,
    `$JS.API.DIRECT.GET.${name}.>`.replace(">", "carillon.x")
  ])
)
const answersForOthers = hears("carillon.api.schedule", "carillon.api.create-link", "$SRV.PING")

const tries: Readonly<Record<string, ReadonlyArray<Try>>> = {
  scheduler: [
    ...changesStreams,
    ...changesConsumers,
    ...takingFrom(["TIMERS", "dispatcher"], ["EVENTS", "telegram-gateway-default-urgent"]),
    ...publishes("carillon.event.sent.telegram", "carillon.event.dispatched.telegram.default.urgent"),
    ...publishes(
      "carillon.sender.telegram.default.lease",
      "carillon.memory.file.telegram.default.x",
      "$O.carillon-files.M.x",
      "$JS.API.STREAM.MSG.DELETE.EVENTS"
    )
  ],
  dispatcher: [
    ...changesStreams,
    ...changesConsumers,
    ...commands,
    ...schedules,
    ...answersForOthers,
    ...takingFrom(["COMMANDS", "scheduler"], ["EVENTS", "telegram-gateway-default-urgent"]),
    ...publishes("carillon.event.cancelled.telegram", "carillon.event.sent.telegram", "carillon.series.x"),
    ...publishes("$JS.API.STREAM.MSG.GET.MEMORY", "$JS.API.DIRECT.GET.TIMERS", "_INBOX.clinic.x")
  ],
  "telegram-gateway": [
    ...changesStreams,
    ...changesConsumers,
    ...commands,
    ...schedules,
    ...answersForOthers,
    ...takingFrom(
      ["COMMANDS", "scheduler"],
      ["TIMERS", "dispatcher"],
      ["EVENTS", "dispatcher-failures"],
      ["EVENTS", "webhook-gateway-default-urgent"]
    ),
    ...publishes("carillon.event.scheduled.telegram.x", "carillon.event.dispatched.telegram.default.urgent"),
    ...publishes(
      "carillon.event.sent.webhook",
      "carillon.sender.webhook.default.lease",
      "carillon.sender.telegram.default.orders"
    ),
    ...publishes("carillon.memory.contact.webhook.default.x", "carillon.dead.telegram.x", "$O.carillon-files.C.x"),
    ...publishes(
      "$JS.API.STREAM.MSG.GET.TIMERS",
      "$JS.API.STREAM.MSG.GET.COMMANDS",
      "$JS.ACK.EVENTS.webhook-gateway-default-urgent.1.1.1.1.1"
    )
  ],
  "webhook-gateway": [
    ...changesStreams,
    ...changesConsumers,
    ...commands,
    ...schedules,
    ...takingFrom(["EVENTS", "telegram-gateway-default-urgent"]),
    ...publishes(
      "carillon.event.sent.telegram",
      "carillon.event.recipient-linked.telegram",
      "$JS.API.STREAM.MSG.GET.OBJ_carillon-files"
    )
  ],
  ledger: [
    ...changesStreams,
    ...changesConsumers,
    ...schedules,
    ...answersForOthers,
    ...takingFrom(["COMMANDS", "scheduler"], ["TIMERS", "dispatcher"], ["EVENTS", "telegram-gateway-default-urgent"]),
    ...publishes(
      "carillon.command.schedule",
      "carillon.command.cancel",
      "carillon.api.rearm",
      "carillon.event.sent.telegram"
    ),
    ...publishes(
      "carillon.event.erased.telegram",
      "$JS.API.STREAM.MSG.DELETE.EVENTS",
      "$JS.API.STREAM.PURGE.MEMORY",
      "$JS.ACK.COMMANDS.scheduler.1.1.1.1.1"
    )
  ],
  "table-bridge": [
    ...changesStreams,
    ...changesConsumers,
    ...schedules,
    ...takingFrom(["COMMANDS", "scheduler"], ["EVENTS", "dispatcher-failures"]),
    ...publishes(
      "carillon.command.pause",
      "carillon.command.redrive",
      "carillon.command.rearm",
      "carillon.event.sent.telegram"
    ),
    ...publishes("$JS.API.STREAM.MSG.GET.MEMORY", "$JS.API.STREAM.MSG.GET.TIMERS")
  ],
  provisioner: [
    ...commands,
    ...schedules,
    ...readsContent,
    ...takingFrom(["COMMANDS", "scheduler"], ["EVENTS", "dispatcher-failures"]),
    ...publishes("$JS.API.CONSUMER.CREATE.EVENTS.mine", "carillon.event.sent.telegram")
  ],
  operator: [
    ...changesStreams,
    ...changesConsumers,
    // What was in quarantine may go back to a queue, and nothing else becomes a timer or an event.
    ...publishes("carillon.timer.pending.x", "carillon.timer.series.x", "carillon.event.sent.telegram"),
    ...answersForOthers,
    ...takingFrom(["COMMANDS", "scheduler"], ["EVENTS", "dispatcher-failures"]),
    ...publishes("carillon.event.erased.telegram", "$JS.API.STREAM.MSG.DELETE.EVENTS", "$JS.API.STREAM.PURGE.MEMORY")
  ],
  eraser: [
    ...changesStreams,
    ...changesConsumers,
    ...publishes("carillon.timer.pending.x", "carillon.timer.series.x", "carillon.event.sent.telegram")
  ],
  reader: [
    ...changesStreams,
    ...changesConsumers,
    ...commands,
    ...schedules,
    ...readsContent,
    ...takingFrom(["COMMANDS", "scheduler"], ["EVENTS", "dispatcher-failures"]),
    ...publishes("$JS.API.CONSUMER.CREATE.EVENTS.mine", "$JS.API.CONSUMER.CREATE.EVENTS")
  ],
  clinic: [
    ...changesStreams,
    ...changesConsumers,
    ...schedules,
    ...readsContent,
    ...answersForOthers,
    ...publishes("carillon.command.pause", "carillon.api.resume", "carillon.command.drop", "carillon.command.redrive"),
    ...publishes(
      "carillon.command.rearm",
      "carillon.api.resolve",
      "carillon.command.x",
      "carillon.event.sent.telegram"
    ),
    ...publishes("carillon.series.x", "carillon.dead.telegram.x", "carillon.memory.contact.telegram.default.x"),
    ...publishes(
      "$JS.API.STREAM.INFO.EVENTS",
      "$JS.API.STREAM.NAMES",
      "$JS.API.CONSUMER.CREATE.EVENTS.mine",
      "$JS.API.CONSUMER.CREATE.EVENTS"
    ),
    ...publishes("_INBOX.hospital.x", "$SRV.PING", "$JS.ACK.COMMANDS.scheduler.1.1.1.1.1", "$O.carillon-files.C.x"),
    ...hears("_INBOX.hospital.>", "_INBOX.scheduler.>")
  ],
  outcomes: publishes("$JS.API.CONSUMER.DELETE.EVENTS.outcomes", "$JS.API.CONSUMER.DURABLE.CREATE.EVENTS.outcomes"),
  desk: [
    ...changesStreams,
    ...changesConsumers,
    ...schedules,
    ...commands,
    ...readsContent,
    ...answersForOthers,
    ...takingFrom(["COMMANDS", "scheduler"], ["EVENTS", "dispatcher-failures"]),
    ...publishes(
      "carillon.event.sent.telegram",
      "$JS.API.INFO",
      "$JS.API.STREAM.INFO.EVENTS",
      "$JS.API.CONSUMER.LIST.EVENTS",
      "$JS.API.CONSUMER.INFO.EVENTS.outcomes",
      "$JS.API.CONSUMER.CREATE.EVENTS",
      "$JS.API.CONSUMER.CREATE.EVENTS.mine",
      "$JS.API.CONSUMER.DELETE.EVENTS.desk",
      "$SRV.PING",
      "_INBOX.outcomes.x"
    ),
    ...hears("carillon.event.sent.telegram", "_INBOX.outcomes.>")
  ],
  hospital: publishes(
    "carillon.command.cancel",
    "carillon.api.cancel",
    "carillon.command.schedule-series",
    "carillon.api.create-link"
  )
}

/** Those who are not of the system: what each may ask, and what answers them. */
const asking: Readonly<Record<string, ReadonlyArray<string>>> = {
  clinic: ["carillon.command.cancel"],
  hospital: ["carillon.command.schedule"],
  reader: ["$JS.API.INFO", "$JS.API.STREAM.INFO.EVENTS", "$JS.API.STREAM.NAMES", "$SRV.PING"]
}

const outside = users.filter(({ role }) => role === "publisher" || role === "reader")

/** Where an answer of the server's would be stored, as who knows what. */
const inner = [
  "carillon.command.pause",
  "carillon.timer.pending.x",
  "carillon.series.x",
  "carillon.memory.contact.telegram.default.x",
  "carillon.sender.telegram.default.lease",
  "carillon.sender.telegram._all.orders",
  "carillon.event.sent.telegram",
  "carillon.dead.telegram.x",
  "carillon.quarantine.COMMANDS.scheduler",
  "$JS.API.STREAM.DELETE.TIMERS"
]

/** The server's own word, on the same connection and after all that was tried. */
const refusedOf = (connection: NatsConnection, all: ReadonlyArray<Try>) =>
  Effect.promise(async () => {
    const refused = new Set<string>()
    const status = connection.status()
    const listening = (async () => {
      for await (const one of status) {
        if (one.type !== "error" || !(one.error instanceof PermissionViolationError)) continue
        refused.add(`${one.error.operation} ${one.error.subject}`)
      }
    })()
    for (const [, by, subject] of all) {
      if (by === "publish") connection.publish(subject, "{}")
      else connection.subscribe(subject, { callback: () => {} })
      // A violation ends what waits for its answer with an error: one after the other.
      await connection.flush().catch(() => {})
    }
    await connection.close()
    await listening
    return refused
  })

/** What stands in every stream. */
const counts = (connection: NatsConnection) =>
  Effect.promise(async () => {
    const manager = await jetstreamManager(connection)
    const found: Record<string, number> = {}
    for (const name of Object.keys(streams)) found[name] = (await manager.streams.info(name)).state.last_seq
    return found
  })

describe("who may not", () => {
  it.live("is refused by the server, each for all of it, and nothing was stored", () =>
    Effect.gen(function* () {
      const { connectAs } = yield* provisioned
      const reader = yield* connectAs("reader")
      const before = yield* counts(reader)
      assert.sameMembers(
        Object.keys(tries),
        users.map(({ name }) => name),
        "every user is tried"
      )
      for (const { name } of users) {
        const all = [
          ...nobody,
          ...(name === "scheduler" ? [] : removesWork),
          ...(name === "operator" || name === "eraser" ? [] : watches),
          ...(name === "outcomes" ? [] : followersConsumers),
          ...(tries[name] ?? [])
        ]
        const refused = yield* refusedOf(yield* connectAs(name), all)
        const done = all.filter(
          ([, by, subject]) => !refused.has(`${by === "publish" ? "publish" : "subscription"} ${subject}`)
        )
        assert.deepStrictEqual(
          done.map(([what]) => what),
          [],
          `${name} may`
        )
      }
      assert.deepStrictEqual(yield* counts(reader), before)
    })
  )

  it.live("cannot have an answer of the scheduler's delete a stream", () =>
    Effect.gen(function* () {
      const all = yield* guarded({ services: ["scheduler"] })
      const made = yield* all.runAs("provisioner")(["nats", "provision"])
      assert.strictEqual(made.code, 0, made.err)
      yield* all.start
      // More than JetStream takes: the scheduler cannot store it, and says so.
      const large = headers()
      large.set("x-large", "x".repeat(70_000))
      for (const name of ["clinic", "operator"]) {
        const connection = yield* all.connectAs(name)
        for (const stream of Object.keys(streams)) {
          for (const subject of [`$JS.API.STREAM.DELETE.${stream}`, `$JS.API.STREAM.PURGE.${stream}`])
            connection.publish("carillon.api.cancel", "{}", { headers: large, reply: subject })
        }
        const told = yield* Effect.promise(() =>
          connection.request("carillon.api.cancel", "{}", { headers: large, timeout: 20_000 })
        )
        assert.strictEqual(told.headers?.get("Nats-Service-Error-Code"), "503", name)
      }
      const operator = yield* all.connectAs("operator")
      assert.hasAllKeys(yield* counts(operator), Object.keys(streams))
      assert.deepStrictEqual(violations(yield* all.serverLog), [])
    })
  )

  it.live.each(outside.map(({ name }) => name))(
    "cannot, as %s, have an answer of the server's stored where it may not write",
    (name) =>
      Effect.gen(function* () {
        const { connectAs } = yield* provisioned
        const operator = yield* connectAs("operator")
        const scheduler = yield* connectAs("scheduler")
        const ping = scheduler.subscribe("$SRV.PING", { callback: (_, asked) => void asked.respond("{}") })
        yield* Effect.promise(() => scheduler.flush())
        const before = yield* counts(operator)
        const connection = yield* connectAs(name)
        const asks = asking[name] ?? []
        for (const subject of asks) {
          for (const reply of inner) {
            const traced = headers()
            traced.set("Nats-Trace-Dest", reply)
            connection.publish(subject, "{}", { reply })
            connection.publish(subject, "{}", { headers: traced })
          }
          // Answered where it may hear it, and after all others.
          const { data } = yield* Effect.promise(() => connection.request(subject, "{}", { timeout: 10_000 }))
          assert.isAbove(data.length, 0, subject)
        }
        const commands = asks.filter((subject) => subject.startsWith("carillon.command.")).length
        const after = yield* counts(operator)
        assert.deepStrictEqual(after, {
          ...before,
          COMMANDS: (before.COMMANDS ?? 0) + commands * (inner.length + 1)
        })
        ping.unsubscribe()
      })
  )

  it.live("cannot take a consumer's name by the request that has the name in its body", () =>
    Effect.gen(function* () {
      const { connectAs } = yield* provisioned
      const ledger = yield* connectAs("ledger")
      const lanes = gatewayConsumers("telegram", "default")
      const asked = (body: object) =>
        Effect.promise(async () =>
          (await ledger.request("$JS.API.CONSUMER.CREATE.EVENTS", JSON.stringify(body))).json<{ error?: object }>()
        )
      const own = { name: "own", ack_policy: "none", filter_subjects: ["carillon.event.sent.*"] }
      assert.isUndefined((yield* asked({ stream_name: "EVENTS", config: own })).error)
      for (const { durable, stream } of [...fixedConsumers, ...lanes].filter(({ stream }) => stream === "EVENTS")) {
        for (const action of ["", "create", "update"]) {
          for (const named of [
            { name: durable },
            { durable_name: durable },
            { name: durable, durable_name: durable }
          ]) {
            const config = { ...named, ack_policy: "none", filter_subjects: ["carillon.event.sent.*"] }
            assert.isDefined((yield* asked({ stream_name: stream, config, action })).error, `${durable} ${action}`)
          }
        }
      }
    })
  )

  it.live("is told of it when streams are to be made, in the place of waiting for a right", () =>
    Effect.gen(function* () {
      const keys = yield* keyring
      const nats = yield* testNatsWith({ extra: [keys.configuration] })
      const provision = cli({ NATS_URL: nats.url, ...keys.environmentOf("operator") })(["nats", "provision"])
      const { code, err, out } = yield* provision
      assert.strictEqual(code, 1)
      assert.match(err, /create stream COMMANDS failed: .*ermission.*\$JS\.API\.STREAM\.CREATE\.COMMANDS/)
      assert.strictEqual(out, "")
    })
  )

  it.live("has a password for nothing: a stranger and a wrong key are not let in", () =>
    Effect.gen(function* () {
      const { nats } = yield* provisioned
      const stranger = yield* keyring
      for (const environment of [
        {},
        { NATS_USER: "clinic", NATS_PASSWORD: "guess" },
        stranger.environmentOf("scheduler")
      ]) {
        const ended = yield* cli({ NATS_URL: nats.url, ...environment })(["nats", "provision"])
        assert.strictEqual(ended.code, 1)
        assert.match(ended.err, /Authorization Violation/i)
      }
    })
  )
})

describe("deploy/nats/users.conf", () => {
  it.live("is accepted by nats-server, included as its head says", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder("conf")
      const content = natsUsers().get("users.conf") ?? ""
      writeFileSync(join(folder, "users.conf"), content)
      writeFileSync(join(folder, "nats-server.conf"), "jetstream {}\ninclude users.conf\n")
      const keys = Object.fromEntries(
        [...new Set(content.match(/CARILLON_NKEY_[A-Z_]+/g))].map((name) => [name, publicKey(folder, name)])
      )
      const check = (environment: Record<string, string>) =>
        Effect.promise(() =>
          promisify(execFile)(inject("natsServer"), ["-t", "-c", join(folder, "nats-server.conf")], {
            env: environment
          }).then(
            ({ stderr, stdout }) => stdout + stderr,
            (error: { readonly stderr: string }) => `refused: ${error.stderr}`
          )
        )
      assert.match(yield* check(keys), /test successful|is valid/i)
      assert.match(yield* check({}), /refused: .*CARILLON_NKEY/)
    })
  )
})
