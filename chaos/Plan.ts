// What one run does: which messages, which faults of the platform, which processes are struck when. Pure: all of it
// follows from the seed, so that a run that failed can be had again.

export interface Size {
  readonly messages: number
  /** Messages are due, and faults happen, within this time. The end is waited for. */
  readonly seconds: number
}

export interface Planned {
  readonly id: string
  readonly chatId: string
  /** From the start of the run. */
  readonly dueAfterMillis: number
  readonly maxLatenessSeconds: number
  readonly priority: "urgent" | "normal" | "bulk"
  readonly unknownOutcome: "resend" | "hold"
}

export type Victim =
  | "scheduler"
  | "dispatcher"
  | "telegram-gateway"
  | "telegram-gateway-2"
  | "ledger"
  | "nats"
  | "postgres"

export interface Strike {
  readonly afterMillis: number
  readonly victim: Victim
  readonly how: "kill -9" | "SIGTERM"
  /** How long until it is started again. */
  readonly downMillis: number
}

export type Fault = "none" | "throttled" | "reset" | "reset after delivery" | "half" | "html 502" | "slow" | "blocked"

export interface Plan {
  readonly seed: number
  readonly size: Size
  readonly messages: ReadonlyArray<Planned>
  readonly strikes: ReadonlyArray<Strike>
  /** Commands that nobody may accept, and that may hurt nobody. */
  readonly hostile: ReadonlyArray<string>
  /** What happens to the platform's nth request, so long after the start. */
  readonly fault: (nth: number, afterMillis: number) => Fault
}

/** With this every chat id begins: searched for where it must not be. */
export const chatMark = "88800077"

/** Mulberry32: small, known, good enough to choose faults by. From 0 to 1. */
const randomFrom = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const pick = <A>(random: () => number, ...weighted: ReadonlyArray<readonly [weight: number, value: A]>): A => {
  let left = random() * weighted.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, value] of weighted) {
    left -= weight
    if (left < 0) return value
  }
  return (weighted.at(-1) as readonly [number, A])[1]
}

export const planOf = (seed: number, size: Size): Plan => {
  const random = randomFrom(seed)
  const within = size.seconds * 1_000
  const chats = Math.max(5, Math.round(size.messages / 6))
  const messages = Array.from(
    { length: size.messages },
    (_, index): Planned => ({
      id: `m-${index}`,
      chatId: `${chatMark}${String(Math.floor(random() * chats)).padStart(5, "0")}`,
      // Half of them at a few instants that many share, as reminders are.
      dueAfterMillis: Math.floor(random() < 0.5 ? random() * within : Math.floor(random() * 6) * (within / 6)),
      maxLatenessSeconds: pick(random, [8, 600], [1, 3]),
      priority: pick(random, [1, "urgent" as const], [4, "normal" as const], [2, "bulk" as const]),
      unknownOutcome: pick(random, [4, "resend" as const], [1, "hold" as const])
    })
  )
  const strikes = Array.from({ length: Math.max(3, Math.round(size.seconds / 4)) }, (): Strike => {
    const victim = pick<Victim>(
      random,
      [4, "telegram-gateway"],
      [2, "telegram-gateway-2"],
      [3, "dispatcher"],
      [3, "scheduler"],
      [2, "ledger"],
      [2, "nats"],
      [1, "postgres"]
    )
    return {
      afterMillis: Math.floor(random() * within),
      victim,
      how: victim === "nats" || victim === "postgres" || random() < 0.7 ? "kill -9" : "SIGTERM",
      downMillis: Math.floor(200 + random() * 3_000)
    }
  }).toSorted((a, b) => a.afterMillis - b.afterMillis)
  // A storm of refusals for a tenth of the time, twice.
  const storms = [0.2, 0.6].map((part) => (part + random() * 0.2) * within)
  const stormy = (after: number) => storms.some((from) => after >= from && after < from + within / 10)
  return {
    seed,
    size,
    messages,
    strikes,
    hostile: hostile(random),
    fault: (nth, after) => {
      const chance = randomFrom(seed ^ Math.imul(nth + 1, 0x9e3779b1))
      if (stormy(after)) return pick(chance, [6, "throttled"], [4, "none"])
      return pick<Fault>(
        chance,
        [80, "none"],
        [4, "throttled"],
        [3, "reset"],
        [3, "reset after delivery"],
        [2, "half"],
        [3, "html 502"],
        [4, "slow"],
        [1, "blocked"]
      )
    }
  }
}

const hostile = (random: () => number): ReadonlyArray<string> => [
  "",
  "{",
  "null",
  "[".repeat(5_000),
  `{"id":"${"x".repeat(100_000)}"}`,
  JSON.stringify({ id: "a.>", platform: "telegram" }),
  JSON.stringify({ id: "\u0000\u001b[2J", platform: "telegram\r\nPUB x 0" }),
  JSON.stringify({ id: "deep", content: JSON.parse(`${'{"a":'.repeat(200)}1${"}".repeat(200)}`) }),
  JSON.stringify({ id: 5, platform: [], recipient: "1", content: true, dueAt: random() }),
  Buffer.from([0xff, 0xfe, 0x00, 0x80]).toString("latin1")
]
