// Where Postgres is and who we are to it: DATABASE_URL, whose password may stand in a file and be renewed there. TLS is
// said as libpq says it, in the URL: ?sslmode=verify-full&sslrootcert=/path/ca.pem, sslcert and sslkey.
import { Effect, Option, Redacted } from "effect"
import { contentOf, renewing, type UnreadableFile } from "#shared/service/SecretFiles.ts"
import { secret } from "#shared/service/Settings.ts"
import { UnusablePostgres } from "./PostgresErrors.ts"

export interface ConnectionUrl {
  /** For logs: host, port and database. */
  readonly host: string
  /** With the password as it is now: each connection asks for it. */
  readonly current: () => string
}

/** Where Postgres is. */
export const urlSetting = secret("DATABASE_URL", {
  says: "Where Postgres is; a pooler in transaction mode will do. TLS is said as libpq says it: `?sslmode=verify-full&sslrootcert=/path/ca.pem`. The ledger's user needs `CREATE` on the database, unless `TABLES_MANAGE` is `none`",
  takes: "`postgres://user:password@host:5432/database`",
  byDefault: "postgres://carillon@127.0.0.1:5432/carillon"
})
const passwordSetting = secret("DATABASE_PASSWORD", {
  says: "The password, instead of one in `DATABASE_URL`; its file is read anew for each connection"
})

const settings = Effect.all({ url: urlSetting, password: passwordSetting.given, passwordFile: passwordSetting.file })

const filesInUrl = ["sslrootcert", "sslcert", "sslkey"]

export const connectionUrl = Effect.gen(function* () {
  const { password, passwordFile, url } = yield* settings
  const parsed = URL.parse(Redacted.value(url))
  if (!parsed) {
    return yield* new UnusablePostgres({
      problem: "DATABASE_URL is not a URL: it must be like postgres://user:password@host:5432/carillon"
    })
  }
  const withPassword = (secret: string) => {
    const complete = new URL(parsed)
    complete.password = encodeURIComponent(secret)
    return complete.href
  }
  const fixed = Option.match(password, {
    onNone: () => Redacted.value(url),
    onSome: (secret) => withPassword(Redacted.value(secret))
  })
  const current = yield* Effect.try({
    try: () => {
      for (const name of filesInUrl) {
        const path = parsed.searchParams.get(name)
        if (path !== null) contentOf(`${name} in DATABASE_URL`, path)
      }
      return Option.match(passwordFile, {
        onNone: () => () => fixed,
        onSome: (path) => renewing(() => withPassword(contentOf(`${passwordSetting.key}_FILE`, path)))
      })
    },
    catch: (error) => new UnusablePostgres({ problem: (error as UnreadableFile).message })
  })
  const host = `${parsed.hostname || "its socket"}:${parsed.port || "5432"}${parsed.pathname}`
  return { host, current } satisfies ConnectionUrl as ConnectionUrl
})
