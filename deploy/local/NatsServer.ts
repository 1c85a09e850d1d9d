// A nats-server of our own with JetStream on disk.
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { Effect } from "effect"
import { choosePort, endOrphan, LocalServerError, runServer } from "./LocalServer.ts"

export interface NatsServerOptions {
  readonly binary: string
  /** 0 takes a free one. */
  readonly port: number
  readonly storeDir: string
  /** Further lines of its configuration: users, TLS. */
  readonly more?: string
}

/** Listens on this machine only. Streams and timers are in `storeDir`, and there again at the next start. */
export const startNatsServer = Effect.fn("startNatsServer")(function* (options: NatsServerOptions) {
  const { binary, port } = options
  const storeDir = resolve(options.storeDir)
  const pidFile = join(storeDir, "nats-server.pid")
  const config = join(storeDir, "nats-server.conf")
  const log = join(storeDir, "nats-server.log")
  yield* Effect.tryPromise({
    try: () => mkdir(storeDir, { recursive: true }),
    catch: () =>
      new LocalServerError({ problem: `Cannot write to ${storeDir}: check who owns it, and the room on the disk.` })
  })
  const pid = yield* Effect.promise(() => readFile(pidFile, "utf8").then(Number, () => undefined))
  yield* endOrphan("nats-server", pid, ["-c", config])
  const chosen = yield* choosePort("nats-server", port, "CARILLON_NATS_PORT")
  yield* Effect.tryPromise({
    try: () =>
      writeFile(
        config,
        [
          `listen: "127.0.0.1:${chosen}"`,
          `pid_file: ${JSON.stringify(pidFile)}`,
          `log_file: ${JSON.stringify(log)}`,
          "logfile_size_limit: 10485760",
          `jetstream { store_dir: ${JSON.stringify(storeDir)} }`,
          options.more ?? "",
          ""
        ].join("\n")
      ),
    catch: () =>
      new LocalServerError({ problem: `Cannot write ${config}: check who owns the folder, and the room on the disk.` })
  })
  const server = yield* runServer({
    name: "nats-server",
    command: binary,
    args: ["-c", config],
    port: chosen,
    log,
    stopSignal: "SIGTERM"
  })
  return { ...server, port: chosen, url: `nats://127.0.0.1:${chosen}` }
})
