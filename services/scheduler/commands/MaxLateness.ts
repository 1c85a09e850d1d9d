// How late messages may be that say nothing of it: DEFAULT_MAX_LATENESS_SECONDS, and for single kinds MAX_LATENESS_SECONDS.
import { Effect, Option, Schema } from "effect"
import { Kind } from "#shared/contract/fields/Fields.ts"
import { setting, whole } from "#shared/service/Settings.ts"

/** Its problem names the place. */
export class BadMaxLateness extends Schema.TaggedError<BadMaxLateness>()("BadMaxLateness", {
  problem: Schema.String
}) {
  override get message() {
    return `MAX_LATENESS_SECONDS ${this.problem}: write for example medication=600,appointment=7200`
  }
}

const isKind = Schema.is(Kind)
const longest = 31_536_000

/** Seconds by kind. */
export const parseMaxLateness = Effect.fnUntraced(function* (text: string) {
  const found = new Map<Kind, number>()
  for (const [index, part] of text.split(",").entries()) {
    const [kind = "", seconds = ""] = part.trim().split("=")
    if (!isKind(kind)) return yield* new BadMaxLateness({ problem: `has no usable kind in entry ${index + 1}` })
    if (!/^\d{1,8}$/.test(seconds) || Number(seconds) > longest)
      return yield* new BadMaxLateness({ problem: `has no whole number of seconds, at most a year, for ${kind}` })
    if (found.has(kind)) return yield* new BadMaxLateness({ problem: `names ${kind} twice` })
    found.set(kind, Number(seconds))
  }
  return found as ReadonlyMap<Kind, number>
})

const byDefault = setting("DEFAULT_MAX_LATENESS_SECONDS", whole(0, longest), {
  says: "How late a message may be that does not say it itself; what is later is not sent",
  unit: "seconds",
  byDefault: 3_600
})
const ofKinds = setting("MAX_LATENESS_SECONDS", Schema.String, {
  says: "How late messages of single kinds may be that do not say it themselves",
  unit: "seconds",
  takes: "kinds and seconds: `medication=600,appointment=7200`"
})

/** In milliseconds, of a kind. */
export const maxLatenessByKind = Effect.gen(function* () {
  const otherwise = yield* byDefault
  const given = yield* ofKinds.given
  const kinds: ReadonlyMap<Kind, number> = Option.isNone(given) ? new Map() : yield* parseMaxLateness(given.value)
  return (kind: Kind | undefined) => (kinds.get(kind ?? "") ?? otherwise) * 1_000
})
