// More replicas of the scheduler, the dispatcher and the ledger on one machine: nothing is to be lost by adding them.
import { Effect } from "effect"
import { burst, ownCpu, warmUpWell } from "./Burst.ts"
import { brokerFloors, callFloor } from "./Floors.ts"
import { atLeast, type Row } from "./Table.ts"
import { type Settings, world } from "./World.ts"

/** Of what one does; measured bursts differ by a tenth. */
const noLoss = 0.9

const measure = Effect.fnUntraced(function* (settings: Settings, count: number, replicas: number) {
  yield* Effect.logInfo(`${replicas} of each`)
  const of = yield* world(settings, { replicas })
  const { publish } = yield* brokerFloors(of, 5_000)
  const http = yield* callFloor(of, 5_000)
  yield* of.start
  const { accepted } = yield* warmUpWell(of)
  const result = yield* burst(of, count, "replicas", accepted)
  yield* of.stop
  return { replicas, result, publish, http }
}, Effect.scoped)

export const measureReplicas = Effect.fnUntraced(function* (settings: Settings) {
  const runs = yield* Effect.forEach([1, 2, 4], (replicas) => measure(settings, settings.count ?? 5_000, replicas))
  const one = runs[0]?.result
  return runs.flatMap(({ replicas, result, publish, http }): ReadonlyArray<Row> => {
    const ofEach = `${replicas} of each`
    const against = (measured: number, first = measured) =>
      replicas === 1
        ? {}
        : { target: { ...atLeast(measured, noLoss * first, "/s"), says: "as many as one, within 10 %" } }
    return [
      {
        what: `${ofEach}: commands accepted`,
        measured: result.accepted,
        unit: "/s",
        floor: { what: "bare publish", value: publish.rate },
        ...against(result.accepted, one?.accepted)
      },
      {
        what: `${ofEach}: sent and recorded (CPU of the services: ${Math.round(ownCpu(result))} µs a message)`,
        measured: result.recorded,
        unit: "/s",
        floor: { what: "bare loop", value: http.rate },
        ...against(result.recorded, one?.recorded)
      }
    ]
  })
})
