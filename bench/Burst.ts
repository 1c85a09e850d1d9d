// A burst: many messages due at one instant, through the real services; and what each process spends on it.
import { Effect } from "effect"
import { laps, ofServices } from "./Cpu.ts"
import { brokerFloors, callFloor } from "./Floors.ts"
import { quantile, since, stageHistogram } from "./Histogram.ts"
import { commandOf, publishOneByOne, scheduleSubject } from "./Publish.ts"
import { atMost, type Row } from "./Table.ts"
import { type Part, type PerPart, parts, type Settings, until, type World, world } from "./World.ts"

/** Commands come in; all are accepted, and timers begin to fire; the instant has come, until the last row says sent. */
export type Phase = "accept" | "ahead" | "after"

export interface BurstResult {
  readonly count: number
  /** Commands a second, from the first published until the last event says scheduled. */
  readonly accepted: number
  /** Messages a second from the due instant until the last reached the stand-in. */
  readonly arrived: number
  /** And until the last row says sent. */
  readonly recorded: number
  /** How long after the due instant the first arrived, in milliseconds. */
  readonly first: number
  /** From an event stored until its row is written, 99 of 100, in seconds. */
  readonly lag: number
  /** Microseconds a message. */
  readonly cpu: Readonly<Record<Phase, PerPart>>
}

/** How many commands a second we count on before any were measured. */
const slowest = 1_000

/** `name` makes the ids; `expected` commands a second are accepted at least. Nothing else goes on meanwhile. */
export const burst = Effect.fnUntraced(function* (of: World, count: number, name: string, expected = slowest) {
  yield* of.standIn.reset
  const before = yield* of.stored("EVENTS")
  const lags = yield* stageHistogram(of.urlsOf("ledger"), "projection")
  const lap = laps(of, count)
  const begun = Date.now()
  const due = begun + 4_000 + (count / expected) * 1_300
  const payload = (index: number) => commandOf({ id: `${name}-${index}`, chat: 1_000_000 + index, due })
  yield* Effect.promise(() => publishOneByOne(of.connection, { subject: scheduleSubject, count, payload }))
  // Counting many rows is work too.
  const [within, every] = [120 + count / 500, Math.max(20, count / 500)]
  const acceptedAt = yield* until("accepted", of.stored("EVENTS"), before + count, within)
  const pendingAt = yield* until("recorded as pending", of.rows("pending", due), count, within, every)
  const accept = lap()
  if (pendingAt > due - lead) return yield* Effect.die(new Error("accepted too slowly for this measurement"))
  yield* Effect.sleep(due - Date.now())
  const ahead = lap()
  yield* until(
    "arrived",
    Effect.map(of.standIn.progress, (arrived) => arrived.count),
    count,
    within
  )
  const recordedAt = yield* until("recorded as sent", of.rows("sent", due), count, within, every)
  const after = lap()
  const { first, last, count: arrived } = yield* of.standIn.progress
  if (arrived !== count) return yield* Effect.die(new Error(`${arrived} arrived of ${count}`))
  if (first < due) return yield* Effect.die(new Error("one arrived before its time"))
  const lag = quantile(since(lags, yield* stageHistogram(of.urlsOf("ledger"), "projection")), 0.99)
  return {
    count,
    accepted: (count / (acceptedAt - begun)) * 1_000,
    arrived: (count / (last - due)) * 1_000,
    recorded: (count / (Math.max(recordedAt, last) - due)) * 1_000,
    first: first - due,
    lag: lag ?? Number.NaN,
    cpu: { accept, ahead, after }
  } satisfies BurstResult
})

/** TIMER_LEAD_MILLIS, and a little: from then on more than accepting goes on. */
export const lead = 2_300

/** A first burst that is not counted: connections stand, and code is compiled that is not to be measured cold. */
export const warmUp = (of: World) => burst(of, 2_000, "warm-up")

/** Where CPU is told, or sizes are compared: after 2,000 V8 still compiles a lot, which a service that has run for an hour does no more. */
export const warmUpWell = (of: World) =>
  Effect.flatMap(warmUp(of), ({ accepted }) => burst(of, 10_000, "warm-up-well", accepted))

/** Of our processes, without the servers, over all phases. */
export const ownCpu = ({ cpu }: BurstResult) => ofServices(cpu.accept) + ofServices(cpu.ahead) + ofServices(cpu.after)

const byPart = ({ cpu }: BurstResult, part: Part): Row => {
  const [accept, ahead, after] = [cpu.accept[part], cpu.ahead[part], cpu.after[part]]
  const phases = [accept, ahead, after].map(Math.round)
  return {
    what: `– ${part}: accepting ${phases[0]}, until due ${phases[1]}, from then ${phases[2]}`,
    measured: accept + ahead + after,
    unit: "µs"
  }
}

export const measureBurst = Effect.fnUntraced(function* (settings: Settings) {
  const count = settings.count ?? 20_000
  const of = yield* world(settings)
  yield* Effect.logInfo("bare clients")
  const { publish, consume } = yield* brokerFloors(of, count)
  const http = yield* callFloor(of, count)
  yield* of.start
  const { accepted } = yield* warmUpWell(of)
  yield* Effect.logInfo(`${count} messages, due at one instant`)
  const result = yield* burst(of, count, "burst", accepted)
  yield* of.stop
  const loop = { what: "bare loop of the gateway's client", value: http.rate }
  const { recorded, arrived, first, lag } = result
  const enough = recorded >= 0.8 * http.rate && (recorded >= 5_000 || 0.8 * http.rate < 5_000)
  return [
    {
      what: `burst of ${count.toLocaleString("en")} due at one instant, until the last row says sent`,
      measured: recorded,
      unit: "/s",
      floor: loop,
      target: { says: "80 % of the loop; 5,000/s where that allows it", reached: enough }
    },
    { what: "burst, until the last has arrived", measured: arrived, unit: "/s", floor: loop },
    {
      what: "burst, how long after the instant the first arrives",
      measured: first,
      unit: "ms",
      target: { says: "never early", reached: first >= 0 }
    },
    { what: "burst, lag of the ledger, p99", measured: lag, unit: "s", target: atMost(lag, 1, "s") },
    {
      what: "burst, CPU a message of the four services",
      measured: ownCpu(result),
      unit: "µs",
      floor: { what: "one bare publish, consume and call", value: publish.cpu + consume.cpu + http.cpu }
    },
    ...parts.map((part) => byPart(result, part))
  ] satisfies ReadonlyArray<Row>
})
