// The connection to NATS: what it waits for, and what it refuses.
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Fiber, Layer, Logger } from "effect"
import { addressesIn } from "#shared/nats/connection/Addresses.ts"
import { Nats } from "#shared/nats/connection/Nats.ts"
import { Readiness } from "#shared/service/Readiness.ts"
import { tcpServer } from "../support/proxies/TcpServer.ts"
import { testNats } from "../support/servers/TestNats.ts"

/** Says that it is a nats-server of another version. */
const serverOfVersion = (version: string) =>
  Effect.map(
    tcpServer((socket) => {
      socket.write(
        `INFO ${JSON.stringify({ server_id: "x", version, proto: 1, headers: true, max_payload: 1_048_576 })}\r\n`
      )
      socket.on("data", (data) => {
        if (data.toString().includes("PING")) socket.write("PONG\r\n")
      })
    }),
    ({ port }) => `nats://127.0.0.1:${port}`
  )

const connected = (layer: typeof Nats.layer, environment: Record<string, string>) =>
  Effect.gen(function* () {
    const { connection } = yield* Nats
    return connection.info?.version
  }).pipe(
    Effect.provide(
      layer.pipe(
        Layer.provide(Readiness.layer),
        Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(environment)))
      )
    )
  )

describe("the connection to NATS", () => {
  it.live("refuses a server that cannot keep timers, and says what to do", () =>
    Effect.gen(function* () {
      const old = yield* serverOfVersion("2.11.9")
      const error = yield* Effect.flip(connected(Nats.layer, { NATS_URL: old }))
      assert.match(error.message, /2\.11\.9 is too old: Carillon needs 2\.14/)
    })
  )

  it.live("of a service waits for a server that is not there yet", () =>
    Effect.gen(function* () {
      const nats = yield* testNats
      yield* nats.stop
      const waiting = yield* Effect.forkChild(connected(Nats.layer, { NATS_URL: nats.url }))
      yield* nats.start
      assert.match(String(yield* Fiber.join(waiting)), /^2\./)
    })
  )

  const hard = ["CANARY", "CANARY/x", "CANARY?x", "CANARY#x", "CANARY,x", "x@CANARY", "1/CANARY", "1,CANARY", "CANARY%"]
  for (const secret of hard) {
    it.live(`is not told of with its secret, though that is ${secret}`, () =>
      Effect.gen(function* () {
        const said: Array<string> = []
        const saying = Logger.layer([Logger.make(({ message }) => void said.push(String(message)))])
        for (const scheme of ["nats://", "NATS://", ""]) {
          for (const who of [secret, `carillon:${secret}`]) {
            const connecting = connected(Nats.layerWithoutWaiting, { NATS_URL: `${scheme}${who}@127.0.0.1:1` })
            said.push((yield* Effect.flip(Effect.provide(connecting, saying))).message)
          }
        }
        assert.notMatch(said.join("\n"), /CANARY/i)
      })
    )
  }

  it.live("takes addresses in any of their ways, and shows them without a user", () =>
    Effect.sync(() => {
      const { shown } = addressesIn("nats://a:b%2Fc@one:4222, two,TLS://[::1]:4223/")
      assert.deepStrictEqual(shown, ["nats://one:4222", "nats://two", "tls://[::1]:4223"])
    })
  )

  it.live("of a command does not wait", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(connected(Nats.layerWithoutWaiting, { NATS_URL: "nats://127.0.0.1:1" }))
      assert.match(error.message, /NATS/)
    })
  )

  it.live("names the file of credentials that cannot be read", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(connected(Nats.layer, { NATS_CREDS: "/no/such/file.creds" }))
      assert.match(error.message, /NATS_CREDS.*\/no\/such\/file\.creds/)
    })
  )
})
