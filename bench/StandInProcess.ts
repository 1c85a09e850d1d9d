// Starts bench/StandIn.ts and asks it.
import { fork } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { Effect } from "effect"
import type { Arrivals } from "./StandIn.ts"

export const standInProcess = Effect.gen(function* () {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => fork(join(import.meta.dirname, "StandIn.ts"))),
    (child) => Effect.sync(() => child.kill())
  )
  const answer = async <A>() => (await once(child, "message"))[0] as A
  const { apiRoot } = yield* Effect.promise(() => answer<{ readonly apiRoot: string }>())
  const ask = (request: "reset" | "arrivals") =>
    Effect.promise(async () => {
      child.send(request)
      return (await answer<{ readonly arrivals: Arrivals }>()).arrivals
    })
  return { apiRoot, reset: ask("reset"), arrivals: ask("arrivals") }
})
