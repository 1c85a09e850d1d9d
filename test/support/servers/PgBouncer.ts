// A real PgBouncer in transaction mode: from the PATH, the project's cache, or the distribution's package.
import { execFile } from "node:child_process"
import { writeFileSync } from "node:fs"
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { Effect } from "effect"
import { packageSources, unpackPackage } from "../../../deploy/local/DebianPackage.ts"
import { home } from "../../../deploy/local/Home.ts"
import { freePort, runServer } from "../../../deploy/local/LocalServer.ts"
import { temporaryFolder } from "../../../deploy/local/TemporaryFolder.ts"
import { missing } from "../Missing.ts"

const run = promisify(execFile)

export interface PgBouncer {
  readonly command: string
  /** Where its libraries are, if not the machine's own. */
  readonly libraries: string
}

const works = ({ command, libraries }: PgBouncer) =>
  run(command, ["--version"], { env: { PATH: process.env.PATH, LD_LIBRARY_PATH: libraries } }).then(
    () => true,
    () => false
  )

/** Nothing where it cannot be had. */
const locate = async (): Promise<PgBouncer | undefined> => {
  const installed = { command: "pgbouncer", libraries: "" }
  if (await works(installed)) return installed
  const folder = join(home, "bin/pgbouncer")
  const cached = { command: join(folder, "pgbouncer"), libraries: folder }
  if (await works(cached)) return cached
  const osRelease = await readFile("/etc/os-release", "utf8").catch(() => "")
  const release = /^VERSION_CODENAME="?([\w-]+)/m.exec(osRelease)?.[1]
  if (release === undefined) return undefined
  for (const source of await packageSources(osRelease)) {
    const whole = `${folder}.${process.pid}`
    const temporary = await mkdtemp(join(tmpdir(), "carillon-pgbouncer-"))
    const unpack = async (name: string) => {
      const place = join(temporary, name)
      await mkdir(place)
      return { place, unpacked: await unpackPackage(place, source, release, name, AbortSignal.timeout(120_000)) }
    }
    try {
      await mkdir(whole, { recursive: true })
      const { place, unpacked } = await unpack("pgbouncer")
      await cp(join(unpacked, "usr/sbin/pgbouncer"), join(whole, "pgbouncer"))
      const deb = (await readdir(place)).find((file) => file.endsWith(".deb")) ?? ""
      const { stdout: needed } = await run("dpkg-deb", ["-f", join(place, deb), "Depends"])
      // Those that a machine may well lack.
      for (const [name] of needed.matchAll(/\b(libevent|libc-ares|libcares)[\w.+-]*/g)) {
        const libraries = join((await unpack(name)).unpacked, "usr/lib")
        for (const file of await readdir(libraries, { recursive: true, withFileTypes: true }))
          if (file.name.includes(".so.")) {
            await cp(join(file.parentPath, file.name), join(whole, file.name), { dereference: true })
          }
      }
      await run("chmod", ["-R", "a+rX", whole])
      // Another test file may have been quicker.
      await rename(whole, folder).catch(() => {})
      if (await works(cached)) return cached
    } catch {
      // The next source, or none.
    } finally {
      await rm(temporary, { recursive: true, force: true })
      await rm(whole, { recursive: true, force: true })
    }
  }
  return undefined
}

/** In front of a database, with few connections to it; the address to take instead. Stopped when the scope closes. */
export const pooled = Effect.fnUntraced(function* (bouncer: PgBouncer, databaseUrl: string) {
  const { hostname, password, pathname, port: target, username } = new URL(databaseUrl)
  const folder = yield* temporaryFolder("pgbouncer")
  // As root it refuses to run; the user that Postgres runs as must be able to start it.
  const root = process.getuid?.() === 0
  const command = join(folder, "pgbouncer")
  yield* Effect.promise(async () => {
    const path = bouncer.command.includes("/") ? bouncer.command : (await run("which", [bouncer.command])).stdout.trim()
    await cp(path, command)
    if (bouncer.libraries) await cp(bouncer.libraries, join(folder, "lib"), { recursive: true })
    await run("chmod", ["-R", "a+rX", folder])
  })
  const port = yield* freePort
  const settings = {
    listen_addr: "127.0.0.1",
    listen_port: port,
    pool_mode: "transaction",
    default_pool_size: 3,
    auth_type: "any",
    unix_socket_dir: "",
    server_login_retry: 1
  }
  const file = join(folder, "pgbouncer.ini")
  const database = `host=${hostname} port=${target} dbname=${pathname.slice(1)} user=${username} password=${decodeURIComponent(password)}`
  writeFileSync(
    file,
    [
      "[databases]",
      `carillon = ${database}`,
      "[pgbouncer]",
      ...Object.entries(settings).map(([key, value]) => `${key} = ${value}`),
      ""
    ].join("\n")
  )
  const idOf = (flag: string) => Effect.promise(async () => Number((await run("id", [flag, "postgres"])).stdout))
  yield* runServer({
    name: "PgBouncer",
    command: "env",
    args: [`LD_LIBRARY_PATH=${join(folder, "lib")}`, command, file],
    port,
    log: join(folder, "log"),
    stopSignal: "SIGINT",
    ...(root ? { uid: yield* idOf("-u"), gid: yield* idOf("-g") } : {})
  })
  return `postgres://carillon@127.0.0.1:${port}/carillon`
})

export const withPgBouncer = <A, E, R>(body: (bouncer: PgBouncer) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(Effect.promise(locate), (bouncer) =>
    bouncer ? Effect.asVoid(body(bouncer)) : Effect.sync(() => missing("PgBouncer: Debian's package pgbouncer"))
  )
