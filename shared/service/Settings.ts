// Every setting is declared by this, where it is read: what it means, what it may be and what holds without it are said
// once. docs/configuration.md is made of that. Nobody reads the environment in another way: biome.json forbids it.
import { Config, Effect, Option, Redacted, Schema } from "effect"

export interface Meaning {
  /** What it is, to somebody who deploys: a sentence without its full stop. */
  readonly says: string
  readonly unit?: "seconds" | "milliseconds" | "days"
  /** What may be given, where its schema does not tell. */
  readonly takes?: string
  /** What holds without it, where that is no value. */
  readonly otherwise?: string
}

export interface Declared extends Meaning {
  readonly key: string
  readonly byDefault?: string
  readonly secret: boolean
  /** Missing where something else reads it, of the environment only. */
  readonly setting?: Setting<unknown>
  /** Of its values. */
  readonly schema?: Values<unknown>
}

type Values<A> = Schema.ConstraintCodec<A, unknown>

export interface Setting<out A> extends Config.Config<A> {
  readonly key: string
  /** None if it is not given, whatever its default. */
  readonly given: Config.Config<Option.Option<A>>
  /** The file that holds it, for who reads that anew. */
  readonly file: Config.Config<Option.Option<string>>
}

const all = new Map<string, Declared>()

/** By the modules that are loaded. */
export const declared: ReadonlyMap<string, Declared> = all

const declare = (one: Declared) => {
  if (all.has(one.key)) throw new Error(`${one.key} is declared twice`)
  all.set(one.key, one)
}

const make = <A>(
  { byDefault, ...about }: Omit<Declared, "byDefault" | "setting"> & { readonly byDefault?: A },
  read: Config.Config<A>
): Setting<A> => {
  const { key } = about
  const setting = Object.assign(byDefault === undefined ? read : Config.withDefault(read, byDefault as A), {
    key,
    given: Config.option(read),
    file: Config.option(Config.String(`${key}_FILE`))
  })
  const inWords = String(Redacted.isRedacted(byDefault) ? Redacted.value(byDefault) : byDefault)
  declare({ ...about, ...(byDefault === undefined ? {} : { byDefault: inWords }), setting })
  return setting
}

/** Without a default it is required where it is read; it may be left out where its `given` is. */
export const setting = <A>(
  key: string,
  schema: Values<A>,
  meaning: Meaning & { readonly byDefault?: NoInfer<A> }
): Setting<A> => make({ ...meaning, key, schema, secret: false }, Config.schema(schema, key))

/** Said in seconds, read in milliseconds. */
export const seconds = (
  key: string,
  schema: Values<number>,
  meaning: Meaning & { readonly byDefault?: number }
): Effect.Effect<number, Config.ConfigError> =>
  Effect.map(setting(key, schema, { ...meaning, unit: "seconds" }), (found) => found * 1_000)

/** Off if nothing is said. */
export const flag = (key: string, meaning: Meaning): Setting<boolean> =>
  make({ ...meaning, key, schema: Schema.Boolean, secret: false, byDefault: false }, Config.Boolean(key))

/** Never shown, whatever becomes of it. */
export const secret = (
  key: string,
  { byDefault, ...meaning }: Meaning & { readonly byDefault?: string },
  schema: Schema.Codec<string> = Schema.String
): Setting<Redacted.Redacted<string>> =>
  make(
    {
      ...meaning,
      key,
      schema,
      secret: true,
      ...(byDefault === undefined ? {} : { byDefault: Redacted.make(byDefault) })
    },
    Config.schema(Schema.RedactedFromValue(schema), key)
  )

/** Whether one of them is there, fit for use or not. */
export const anyGiven = (...settings: ReadonlyArray<Setting<unknown>>): Effect.Effect<boolean> =>
  Effect.map(
    Effect.forEach(settings, ({ given }) => Effect.match(given, { onFailure: () => true, onSuccess: Option.isSome })),
    (found) => found.includes(true)
  )

/** What Node or a library reads, or what is needed before there is a configuration: of the environment only. */
export const environment = (key: string, meaning: Meaning & { readonly secret?: boolean }): string | undefined => {
  declare({ secret: false, ...meaning, key })
  return process.env[key]
}

/** Both ends count. */
export const whole = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
export const fraction = (minimum: number, maximum: number) =>
  Schema.Finite.check(Schema.isBetween({ minimum, maximum }))
/** To listen on: 0 takes any free one. */
export const port = whole(0, 65_535)
