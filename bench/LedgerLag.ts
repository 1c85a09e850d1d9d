// How long events wait for their rows when they come at a steady rate: by the ledger's own histogram.
import { Effect } from "effect"
import { type Outgoing, Publisher } from "#shared/nats/Publisher.ts"

const stepMillis = 50

/** Publishes so many a second; what is not in time is not caught up with. */
export const steadily = Effect.fnUntraced(function* (messages: ReadonlyArray<Outgoing>, perSecond: number) {
  const { publish } = yield* Publisher
  const size = Math.round((perSecond * stepMillis) / 1_000)
  for (let from = 0; from < messages.length; from += size) {
    const began = performance.now()
    yield* publish(messages.slice(from, from + size))
    yield* Effect.sleep(Math.max(0, stepMillis - (performance.now() - began)))
  }
})

const bucket = /^carillon_stage_duration_seconds_bucket\{(?=[^}]*stage="projection")[^}]*le="([^"]+)"[^}]*\} (\S+)/gm

/** The bound, in seconds, that this share of the events did not exceed. */
export const projectionLag = (metricsUrl: string, share: number) =>
  Effect.promise(async () => {
    const text = await (await fetch(metricsUrl)).text()
    const upTo = new Map<number, number>()
    for (const [, bound, count] of text.matchAll(bucket)) {
      const limit = bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound)
      upTo.set(limit, (upTo.get(limit) ?? 0) + Number(count))
    }
    const all = upTo.get(Number.POSITIVE_INFINITY) ?? 0
    return [...upTo].sort(([a], [b]) => a - b).find(([, count]) => count >= share * all)?.[0]
  })
