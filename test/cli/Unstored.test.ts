// The command line beside a NATS that stores nothing: the id that it made up must not be lost with the command.
import { assert, describe, it } from "@effect/vitest"
import { headers as natsHeaders } from "@nats-io/transport-node"
import { Effect } from "effect"
import { cli } from "../support/Cli.ts"
import { natsClient } from "../support/NatsClient.ts"
import { testNats } from "../support/servers/TestNats.ts"

const schedule = ["schedule", "--to", "1", "--text", "private words", "--in", "1h"]

const parts = Effect.gen(function* () {
  const { url } = yield* testNats
  return { connection: yield* natsClient(url), run: cli({ NATS_URL: url }) }
})

describe("a command that NATS did not say it has stored", () => {
  it.live("is told with its id when the scheduler could not store it, so that asking again does not double it", () =>
    Effect.gen(function* () {
      const { connection, run } = yield* parts
      const headers = natsHeaders()
      headers.set("Nats-Service-Error", "the COMMANDS stream is out of reach")
      headers.set("Nats-Service-Error-Code", "503")
      // As a scheduler answers when its publish has failed, or was not answered in time.
      connection.subscribe("carillon.api.>", { callback: (_, request) => void request.respond("", { headers }) })
      yield* Effect.promise(() => connection.flush())
      const { code, err } = yield* run(schedule)
      assert.strictEqual(code, 1)
      assert.match(err, /out of reach[\s\S]*--id cli-/)
    })
  )

  it.live("is told with its id when no scheduler runs either", () =>
    Effect.gen(function* () {
      const { run } = yield* parts
      const { code, err } = yield* run(schedule)
      assert.strictEqual(code, 1)
      assert.match(err, /--id cli-/)
    })
  )
})
