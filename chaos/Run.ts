// Runs one plan: asks for its messages, strikes whom it names, and waits until everything has come to an end.
import { Effect, Schedule } from "effect"
import { strikeAll } from "./faults/Striking.ts"
import { hostile } from "./plan/Hostile.ts"
import { leadMillis, type Plan } from "./plan/Plan.ts"
import { evidenceOf } from "./promises/Evidence.ts"
import type { Ran } from "./promises/Ran.ts"
import { ask, askChange, askHostile, askOrder } from "./world/Asking.ts"
import { worldOf } from "./world/World.ts"

export const run = Effect.fnUntraced(function* (plan: Plan, folder: string, natsServer: string) {
  const world = yield* worldOf(plan, folder, natsServer)
  const start = Date.now() + leadMillis
  world.begun.at = start
  const dueAt = new Map(plan.messages.map(({ id, dueAfterMillis }) => [id, start + dueAfterMillis] as const))
  // The message whose id they want was asked for before all others.
  const [victim] = plan.messages.toSorted((a, b) => a.askedAfterMillis - b.askedAfterMillis)
  const attacks = hostile(victim?.id ?? "", start + plan.size.seconds * 1_000)
  const { asked, changed, ordered, struck } = yield* Effect.all(
    {
      asking: Effect.forEach(plan.messages, (message) => ask(world.nats, message, start), { concurrency: "unbounded" }),
      changed: Effect.forEach(plan.changes, (change) => askChange(world.nats, change, start), {
        concurrency: "unbounded"
      }),
      ordered: Effect.forEach(plan.orders, (order) => askOrder(world.nats, order, start), { concurrency: "unbounded" }),
      // Over the whole time.
      asked: Effect.forEach(
        attacks,
        (one, index) => askHostile(world.nats, one, start + (index / attacks.length) * plan.size.seconds * 1_000),
        { concurrency: "unbounded" }
      ),
      struck: strikeAll(world, plan.strikes, start)
    },
    { concurrency: "unbounded" }
  )
  yield* Effect.logInfo("nothing is struck any more")
  const over = Effect.flatMap(evidenceOf(world), (evidence) =>
    evidence.leftOver.length === 0 ? Effect.succeed(evidence) : Effect.fail(evidence.leftOver.join("; "))
  )
  const evidence = yield* over.pipe(
    Effect.tapError((why) => Effect.logDebug("not over", why)),
    Effect.retry(Schedule.spaced("500 millis")),
    // A timer that NATS had no room for comes back by the watchdog, which asks a second time only after 150 seconds.
    Effect.timeoutOrElse({ duration: "240 seconds", orElse: () => evidenceOf(world) })
  )
  return { plan, evidence, asked, changed, ordered, struck, dueAt } satisfies Ran as Ran
}, Effect.scoped)
