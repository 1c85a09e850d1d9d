// The publishers of a run: systems that ask for messages until NATS has taken each command, and hostile ones.
import { JetStreamApiError, jetstream } from "@nats-io/jetstream"
import { headers as natsHeaders } from "@nats-io/transport-node"
import { Effect, Schedule } from "effect"
import { Subject } from "#shared/nats/layout/Topology.ts"
import type { Change, Changed } from "../plan/Changes.ts"
import type { Hostile } from "../plan/Hostile.ts"
import { type Order, type Ordered, orderedSender } from "../plan/Orders.ts"
import type { Planned } from "../plan/Planned.ts"
import type { NatsServers } from "./NatsServers.ts"
import { textOf } from "./World.ts"

/** What became of a hostile command at NATS: the place where it stands as a command, if it was stored. */
export interface Asked {
  readonly hostile: Hostile
  readonly sequence: number | undefined
}

/** A lost answer is no answer: asked again, which must be harmless. */
const until = <A>(publish: () => Promise<A>) =>
  Effect.tryPromise(publish).pipe(
    Effect.retry(Schedule.spaced("500 millis")),
    Effect.timeout("90 seconds"),
    Effect.orDie
  )

const at = (instant: number) => Effect.suspend(() => Effect.sleep(Math.max(0, instant - Date.now())))

/** Answers with where it stands among the commands: its own place, or of several the last. */
const command = ({ connection }: NatsServers, name: string, body: object, instant: number) => {
  const js = jetstream(connection, { timeout: 2_000 })
  const payload = JSON.stringify(body)
  return Effect.andThen(
    at(instant),
    until(async () => (await js.publish(`carillon.command.${name}`, payload)).seq)
  )
}

export const ask = (nats: NatsServers, message: Planned, start: number) =>
  command(nats, "schedule", commandOf(message, start + message.dueAfterMillis), start + message.askedAfterMillis)

export const askChange = (nats: NatsServers, change: Change, start: number) => {
  const { askedAfterMillis, dueAfterMillis, id, name } = change
  const dueAt = name === "reschedule" ? { dueAt: new Date(start + dueAfterMillis).toISOString() } : {}
  return Effect.map(
    command(nats, name, { id, ...dueAt }, start + askedAfterMillis),
    (sequence): Changed => ({ change, sequence })
  )
}

export const askOrder = (nats: NatsServers, order: Order, start: number) => {
  const { askedAfterMillis, name, perSecond } = order
  const rate = perSecond === undefined ? {} : { perSecond }
  return Effect.map(
    command(nats, name, { platform: "telegram", sender: orderedSender, ...rate }, start + askedAfterMillis),
    (sequence): Ordered => ({ order, sequence })
  )
}

/** Looks until it is, or it is clear that it will not be: refused as too late, say. */
const accepted = ({ manager }: NatsServers, id: string) =>
  Effect.tryPromise(() =>
    manager.streams.getMessage("EVENTS", { last_by_subj: Subject.scheduled("telegram", id) })
  ).pipe(
    Effect.flatMap((found) => (found ? Effect.succeed(true) : Effect.fail("not yet"))),
    Effect.retry(Schedule.spaced("500 millis")),
    Effect.timeoutOrElse({ duration: "60 seconds", orElse: () => Effect.succeed(false) })
  )

export const askHostile = (nats: NatsServers, hostile: Hostile, instant: number) => {
  const js = jetstream(nats.connection, { timeout: 2_000 })
  const headers = natsHeaders()
  for (const [name, value] of Object.entries(hostile.headers ?? {})) headers.set(name, value)
  const publish = () =>
    js.publish(hostile.subject, hostile.payload, { headers }).then(
      ({ duplicate, seq }) => (duplicate ? undefined : seq),
      (error: Error) => {
        if (hostile.expected === "by NATS" && isRefusal(error)) return undefined
        throw error
      }
    )
  return at(instant).pipe(
    Effect.andThen(hostile.victim === undefined ? Effect.succeed(true) : accepted(nats, hostile.victim)),
    Effect.flatMap((goes) =>
      goes
        ? Effect.map(until(publish), (sequence): Asked => ({ hostile, sequence }))
        : Effect.succeed<Asked>({ hostile: { ...hostile, expected: "harmless" }, sequence: undefined })
    )
  )
}

/** By the client, which knows how much NATS takes, or by the stream; not by one that has no leader yet. */
const isRefusal = (error: Error) =>
  error.name === "InvalidArgumentError" || (error instanceof JetStreamApiError && error.status !== 503)

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
