// The application's database: TABLE_BRIDGE_DATABASE_URL, or DATABASE_URL where it is the ledger's too.
import { ConfigProvider, Effect, Layer, Option, Redacted } from "effect"
import { connectionUrl } from "#shared/postgres/ConnectionUrl.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"
import { secret } from "#shared/service/Settings.ts"

const password = secret("TABLE_BRIDGE_DATABASE_PASSWORD", {
  says: "The password, instead of one in `TABLE_BRIDGE_DATABASE_URL`; its file is read anew for each connection"
})

const settings = Effect.all({
  url: secret("TABLE_BRIDGE_DATABASE_URL", {
    says: "The application's database, where it is not the ledger's",
    takes: "like `DATABASE_URL`",
    otherwise: "`DATABASE_URL`"
  }).given,
  password: password.given,
  passwordFile: password.file
})

/** The ledger's password is not for this one: left out, it is empty. */
const redirected = Layer.unwrap(
  Effect.map(settings, ({ password, passwordFile, url }) =>
    Option.isNone(url)
      ? Layer.empty
      : ConfigProvider.layerAdd(
          ConfigProvider.fromUnknown({
            DATABASE_URL: Redacted.value(url.value),
            DATABASE_PASSWORD: Option.match(password, { onNone: () => "", onSome: Redacted.value }),
            DATABASE_PASSWORD_FILE: Option.getOrElse(passwordFile, () => "")
          }),
          { asPrimary: true }
        )
  )
)

export const databaseUrl = Effect.map(Effect.provide(connectionUrl, redirected), ({ current }) => current)

// Made anew: the ledger of the same process may have one to another database.
export const bridgePostgres = Layer.fresh(Postgres.layer).pipe(Layer.provide(redirected))
export const bridgePostgresWithoutWaiting = Layer.fresh(Postgres.layerWithoutWaiting).pipe(Layer.provide(redirected))
