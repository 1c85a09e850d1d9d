// The application's database: TABLE_BRIDGE_DATABASE_URL, or DATABASE_URL where it is the ledger's too.
import { Config, ConfigProvider, Effect, Layer, Option, Redacted } from "effect"
import { Postgres } from "#shared/postgres/Postgres.ts"

const setting = Config.option(Config.Redacted("TABLE_BRIDGE_DATABASE_URL"))

export const databaseUrl = Effect.gen(function* () {
  const given = yield* setting
  if (Option.isSome(given)) return Redacted.value(given.value)
  const url = yield* Config.Redacted("DATABASE_URL").pipe(
    Config.withDefault(Redacted.make("postgres://carillon@127.0.0.1:5432/carillon"))
  )
  return Redacted.value(url)
})

const redirected = Layer.unwrap(
  Effect.map(
    setting,
    Option.match({
      onNone: () => Layer.empty,
      onSome: (url) =>
        ConfigProvider.layerAdd(ConfigProvider.fromUnknown({ DATABASE_URL: Redacted.value(url) }), { asPrimary: true })
    })
  )
)

// Made anew: the ledger of the same process may have one to another database.
export const bridgePostgres = Layer.fresh(Postgres.layer).pipe(Layer.provide(redirected))
export const bridgePostgresWithoutWaiting = Layer.fresh(Postgres.layerWithoutWaiting).pipe(Layer.provide(redirected))
