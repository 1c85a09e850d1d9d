// A short run of the faults harness: the same as npm run chaos, on a plan that has something of everything.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { inject } from "vitest"
import { planOf } from "../../chaos/Plan.ts"
import { findings } from "../../chaos/Promises.ts"
import { run } from "../../chaos/Run.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"

const plan = planOf(1, { messages: 150, seconds: 15 })

describe("under a storm of refusals, lost answers and kills", () => {
  it.live("every message ends in one recorded outcome, and no limit is exceeded", () =>
    Effect.gen(function* () {
      const withServers = {
        ...plan,
        strikes: [
          ...plan.strikes,
          { afterMillis: 4_000, victim: "nats", how: "kill -9", downMillis: 800 },
          { afterMillis: 8_000, victim: "postgres", how: "kill -9", downMillis: 2_000 }
        ] as const
      }
      const ran = yield* run(withServers, yield* temporaryFolder("chaos"), inject("natsServer"))
      assert.deepStrictEqual(findings(ran), [])
      // The faults really happened.
      const types = new Set(ran.evidence.events.map(({ type }) => type))
      assert.includeMembers([...types], ["retry-scheduled", "expired", "rejected"])
      assert.isAbove(ran.evidence.requests.length, plan.messages.length / 2)
    })
  )
})
