// One sender of a gateway while this replica is the active one: its steps side by side, and an orderly end.
import { Deferred, Effect, Fiber, Option, Queue } from "effect"
import { gatewayConsumers } from "#shared/nats/layout/Topology.ts"
import { persistently } from "#shared/nats/messages/Persistently.ts"
import type { CircuitPolicy } from "../limits/Circuit.ts"
import { recallSends } from "../limits/Recovery.ts"
import type { GatewayDefinition, SenderDefinition } from "../Platform.ts"
import { hear, untilCaughtUp } from "../people/Hearing.ts"
import type { Hearer } from "../people/Updates.ts"
import { giveBack } from "../sending/GivingBack.ts"
import { takeIn } from "../sending/Intake.ts"
import { watching } from "../sending/Observed.ts"
import { recordOutcomes } from "../sending/Recording.ts"
import { expire, letGo } from "../sending/Sending.ts"
import { type Desk, keepRecord, openDesk } from "./Desk.ts"
import type { Lease } from "./Lease.ts"

export interface Policy {
  readonly circuit: CircuitPolicy
  /** How long a stopping gateway waits for sends under way. Longer than a platform takes to answer, as a rule. */
  readonly graceSeconds: number
}

const keepEveryMillis = 1_500

/** Runs until interrupted, or until the lease is lost and what was under way then is recorded. */
export const sendWhileActive = (
  gateway: GatewayDefinition,
  sender: SenderDefinition,
  hearer: Hearer,
  lease: Lease,
  { circuit, graceSeconds }: Policy
) =>
  Effect.scoped(
    Effect.gen(function* () {
      // Renewed from the beginning on: what is looked up first may take longer than the lease lasts.
      const renewing = yield* Effect.forkScoped(lease.lost)
      const lost = Fiber.join(renewing)
      const opening = openDesk(gateway, sender, hearer, lease, circuit).pipe(
        Effect.tap((desk) => persistently(recallSends(desk)))
      )
      const opened = yield* Effect.raceFirst(Effect.asSome(opening), Effect.as(lost, Option.none<Desk>()))
      if (Option.isNone(opened)) return
      const desk = opened.value
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
      const steps = [...mailboxes.map((mailbox) => takeIn(desk, mailbox)), sending, expire(desk), giveBack(desk)]
      yield* Effect.all([...steps, ...listening], {
        concurrency: "unbounded",
        discard: true
      }).pipe(
        Effect.raceFirst(lost),
        // However long NATS is away: what became of those sends is known nowhere else, and what is not told is sent again.
        Effect.andThen(windDown(desk)),
        Effect.raceFirst(Fiber.join(background)),
        Effect.ensuring(Effect.andThen(Fiber.interrupt(renewing), stop(desk, graceSeconds)))
      )
    })
  )

/** Gives back what waits, so that another has it at once, and waits for what is under way to be recorded. */
const windDown = Effect.fnUntraced(function* ({ changed, inHand, turns }: Desk) {
  while (true) {
    for (const entry of turns.remove(() => true)) {
      entry.delivery.nak()
      inHand.settled(entry)
    }
    if (inHand.size === 0) return
    yield* Queue.take(changed)
  }
})

/** The same for as long as whoever stops the service gives it; at once where that is done. */
const stop = (desk: Desk, graceSeconds: number) =>
  Effect.timeoutOption(windDown(desk), graceSeconds * 1_000).pipe(
    Effect.tap((ended) =>
      Option.isSome(ended)
        ? Effect.void
        : Effect.logWarning(`${desk.inHand.size} sends had no outcome when the time to stop was over: they are unknown`)
    )
  )
