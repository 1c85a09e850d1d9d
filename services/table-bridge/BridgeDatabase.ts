// The application's database: TABLE_BRIDGE_DATABASE_URL, or DATABASE_URL where it is the ledger's too.
import { Config, ConfigProvider, Effect, Layer, Option, Redacted } from "effect"
import { connectionUrl } from "#shared/postgres/ConnectionUrl.ts"
import { Postgres } from "#shared/postgres/Postgres.ts"

const settings = Config.all({
  url: Config.option(Config.Redacted("TABLE_BRIDGE_DATABASE_URL")),
  password: Config.option(Config.Redacted("TABLE_BRIDGE_DATABASE_PASSWORD")),
  passwordFile: Config.option(Config.String("TABLE_BRIDGE_DATABASE_PASSWORD_FILE"))
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
