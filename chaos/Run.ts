// Runs one plan: publishes its messages, strikes whom it names, and waits until every message has come to an end.
import { jetstream } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Schedule } from "effect"
import { type Evidence, evidenceOf } from "./Evidence.ts"
import type { Plan, Planned, Strike } from "./Plan.ts"
import { textOf, type World, worldOf } from "./World.ts"

export interface Ran {
  readonly plan: Plan
  readonly evidence: Evidence
  /** When each message was due, in milliseconds since the epoch. */
  readonly dueAt: ReadonlyMap<string, number>
}

export const run = Effect.fnUntraced(function* (plan: Plan, folder: string, natsServer: string) {
  const world = yield* worldOf(plan, folder, natsServer)
  const start = Date.now() + 3_000
  world.begun.at = start
  const dueAt = new Map(plan.messages.map(({ id, dueAfterMillis }) => [id, start + dueAfterMillis] as const))
  yield* Effect.promise(() => publish(world.natsUrl, plan, start))
  // One after the other for each victim: nobody is struck while it is being started.
  const ofVictims = [...Map.groupBy(plan.strikes, ({ victim }) => victim).values()]
  yield* Effect.forEach(ofVictims, (strikes) => Effect.forEach(strikes, (strike) => strikeAt(world, start, strike)), {
    concurrency: "unbounded",
    discard: true
  })
  const ended = Effect.flatMap(evidenceOf(world), (evidence) =>
    evidence.ended.size >= plan.messages.length && evidence.unsettled === 0 && evidence.behind === 0
      ? Effect.succeed(evidence)
      : Effect.fail(evidence)
  )
  const evidence = yield* ended.pipe(
    Effect.retry(Schedule.spaced("500 millis")),
    Effect.timeoutOrElse({ duration: "180 seconds", orElse: () => evidenceOf(world) }),
    Effect.catch((evidence) => Effect.succeed(evidence))
  )
  return { plan, evidence, dueAt } satisfies Ran
}, Effect.scoped)

const commandOf = ({ id, chatId, maxLatenessSeconds, priority, unknownOutcome }: Planned, dueAt: number) => ({
  id,
  platform: "telegram",
  recipient: { chatId },
  content: { type: "text", text: textOf(id) },
  dueAt: new Date(dueAt).toISOString(),
  maxLatenessSeconds,
  priority,
  unknownOutcome
})

const publish = async (natsUrl: string, plan: Plan, start: number) => {
  const connection = await connect({ servers: natsUrl })
  const js = jetstream(connection)
  await Promise.all([
    ...plan.messages.map((message) =>
      js.publish("carillon.command.schedule", JSON.stringify(commandOf(message, start + message.dueAfterMillis)))
    ),
    ...plan.hostile.map((payload) => js.publish("carillon.command.schedule", payload))
  ])
  await connection.close()
}

const strikeAt = (world: World, start: number, { afterMillis, downMillis, how, victim }: Strike) =>
  Effect.gen(function* () {
    yield* Effect.sleep(Math.max(0, start + afterMillis - Date.now()))
    yield* Effect.logInfo(
      `${((Date.now() - start) / 1_000).toFixed(1)} s: ${how} of ${victim}, back in ${downMillis} ms`
    )
    if (victim === "nats" || victim === "postgres") {
      yield* world[victim].kill9
      yield* Effect.sleep(downMillis)
      return yield* world[victim].start
    }
    const service = world.service(victim)
    if (!service) return
    yield* how === "kill -9" ? service.kill9 : Effect.asVoid(service.stop)
    yield* Effect.sleep(downMillis)
    yield* service.start
  })
