// On time: many messages spread over time, and how late each reaches the stand-in.
import { Effect } from "effect"
import { lead, warmUp } from "./Burst.ts"
import { laps, ofServices } from "./Cpu.ts"
import { call, withBot } from "./Floors.ts"
import { stagePercentiles } from "./Histogram.ts"
import { percentile } from "./Percentile.ts"
import { commandOf, publishOneByOne, scheduleSubject } from "./Publish.ts"
import { atMost, type Row } from "./Table.ts"
import { parts, type Settings, until, type World, world } from "./World.ts"

const perSecond = 500
const dueOf = (start: number, index: number) => start + (index * 1_000) / perSecond

/** Milliseconds from the instant of each until it arrived. */
const lateness = ({ standIn }: World, start: number, count: number) =>
  Effect.gen(function* () {
    yield* until(
      "arrived",
      Effect.map(standIn.progress, (arrived) => arrived.count),
      count,
      60 + count / perSecond
    )
    const { at, chats, ownDelay } = yield* standIn.arrivals
    if (at.length !== count || new Set(chats).size !== count)
      return yield* Effect.die(new Error(`${at.length} arrived of ${count}`))
    yield* standIn.reset
    return { late: at.map((instant, index) => instant - Math.floor(dueOf(start, chats[index] ?? 0))), ownDelay }
  })

/** The floor: a timer for each, and the gateway's client. */
const bareTimers = (of: World, count: number) =>
  withBot(of, (bot) =>
    Effect.gen(function* () {
      yield* of.standIn.reset
      const start = Date.now() + 500
      for (let index = 0; index < count; index++) setTimeout(() => call(bot, index), dueOf(start, index) - Date.now())
      return yield* lateness(of, start, count)
    })
  )

export const measureOnTime = Effect.fnUntraced(function* (settings: Settings) {
  const count = settings.count ?? 15_000
  const of = yield* world(settings)
  yield* Effect.logInfo("timers and the bare client")
  yield* bareTimers(of, perSecond)
  const floor = yield* bareTimers(of, perSecond * 5)
  yield* of.start
  const { accepted } = yield* warmUp(of)
  yield* of.standIn.reset
  yield* Effect.logInfo(`${count} messages at ${perSecond} a second`)
  const before = yield* of.stored("EVENTS")
  const start = Date.now() + 4_000 + (count / accepted) * 1_300
  const payload = (index: number) =>
    commandOf({ id: `on-time-${index}`, chat: index, due: Math.floor(dueOf(start, index)) })
  yield* Effect.promise(() => publishOneByOne(of.connection, { subject: scheduleSubject, count, payload }))
  if ((yield* until("accepted", of.stored("EVENTS"), before + count)) > start - lead)
    return yield* Effect.die(new Error("accepted too slowly for this measurement"))
  const stages = yield* stagePercentiles(of.urlsOf)
  yield* Effect.sleep(start - Date.now())
  const lap = laps(of, count)
  const { late, ownDelay } = yield* lateness(of, start, count)
  const cpu = lap()
  yield* Effect.logInfo(yield* stages)
  yield* of.stop
  const early = late.filter((millis) => millis < 0).length
  const row = (name: string, share: number) => {
    const measured = percentile(late, share)
    const value = percentile(floor.late, share)
    return {
      what: `${perSecond}/s spread over time, lateness ${name}`,
      measured,
      unit: "ms",
      floor: { what: "timers and the bare client", value }
    } as const
  }
  return [
    { ...row("p50", 0.5), target: atMost(percentile(late, 0.5), 5, "ms") },
    { ...row("p99", 0.99), target: atMost(percentile(late, 0.99), 25, "ms") },
    row("of the latest", 1),
    {
      what: `arrived before their time, of ${count.toLocaleString("en")}`,
      measured: early,
      unit: "",
      target: atMost(early, 0, "")
    },
    {
      what: `${perSecond}/s spread over time, CPU a message of the four services from the first instant on`,
      measured: ofServices(cpu),
      unit: "µs"
    },
    ...parts.map((part): Row => ({ what: `– ${part}`, measured: cpu[part], unit: "µs" })),
    {
      what: "delay of the stand-in's own event loop, p99, which is in these figures",
      measured: ownDelay,
      unit: "ms"
    }
  ] satisfies ReadonlyArray<Row>
})
