// One sender of a gateway while this replica is the active one: its steps side by side, and an orderly end.
import { Deferred, Effect, Fiber, Option, Queue } from "effect"
import { persistently } from "#shared/nats/Persistently.ts"
import { gatewayConsumers } from "#shared/nats/Topology.ts"
import type { CircuitPolicy } from "./Circuit.ts"
import { type Desk, keepRecord, openDesk } from "./Desk.ts"
import { hear, untilCaughtUp } from "./Hearing.ts"
import { takeIn } from "./Intake.ts"
import type { Lease } from "./Lease.ts"
import { watching } from "./Observed.ts"
import type { GatewayDefinition, SenderDefinition } from "./Platform.ts"
import { recordOutcomes } from "./Recording.ts"
import { recallSends } from "./Recovery.ts"
import { expire, letGo } from "./Sending.ts"
import type { Hearer } from "./Updates.ts"

export interface Policy {
  readonly circuit: CircuitPolicy
  /** How long a stopping gateway waits for sends under way. Longer than a platform takes to answer, as a rule. */
  readonly graceSeconds: number
}

const keepEveryMillis = 1_500

/** Runs until interrupted, or until the lease is lost. */
export const sendWhileActive = (
  gateway: GatewayDefinition,
  sender: SenderDefinition,
  hearer: Hearer,
  lease: Lease,
  { circuit, graceSeconds }: Policy
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const desk = yield* openDesk(gateway, sender, hearer, lease, circuit)
      yield* persistently(recallSends(desk))
      yield* watching(desk)
      const scope = yield* Effect.scope
      const keep = Effect.forever(
        Effect.andThen(
          Effect.sleep(keepEveryMillis),
          Effect.sync(() => desk.inHand.keep())
        )
      )
      const background = yield* Effect.forkIn(
        Effect.all([recordOutcomes(desk), keep, keepRecord(desk)], { concurrency: "unbounded" }),
        scope
      )
      const mailboxes = gatewayConsumers(gateway.platform, sender.name)
      const caughtUp = yield* Deferred.make<void>()
      const listening = sender.inbound ? [hear(hearer, sender.inbound, caughtUp)] : []
      const sending = Effect.andThen(untilCaughtUp(sender, caughtUp), letGo(desk, scope))
      const steps = [...mailboxes.map((mailbox) => takeIn(desk, mailbox)), sending, expire(desk)]
      yield* Effect.all([...steps, ...listening], {
        concurrency: "unbounded",
        discard: true
      }).pipe(Effect.raceFirst(Fiber.join(background)), Effect.ensuring(windDown(desk, graceSeconds)))
    })
    // Renewed from the beginning on: what is looked up first may take longer than the lease lasts.
  ).pipe(Effect.raceFirst(lease.lost))

/** Gives back what waits, so that another has it at once, and waits for what is under way. */
const windDown = ({ changed, inHand, turns }: Desk, graceSeconds: number) =>
  Effect.gen(function* () {
    while (true) {
      for (const entry of turns.remove(() => true)) {
        entry.delivery.nak()
        inHand.settled(entry)
      }
      if (inHand.size === 0) return
      yield* Queue.take(changed)
    }
  }).pipe(
    Effect.timeoutOption(graceSeconds * 1_000),
    Effect.tap((ended) =>
      Option.isSome(ended)
        ? Effect.void
        : Effect.logWarning(`${inHand.size} sends had no outcome when the time to stop was over: they are unknown`)
    )
  )
