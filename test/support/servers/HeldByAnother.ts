// A command in the hands of a replica that is slow with it, or was killed.
import { jetstream } from "@nats-io/jetstream"
import { Effect, Schedule } from "effect"
import type { carillon } from "../Carillon.ts"
import { natsClient } from "../NatsClient.ts"
import { publishPlainly } from "../PlainClient.ts"

/** Stops the scheduler, and has the next command in hand as another replica would; with the consumer of them all. */
export const heldByAnother = Effect.fnUntraced(function* (
  { nats, services }: Pick<Effect.Success<ReturnType<typeof carillon>>, "nats" | "services">,
  held: { readonly subject: string; readonly payload: string }
) {
  yield* services.scheduler.stop
  yield* publishPlainly(nats.url, [held])
  const client = yield* natsClient(nats.url)
  const commands = yield* Effect.promise(() => jetstream(client).consumers.get("COMMANDS", "scheduler"))
  const inHand = yield* Effect.promise(() => commands.next())
  // However long the test takes: NATS would give it to another by itself.
  const holds = Effect.sync(() => inHand?.working())
  yield* Effect.forkScoped(Effect.repeat(holds, Schedule.spaced("1 second")))
  return { client, commands, inHand }
})
