// The flags that say when: an instant, a local time in a zone, or so long from now.
import { Effect, Option, Result } from "effect"
import { Flag } from "effect/cli"
import { fromMillis, isLocal, parseInstant } from "#shared/contract/fields/Instants.ts"
import { Refused } from "../output/Exit.ts"
import { given } from "./Flags.ts"

export const whenFlags = {
  at: Flag.String("at").pipe(
    Flag.withDescription("When: 2026-12-01T09:00:00Z, or a local time together with --time-zone"),
    Flag.optional
  ),
  in: Flag.String("in").pipe(Flag.withDescription("When, from now: 10s, 5m, 2h, 1d"), Flag.optional),
  timeZone: Flag.String("time-zone").pipe(
    Flag.withDescription("IANA zone of a local --at, Europe/Berlin"),
    Flag.optional
  ),
  expiresAt: Flag.String("expires-at").pipe(
    Flag.withDescription("Until when it is still worth sending, an instant"),
    Flag.optional
  ),
  maxLateness: Flag.String("max-lateness").pipe(
    Flag.withDescription("The same as a time after it is due: 30s, 15m, 2h"),
    Flag.optional
  )
}

/** Added to what is told of a message that was asked for after its deadline. */
export const neverSent = "; its deadline has passed: it will not be sent"

interface When {
  readonly at: Option.Option<string>
  readonly in: Option.Option<string>
  readonly timeZone: Option.Option<string>
  readonly expiresAt: Option.Option<string>
  readonly maxLateness: Option.Option<string>
}

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** 90s, 5m, 2h, 1d in milliseconds. */
export const parseSpan = (flag: string, text: string): Effect.Effect<number, Refused> => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? []
  return amount && unit
    ? Effect.succeed(Number(amount) * units[unit as keyof typeof units])
    : Effect.fail(new Refused({ message: `--${flag} must be like 10s, 5m, 2h or 1d` }))
}

/** An instant, the beginning of a day of UTC, or so far from now: -1h, +2h. */
export const parseMoment = (flag: string, text: string): Effect.Effect<string, Refused> => {
  const [, sign, rest] = /^([+-])(.+)$/.exec(text) ?? []
  if (sign && rest) {
    return Effect.map(parseSpan(flag, rest), (millis) => fromMillis(Date.now() + (sign === "-" ? -millis : millis)))
  }
  return Effect.fromResult(
    Result.mapBoth(parseInstant(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text), {
      onFailure: () => new Refused({ message: `--${flag} must be like 2026-12-01T09:00:00Z, 2026-12-01, -1h or +2h` }),
      onSuccess: fromMillis
    })
  )
}

/** How late it is still worth sending, if --max-lateness says so. */
export const lateness = Effect.fnUntraced(function* (maxLateness: Option.Option<string>) {
  if (Option.isNone(maxLateness)) return {}
  const millis = Math.round(yield* parseSpan("max-lateness", maxLateness.value))
  return { maxLatenessSeconds: Math.ceil(millis / 1_000) }
})

/** The fields of a command. */
export const timing = Effect.fnUntraced(function* (when: When) {
  const { at, timeZone, expiresAt, maxLateness } = when
  if (Option.isSome(at) === Option.isSome(when.in)) {
    return yield* new Refused({ message: "say when: give either --at or --in" })
  }
  const dueAt = Option.isSome(when.in)
    ? fromMillis(Date.now() + (yield* parseSpan("in", when.in.value)))
    : Option.getOrElse(at, () => "")
  return {
    dueAt,
    // From now on is no local time: the zone would say nothing of it.
    ...given({
      timeZone: Option.isSome(when.in) && !Option.exists(expiresAt, isLocal) ? Option.none() : timeZone,
      expiresAt
    }),
    ...(yield* lateness(maxLateness))
  }
})
