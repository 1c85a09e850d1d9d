// The nats-servers of a run, one or three that are one cluster: with a user for each service, whose permissions can be
// taken away and given back while they run.
import { mkdirSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Schedule } from "effect"
import { freePort } from "../../deploy/local/LocalServer.ts"
import { startNatsServer } from "../../deploy/local/NatsServer.ts"
import { restartable } from "../../deploy/local/Restartable.ts"
import { type User, users } from "../plan/Strikes.ts"

const password = "chaos"
const accountOf = (user: string, denied: ReadonlyArray<string>) =>
  `{ user: ${user}, password: ${password}, permissions: { publish: { allow: ">", deny: ${JSON.stringify(denied)} } } }`

const nameOf = (index: number) => `nats-${index + 1}`

/** Where the first keeps its data, and how much: for one that is to run out of room. */
export interface Room {
  readonly natsFolder: string
  readonly maxStoreBytes: number
}

/** All of them run when this is done. */
export const natsServers = Effect.fnUntraced(function* (count: 1 | 3, folder: string, binary: string, room?: Room) {
  const ports = yield* Effect.forEach(Array.from({ length: count }), () => freePort)
  const routes = yield* Effect.forEach(ports, () => freePort)
  const denied = new Map<User, ReadonlyArray<string>>()
  const accounts = join(folder, "users.conf")
  const writeAccounts = () =>
    writeFileSync(
      accounts,
      `authorization { users: [\n${["chaos", ...users].map((user) => accountOf(user, denied.get(user as User) ?? [])).join("\n")}\n] }\n`
    )
  writeAccounts()
  const cluster = (index: number) => [
    `server_name: ${nameOf(index)}`,
    `cluster { name: chaos, listen: "127.0.0.1:${routes[index]}", no_advertise: true, routes: [${routes.map((port) => `"nats://127.0.0.1:${port}"`)}] }`
  ]
  const servers = yield* Effect.forEach(ports, (port, index) => {
    const scarce = index === 0 ? room : undefined
    const storeDir = join(scarce?.natsFolder ?? folder, nameOf(index))
    mkdirSync(storeDir, { recursive: true })
    const extra = [
      `include ${JSON.stringify(relative(storeDir, accounts))}`,
      'lame_duck_grace_period: "500ms"',
      'lame_duck_duration: "30s"',
      ...(count > 1 ? cluster(index) : [])
    ]
    return restartable(
      startNatsServer({ binary, port, storeDir, extra, ...(scarce && { maxStoreBytes: scarce.maxStoreBytes }) })
    )
  })
  yield* Effect.forEach(servers, ({ start }) => start, { concurrency: "unbounded" })

  /** As the harness, which may do everything. */
  const asChaos = { servers: ports.map((port) => `127.0.0.1:${port}`), user: "chaos", pass: password }
  const connection = yield* Effect.acquireRelease(
    Effect.promise(() =>
      connect({
        ...asChaos,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 200,
        waitOnFirstConnect: true
      })
    ),
    (connection) => Effect.promise(() => connection.close())
  )
  const manager = yield* Effect.tryPromise(() => jetstreamManager(connection, { checkAPI: false, timeout: 3_000 }))
  // A cluster takes a moment to find itself.
  yield* Effect.tryPromise(async () => {
    await manager.streams.add({ name: "PROBE", subjects: ["probe"], num_replicas: count })
    await manager.streams.delete("PROBE")
  }).pipe(Effect.retry(Schedule.spaced("200 millis")), Effect.timeout("60 seconds"))

  return {
    ports,
    servers,
    asChaos,
    connection,
    manager,
    /** As a service says it, over ports that lead to the servers. */
    urlFor: (user: User, ports: ReadonlyArray<number>) =>
      ports.map((port, index) => `nats://${index === 0 ? `${user}:${password}@` : ""}127.0.0.1:${port}`).join(","),
    /** Which server leads a stream; the first, if nobody knows. */
    leaderOf: (stream: string) =>
      Effect.tryPromise(() => manager.streams.info(stream)).pipe(
        Effect.map(({ cluster }) => Math.max(0, ports.map((_, index) => nameOf(index)).indexOf(cluster?.leader ?? ""))),
        Effect.orElseSucceed(() => 0)
      ),
    /** What a user may not publish, from now on. */
    deny: (user: User, subjects: ReadonlyArray<string>) =>
      Effect.andThen(
        Effect.sync(() => {
          denied.set(user, subjects)
          writeAccounts()
        }),
        Effect.forEach(servers, ({ signal }) => signal("SIGHUP"), { discard: true })
      )
  }
})
export type NatsServers = Effect.Success<ReturnType<typeof natsServers>>
