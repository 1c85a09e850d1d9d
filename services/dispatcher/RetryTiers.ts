// RETRY_TIERS: how often and how far apart a message is tried again, as text: 4x1s,4x1m,4x1h.
import { Effect, Schema } from "effect"
import type { RetryTiers } from "#shared/contract/fields/Fields.ts"
import { setting } from "#shared/service/Settings.ts"

/** Its problem names the place, and what was expected there. */
export class BadRetryTiers extends Schema.TaggedError<BadRetryTiers>()("BadRetryTiers", { problem: Schema.String }) {
  override get message() {
    return `RETRY_TIERS ${this.problem}: write for example 4x1s,4x1m,4x1h, or none`
  }
}

const units = { s: 1, m: 60, h: 3_600 } as const

/** Seconds first, then minutes, then hours, while the message is still worth sending. */
const tiersSetting = setting("RETRY_TIERS", Schema.String, {
  says: "How often a message is tried again where it does not say it itself: four times, the first after at most 1 s and each next after at most twice as long, then the same in minutes, then in hours",
  takes: "up to five tiers like `4x1s`, `4x1m`, `4x1h` with commas between, or `none`",
  byDefault: "4x1s,4x1m,4x1h"
})

export const parseTiers = Effect.fnUntraced(function* (text: string) {
  if (text.trim() === "none") return [] as RetryTiers
  const parts = text.split(",").map((part) => /^(\d{1,3})x(\d{1,4})([smh])$/.exec(part.trim()))
  const wrong = parts.indexOf(null)
  if (wrong >= 0) return yield* new BadRetryTiers({ problem: `cannot be read at entry ${wrong + 1}` })
  if (parts.length > 5) return yield* new BadRetryTiers({ problem: "has more than five tiers" })
  return parts.map((part) => {
    const [, attempts, count, unit] = part as unknown as readonly [string, string, string, keyof typeof units]
    return { attempts: Number(attempts), seconds: Number(count) * units[unit] }
  }) as RetryTiers
})

export const retryTiers = Effect.flatMap(tiersSetting, parseTiers)
