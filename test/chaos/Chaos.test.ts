// Short runs of the faults harness: the same as npm run chaos, on plans that have something of everything.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { inject } from "vitest"
import { type Plan, planOf } from "../../chaos/plan/Plan.ts"
import type { Strike } from "../../chaos/plan/Strikes.ts"
import { findings } from "../../chaos/promises/Promises.ts"
import { run } from "../../chaos/Run.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"

const kept = Effect.fnUntraced(function* (plan: Plan) {
  const ran = yield* run(plan, yield* temporaryFolder("chaos"), inject("natsServer"))
  assert.deepStrictEqual(findings(ran), [])
  // The faults really happened.
  const types = new Set(ran.evidence.events.map(({ type }) => type))
  assert.includeMembers([...types], ["retry-scheduled", "expired", "rejected"])
  assert.isAbove(ran.evidence.left.length, plan.messages.length / 2)
})

const single: ReadonlyArray<Strike> = [
  { kind: "service", victim: "scheduler", how: "kill -9", afterMillis: 500, forMillis: 500 },
  {
    kind: "link",
    victim: "telegram-gateway to platform",
    how: "stalled, then cut",
    afterMillis: 1_000,
    forMillis: 800
  },
  { kind: "consumer", victim: "TIMERS/dispatcher", how: "deleted", afterMillis: 2_000, forMillis: 500 },
  { kind: "service", victim: "telegram-gateway", how: "kill -9", afterMillis: 3_000, forMillis: 500 },
  { kind: "nats", victim: "server 1", how: "kill -9", afterMillis: 4_000, forMillis: 800 },
  { kind: "permission", victim: "dispatcher", how: "may not append", afterMillis: 6_000, forMillis: 1_000 },
  { kind: "postgres", victim: "postgres", how: "kill -9", afterMillis: 7_000, forMillis: 1_000 },
  { kind: "link", victim: "all to nats", how: "cut", afterMillis: 8_000, forMillis: 500 },
  { kind: "service", victim: "dispatcher", how: "SIGTERM", afterMillis: 9_000, forMillis: 300 },
  {
    kind: "consumer",
    victim: "EVENTS/telegram-gateway-default-normal",
    how: "reset",
    afterMillis: 9_500,
    forMillis: 200
  },
  { kind: "consumer", victim: "EVENTS/scheduler-retries", how: "reset", afterMillis: 10_000, forMillis: 200 },
  { kind: "service", victim: "ledger", how: "kill -9", afterMillis: 10_500, forMillis: 300 }
]

const cluster: ReadonlyArray<Strike> = [
  { kind: "nats", victim: "leader of TIMERS", how: "kill -9", afterMillis: 2_000, forMillis: 1_000 },
  { kind: "service", victim: "telegram-gateway", how: "kill -9", afterMillis: 3_000, forMillis: 500 },
  { kind: "nats", victim: "two servers", how: "kill -9", afterMillis: 6_000, forMillis: 1_500 }
]

describe("under a storm of refusals, lost answers, kills and broken connections", () => {
  it.live("every message ends in one recorded outcome, and no limit is exceeded", () =>
    kept({ ...planOf(1, { messages: 120, seconds: 12 }, "single"), strikes: single })
  )

  it.live("the same where three servers are NATS, and one or two of them are killed", () =>
    kept({ ...planOf(2, { messages: 80, seconds: 12 }, "cluster"), strikes: cluster })
  )
})
