// What can be struck, and how: a strike is data, drawn from the seed. Striking.ts carries it out.
import type { MachineBlow } from "../faults/MachineFaults.ts"
import { oneOf, pick, type Random } from "./Random.ts"

export type World = "single" | "cluster"

/** Whom NATS knows the services as: both replicas of one are one. */
export const users = ["scheduler", "dispatcher", "telegram-gateway", "ledger"] as const
export type User = (typeof users)[number]

/** Two replicas of each. */
export type Service = User | `${User}-2`
export const services: ReadonlyArray<Service> = users.flatMap((user): ReadonlyArray<Service> => [user, `${user}-2`])

/** Names of streams whose leader is looked for. */
const ledStreams = ["COMMANDS", "TIMERS", "EVENTS", "SENDERS"] as const

export const durables = [
  "COMMANDS/scheduler",
  "EVENTS/scheduler-retries",
  "TIMERS/dispatcher",
  "EVENTS/dispatcher-failures",
  "EVENTS/telegram-gateway-default-urgent",
  "EVENTS/telegram-gateway-default-normal",
  "EVENTS/telegram-gateway-default-bulk"
] as const
export type Durable = (typeof durables)[number]

/** Between a service and what it needs; `all` is everybody's. */
export type LinkName = `${Service | "all"} to nats` | `${Service} to postgres` | `${Service} to platform`

/** The victim is of this kind, and is struck in this way. */
export type Blow =
  | { readonly kind: "service"; readonly victim: Service; readonly how: "kill -9" | "SIGTERM" | "frozen" }
  | { readonly kind: "postgres"; readonly victim: "postgres"; readonly how: "kill -9" }
  | {
      readonly kind: "nats"
      readonly victim: `server ${1 | 2 | 3}` | `leader of ${(typeof ledStreams)[number]}` | "two servers"
      readonly how: "kill -9" | "lame duck"
    }
  | { readonly kind: "link"; readonly victim: LinkName; readonly how: "cut" | "stalled" | "stalled, then cut" | "slow" }
  | { readonly kind: "consumer"; readonly victim: Durable; readonly how: "deleted" | "paused" | "reset" }
  | { readonly kind: "permission"; readonly victim: User; readonly how: "may not publish" | "may not append" }
  | MachineBlow

export type Strike = Blow & {
  /** From the start of the run. */
  readonly afterMillis: number
  /** Until it is as before again. */
  readonly forMillis: number
}

/** How often which service is struck, in whatever way. */
const anyService = (random: Random) =>
  eitherOf(random, pick<User>(random, [6, "telegram-gateway"], [3, "dispatcher"], [3, "scheduler"], [2, "ledger"]))

/** Mostly the first that was started: of a gateway it is the active one to begin with. */
const eitherOf = <Name extends User>(random: Random, user: Name): Name | `${Name}-2` =>
  random() < 0.65 ? user : `${user}-2`

const serverOf = (random: Random, world: World) =>
  world === "single"
    ? ("server 1" as const)
    : pick(
        random,
        [3, `leader of ${oneOf(random, ledStreams)}` as const],
        [2, `server ${oneOf(random, [1, 2, 3] as const)}` as const],
        [1, "two servers" as const]
      )

const linkOf = (random: Random): LinkName => {
  const service = anyService(random)
  return pick<LinkName>(
    random,
    [5, `${service} to nats`],
    [2, "all to nats"],
    [2, `${eitherOf(random, "ledger")} to postgres`],
    [3, `${eitherOf(random, "telegram-gateway")} to platform`]
  )
}

const blow = (random: Random, world: World): Blow => {
  const kind = pick<Blow["kind"]>(
    random,
    [8, "service"],
    [1, "postgres"],
    [3, "nats"],
    [5, "link"],
    [2, "consumer"],
    [1, "permission"],
    [2, "disk"],
    [1, "clock"]
  )
  switch (kind) {
    case "service":
      return { kind, victim: anyService(random), how: pick(random, [6, "kill -9"], [2, "SIGTERM"], [2, "frozen"]) }
    case "postgres":
      return { kind, victim: "postgres", how: "kill -9" }
    case "nats": {
      const victim = serverOf(random, world)
      return { kind, victim, how: victim !== "two servers" && random() < 0.25 ? "lame duck" : "kill -9" }
    }
    case "link":
      return {
        kind,
        victim: linkOf(random),
        how: pick(random, [3, "cut"], [2, "stalled"], [2, "stalled, then cut"], [2, "slow"])
      }
    case "consumer":
      return { kind, victim: oneOf(random, durables), how: pick(random, [3, "deleted"], [2, "paused"], [2, "reset"]) }
    case "permission":
      return { kind, victim: oneOf(random, users), how: random() < 0.5 ? "may not publish" : "may not append" }
    case "disk":
      return pick<MachineBlow>(
        random,
        [2, { kind, victim: "nats", how: "full" }],
        [1, { kind, victim: "nats", how: "read-only" }],
        // In a cluster its filler would lie on any of the servers.
        [world === "single" ? 1 : 0, { kind, victim: "nats", how: "at its limit" }],
        [2, { kind, victim: "postgres", how: "full" }],
        [1, { kind, victim: "postgres", how: "read-only" }]
      )
    case "clock": {
      // What is put off by a clock that is minutes ahead would be waited for as long.
      const how = oneOf(random, ["20 s ahead", "20 s behind"] as const)
      return { kind, victim: anyService(random), how }
    }
  }
}

export const drawStrikes = (random: Random, world: World, seconds: number): ReadonlyArray<Strike> =>
  Array.from(
    { length: Math.max(4, Math.round(seconds / 2)) },
    (): Strike => ({
      ...blow(random, world),
      afterMillis: Math.floor(random() * seconds * 1_000),
      forMillis: Math.floor(200 + random() * 4_000)
    })
  ).toSorted((a, b) => a.afterMillis - b.afterMillis)
