// TLS and passwords of Postgres: against a real one that speaks TLS with a certificate of its own.
import { chmodSync, chownSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { Readiness } from "#shared/service/Readiness.ts"
import { secretFiles } from "#shared/service/SecretFiles.ts"
import { startPostgres } from "../../deploy/local/PostgresServer.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { selfSigned, stranger } from "../support/servers/SelfSigned.ts"
import { databaseAt } from "../support/servers/TestDatabase.ts"

const layer = (environment: Record<string, string>) =>
  Postgres.layerWithoutWaiting.pipe(
    Layer.provide(Readiness.layer),
    Layer.provide(secretFiles),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ DATABASE_POOL_SIZE: "2", ...environment }))),
    Layer.fresh
  )

const encrypted = Effect.gen(function* () {
  const { query } = yield* Postgres
  const [row] = yield* query<{ readonly ssl: boolean }>("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
  return row?.ssl === true ? "encrypted" : "in the clear"
})

const asks = (environment: Record<string, string>) =>
  Effect.match(Effect.scoped(Effect.provide(encrypted, layer(environment))), {
    onSuccess: (how): string => how,
    onFailure: (error) => error.message
  })

const world = Effect.gen(function* () {
  const folder = yield* temporaryFolder("postgres-tls")
  chmodSync(folder, 0o755)
  const dataDir = join(folder, "data")
  const { port, url } = yield* startPostgres({ dataDir, port: 0, database: "test", disposable: true })
  const database = yield* databaseAt(url)
  const [where] = yield* database.query("show data_directory")
  const { gid, uid } = statSync(String(where?.data_directory))
  const write = (name: string, content: string) => {
    const path = join(folder, name)
    writeFileSync(path, content)
    return path
  }
  const serverFile = (name: string, content: string) => {
    const path = write(name, content)
    chownSync(path, uid, gid)
    chmodSync(path, 0o600)
    return path
  }
  yield* database.query(`alter system set ssl_cert_file = '${serverFile("server.pem", selfSigned.cert)}'`)
  yield* database.query(`alter system set ssl_key_file = '${serverFile("server.key", selfSigned.key)}'`)
  yield* database.query("alter system set ssl = on")
  yield* database.query("select pg_reload_conf()")
  const password = new URL(url).password
  return { port, database, password, write }
})

describe("Postgres", () => {
  it.live("is reached by TLS that is verified, with a password in a file that is read anew for each connection", () =>
    Effect.gen(function* () {
      const { database, password, port, write } = yield* world
      const at = (host: string, query: string) => `postgres://carillon@${host}:${port}/test${query}`
      const verified = (ca: string) => `?sslmode=verify-full&sslrootcert=${write(`${ca.length}.pem`, ca)}`
      const own = verified(selfSigned.cert)
      const file = write("password", `${password}\n`)
      const known = { DATABASE_PASSWORD_FILE: file }

      assert.strictEqual(yield* asks({ ...known, DATABASE_URL: at("localhost", own) }), "encrypted")
      assert.strictEqual(yield* asks({ DATABASE_PASSWORD: password, DATABASE_URL: at("localhost", own) }), "encrypted")
      const inFile = write("url", at("localhost", own).replace("carillon@", `carillon:${password}@`))
      assert.strictEqual(yield* asks({ DATABASE_URL_FILE: inFile }), "encrypted")

      const other = `?sslmode=verify-full&sslrootcert=${write("other.pem", stranger.cert)}`
      assert.match(yield* asks({ ...known, DATABASE_URL: at("localhost", other) }), /certificate/)
      assert.match(yield* asks({ ...known, DATABASE_URL: at("localhost", "?sslmode=verify-full") }), /certificate/)
      assert.match(yield* asks({ ...known, DATABASE_URL: at("127.0.0.1", own) }), /altnames|IP/)

      for (const [wrong, says] of [
        [
          { DATABASE_URL: at("localhost", "?sslrootcert=/no/such.pem") },
          "sslrootcert in DATABASE_URL names /no/such.pem"
        ],
        [
          { DATABASE_URL: at("localhost", ""), DATABASE_PASSWORD_FILE: "/no/such" },
          "DATABASE_PASSWORD_FILE names /no/such"
        ],
        [{ DATABASE_URL: "CANARY not a url" }, "DATABASE_URL is not a URL"],
        [{ DATABASE_URL: at("localhost", own), DATABASE_PASSWORD: "CANARY-wrong" }, "password authentication failed"]
      ] as const) {
        const said = yield* asks(wrong)
        assert.include(said, says)
        assert.notInclude(said, "CANARY")
      }

      // Renewed while connected: the next connection has it.
      yield* Effect.gen(function* () {
        assert.strictEqual(yield* encrypted, "encrypted")
        yield* database.query("alter role carillon password 'renewed'")
        write("password", "renewed")
        yield* database.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'carillon'"
        )
        assert.strictEqual(yield* Effect.retry(encrypted, { times: 3 }), "encrypted")
      }).pipe(Effect.provide(layer({ ...known, DATABASE_URL: at("localhost", own) })), Effect.scoped)
    })
  )
})
