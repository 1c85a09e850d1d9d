// What is known of a plan that was run: all that the promises are held against.
import type { Changed } from "../plan/Changes.ts"
import type { Ordered } from "../plan/Orders.ts"
import type { Plan } from "../plan/Plan.ts"
import type { Strike } from "../plan/Strikes.ts"
import type { Asked } from "../world/Asking.ts"
import type { Evidence } from "./Evidence.ts"

export interface Ran {
  readonly plan: Plan
  readonly evidence: Evidence
  readonly asked: ReadonlyArray<Asked>
  readonly changed: ReadonlyArray<Changed>
  readonly ordered: ReadonlyArray<Ordered>
  /** Of the plan's strikes those that really struck. */
  readonly struck: ReadonlyArray<Strike>
  /** When each message was due as it was scheduled, in milliseconds since the epoch. */
  readonly dueAt: ReadonlyMap<string, number>
}
