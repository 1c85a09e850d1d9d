// Starts what measurements need beside the services, as processes of their own: the stand-in, and a sink for spans.
import { fork } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { Effect } from "effect"
import type { Arrivals, Progress, Question } from "./StandIn.ts"

const child = (file: string) =>
  Effect.acquireRelease(
    // Structured clones: a million arrivals are two arrays of numbers.
    Effect.sync(() => fork(join(import.meta.dirname, file), { serialization: "advanced" })),
    (child) => Effect.sync(() => child.kill())
  )

export const standInProcess = Effect.gen(function* () {
  const process = yield* child("StandIn.ts")
  const answer = async <A>() => (await once(process, "message"))[0] as A
  const { apiRoot } = yield* Effect.promise(() => answer<{ readonly apiRoot: string }>())
  const ask = <A>(question: Question) =>
    Effect.promise(() => {
      const answered = answer<A>()
      process.send(question)
      return answered
    })
  return {
    apiRoot,
    pid: process.pid ?? 0,
    /** Forgets what arrived. */
    reset: Effect.asVoid(ask("reset")),
    progress: ask<Progress>("progress"),
    arrivals: ask<Arrivals>("arrivals")
  }
})
export type StandIn = Effect.Success<typeof standInProcess>

/** Where spans are to be sent. */
export const sinkProcess = Effect.gen(function* () {
  const process = yield* child("Sink.ts")
  return yield* Effect.promise(
    async () => ((await once(process, "message"))[0] as { readonly endpoint: string }).endpoint
  )
})
