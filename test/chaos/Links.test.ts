// What can be done to a connection between two processes, and that it is as before when it is healed.
import { connect, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { link } from "../../chaos/world/Links.ts"
import { tcpServer } from "../support/proxies/TcpServer.ts"

/** What a client has got back from a server that says everything again. */
const clientOf = (port: number) => {
  const socket = connect(port, "127.0.0.1")
  const client = { socket, got: "", error: "" }
  socket.on("data", (chunk) => {
    client.got += chunk
  })
  socket.on("error", (error: NodeJS.ErrnoException) => {
    client.error = error.code ?? ""
  })
  return client
}

const until = (holds: () => boolean) =>
  Effect.sync(holds).pipe(Effect.repeat({ schedule: Schedule.spaced("5 millis"), until: (done) => done }))

const echoing = Effect.gen(function* () {
  const { port } = yield* tcpServer((socket: Socket) => void socket.pipe(socket))
  let left = ""
  const made = yield* link([port], () => (chunk) => {
    left += chunk
  })
  const client = () => clientOf(made.ports[0] as number)
  return { ...made, client, left: () => left, direct: clientOf(port) }
})

describe("a link", () => {
  it.live("holds what is said while it is stalled, and lets it through when it is healed", () =>
    Effect.gen(function* () {
      const { client, direct, heal, left, stall } = yield* echoing
      const one = client()
      one.socket.write("a")
      yield* until(() => one.got === "a")
      yield* stall
      one.socket.write("b")
      yield* until(() => left() === "ab")
      // Another way to the same server has been gone there and back meanwhile.
      direct.socket.write("x")
      yield* until(() => direct.got === "x")
      assert.strictEqual(one.got, "a")
      yield* heal
      yield* until(() => one.got === "ab")
    })
  )

  it.live("resets what is open when it is cut, refuses what is new, and opens again", () =>
    Effect.gen(function* () {
      const { client, cut, heal } = yield* echoing
      const open = client()
      open.socket.write("a")
      yield* until(() => open.got === "a")
      yield* cut
      yield* until(() => open.error === "ECONNRESET")
      const refused = client()
      yield* until(() => refused.error === "ECONNREFUSED")
      yield* heal
      const again = client()
      again.socket.write("b")
      yield* until(() => again.got === "b")
    })
  )

  it.live("keeps the order of what it delays, and lets the rest through at once when it is healed", () =>
    Effect.gen(function* () {
      const { client, heal, left, slow } = yield* echoing
      const one = client()
      yield* slow(3_600_000)
      one.socket.write("a")
      yield* until(() => left() === "a")
      assert.strictEqual(one.got, "")
      yield* heal
      one.socket.write("b")
      yield* until(() => one.got === "ab")
    })
  )
})
