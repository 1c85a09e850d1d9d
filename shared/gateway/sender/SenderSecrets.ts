// The secrets of a gateway's senders, from its configuration: one setting for the sender `default`, a list for named ones.
import { Effect, Option, Redacted, Schema } from "effect"
import { defaultSender, Sender } from "#shared/contract/fields/Fields.ts"
import type { Setting } from "#shared/service/Settings.ts"

/** The list is wrong. Its problem names a place in it, never a secret. */
export class BadSecrets extends Schema.TaggedError<BadSecrets>()("BadSecrets", {
  setting: Schema.String,
  problem: Schema.String,
  shape: Schema.String
}) {
  override get message() {
    return `${this.setting} ${this.problem}: write ${this.shape}, several with commas between`
  }
}

export interface Secrets {
  readonly single: Setting<Redacted.Redacted<string>>
  readonly several: Setting<Redacted.Redacted<string>>
  readonly schema: Schema.Codec<string>
  /** As it is called in a sentence: "token as BotFather gives it". */
  readonly called: string
  /** Of an entry: "name=token". */
  readonly shape: string
}

const isSender = Schema.is(Sender)

/** At least one is needed. */
export const senderSecrets = Effect.fnUntraced(function* ({ called, schema, several, shape, single }: Secrets) {
  const isSecret = Schema.is(schema)
  const bad = (problem: string) => new BadSecrets({ setting: several.key, problem, shape })
  const found = new Map<Sender, Redacted.Redacted<string>>()
  const list = yield* several.given
  if (Option.isSome(list)) {
    for (const [index, part] of Redacted.value(list.value).split(",").entries()) {
      const [name = "", secret = ""] = part.trim().split(/=(.*)/s)
      if (!isSender(name)) return yield* bad(`has no usable name in entry ${index + 1}`)
      if (!isSecret(secret)) return yield* bad(`has no ${called} for ${name}`)
      if (found.has(name)) return yield* bad(`names ${name} twice`)
      found.set(name, Redacted.make(secret))
    }
  }
  const one = yield* single.given
  if (Option.isSome(one)) found.set(defaultSender, one.value)
  // Asked for once more without a default, so that what is missing is said in the usual words.
  if (found.size === 0) yield* single
  return found as ReadonlyMap<Sender, Redacted.Redacted<string>>
})
