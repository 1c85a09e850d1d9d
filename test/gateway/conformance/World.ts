// All of Carillon around one gateway, for many tests: real servers and services, its platform stood in for at HTTP.
import { Context, Effect, Layer } from "effect"
import { addressOf, type Recipient } from "#shared/contract/fields/Fields.ts"
import { carillon, command, eventually, statusOf } from "../../support/Carillon.ts"
import { shows } from "../../support/Figures.ts"
import { publishPlainly } from "../../support/PlainClient.ts"
import { eventsOf } from "../../support/Streams.ts"
import type { Arrival, Fault, Limits, PlatformUnderTest, StandIn } from "./Platform.ts"

/** In the text of every message; never in anything but the events that need it. */
export const mark = "MARKEDTEXT"
export const textOf = (id: string) => `${mark} of ${id}`
const idIn = (text: string) => text.replace(`${mark} of `, "")

export interface Wanted {
  readonly id: string
  /** Which of the platform's recipients; 1 if left out. */
  readonly to?: number
  /** Milliseconds from now; 0 if left out. */
  readonly dueIn?: number
  /** A further channel: another recipient of the same platform. */
  readonly fallbackTo?: number
  /** Fields of the schedule command. */
  readonly more?: Readonly<Record<string, unknown>>
  /** One after the other, for each call of this message. */
  readonly faults?: ReadonlyArray<Fault>
}

const makeWorld = Effect.fnUntraced(function* (
  platform: PlatformUnderTest,
  limits: Limits,
  extra: Readonly<Record<string, string>>
) {
  const faults = new Map<string, Array<Fault>>()
  const always: { fault: ((arrival: Arrival) => Fault | undefined) | undefined } = { fault: undefined }
  const standIn: StandIn = yield* platform.start(
    (arrival) => faults.get(idIn(arrival.text))?.shift() ?? always.fault?.(arrival)
  )
  const environment = { LOG_LEVEL: "Debug", ...platform.settings(standIn.root, limits), ...extra }
  const all = yield* carillon({
    environment,
    services: ["scheduler", "dispatcher", platform.gateway, "ledger"],
    processes: [platform.gateway]
  })
  yield* all.start
  const gateway = all.services[platform.gateway]
  const recipient = (n: number): Recipient => platform.recipient(standIn.root, n)
  const attempts = (id: string) =>
    all.database.query(
      "select attempt, outcome, category, possible_duplicate from carillon.message_delivery_attempts where message_id = $1 order by attempt",
      [id]
    )
  return {
    ...all,
    platform,
    gateway,
    arrivals: standIn.arrivals,
    received: standIn.received,
    arrivalsOf: (id: string) => standIn.arrivals().filter(({ text }) => idIn(text) === id),
    receivedOf: (id: string) => standIn.received().filter(({ text }) => idIn(text) === id),
    recipient,
    address: (n: number) => addressOf(recipient(n)),
    /** What every call meets that has no fault of its own, until told otherwise. */
    always,
    /** Publishes, and answers with the time from which `dueIn` counts. */
    schedule: (...wanted: ReadonlyArray<Wanted>) =>
      Effect.gen(function* () {
        for (const { faults: planned, id } of wanted) if (planned) faults.set(id, [...planned])
        const now = Date.now()
        yield* publishPlainly(
          all.nats.url,
          wanted.map(({ dueIn = 0, fallbackTo, id, more, to = 1 }) =>
            command(id, 0, {
              platform: platform.platform,
              recipient: recipient(to),
              content: { type: "text", text: textOf(id) },
              dueAt: new Date(now + dueIn).toISOString(),
              ...(fallbackTo && { fallback: [{ platform: platform.platform, recipient: recipient(fallbackTo) }] }),
              ...more
            })
          )
        )
        return now
      }),
    becomes: (id: string, wanted: string) =>
      eventually(`${id} is ${wanted}`, statusOf(all.database, id), (status) => status === wanted),
    /** Until all of these have this status. */
    allBecome: (ids: ReadonlyArray<string>, wanted: string) =>
      eventually(
        `all are ${wanted}`,
        all.database.query("select id from carillon.scheduled_messages where id = any($1) and status = $2", [
          ids,
          wanted
        ]),
        ({ length }) => length === ids.length
      ),
    row: (id: string) =>
      Effect.map(
        all.database.query("select * from carillon.scheduled_messages where id = $1", [id]),
        ([row]) => row ?? {}
      ),
    attempts,
    eventsAbout: (id: string, type: string) =>
      Effect.map(eventsOf(all.nats.url, `carillon.event.${type}.*`), (events) =>
        events.filter((event) => (event.id ?? (event.message as { id?: string } | undefined)?.id) === id)
      ),
    /** What operators may order of the platform: pause, resume. */
    order: (name: "pause" | "resume") =>
      publishPlainly(all.nats.url, [
        { subject: `carillon.command.${name}`, payload: JSON.stringify({ platform: platform.platform }) }
      ]),
    /** Until one of the gateway's own figures is so much. */
    shows: (gauge: string, wanted: number) => shows(gateway, gauge, wanted),
    until: (what: string, condition: () => boolean) => eventually(what, Effect.sync(condition), (holds) => holds)
  }
})

export class World extends Context.Service<World, Effect.Success<ReturnType<typeof makeWorld>>>()("test/World") {}

/** Built anew for each suite: another platform, other limits. */
export const worldOf = (platform: PlatformUnderTest, limits: Limits, extra: Readonly<Record<string, string>> = {}) =>
  Layer.effect(World, Effect.map(makeWorld(platform, limits, extra), World.of))

/** The most that arrived within any such span. */
export const mostWithin = (arrivals: ReadonlyArray<Arrival>, millis: number) =>
  Math.max(0, ...arrivals.map(({ at }) => arrivals.filter((one) => one.at >= at && one.at < at + millis).length))
