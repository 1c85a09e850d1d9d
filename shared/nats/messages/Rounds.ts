// Takes what a consumer has in rounds, each asked for when there is room for it: a bound in messages and in bytes. The
// client's own endless reading knows only one of them, and stalls at a message that is larger than what is left.
import { setTimeout } from "node:timers/promises"
import type { Consumer, ConsumerMessages, FetchOptions, JsMsg } from "@nats-io/jetstream"
import { type ConsumeCallback, JetStreamApiError, JetStreamStatusError } from "@nats-io/jetstream/internal"
import type { NatsConnection } from "@nats-io/transport-node"
import { pullExpiresMillis } from "../layout/Topology.ts"

/** A round brings no more than that, and no more than 100 messages: so the client has it where it is told bytes. */
const roundBytes = 2_000_000

/** So many are under way at a time: what they bring is there when whoever takes it has been busy for a while. */
const rounds = 5

export interface Reading {
  /** Answers when there is room for a round. */
  readonly room: () => Promise<void>
  readonly each: (message: JsMsg) => void
}

export interface Rounds {
  /** Answers when nothing more will come, and why; with nothing if it was closed. */
  readonly ended: Promise<Error | undefined>
  /** What NATS had sent until then has been read when it answers. */
  readonly close: () => Promise<void>
}

export const openRounds = (connection: NatsConnection, consumer: Consumer, { room, each }: Reading): Rounds => {
  let open = true
  const underWay = new Set<ConsumerMessages>()

  /** How it ended. By callback, which the client takes here too: iterators of several rounds would lose the messages' order. */
  const round = async (asks: FetchOptions, each: (message: JsMsg) => void): Promise<Error | undefined> => {
    const messages = await consumer.fetch({ ...asks, ...({ callback: each } satisfies ConsumeCallback) })
    underWay.add(messages)
    if (!open) void messages.close()
    const end = await messages.closed()
    underWay.delete(messages)
    return end ?? undefined
  }

  const oneAfterTheOther = async (): Promise<Error | undefined> => {
    let asks = byBytes
    while (true) {
      await room()
      if (!open) return undefined
      let came = 0
      const end = await round(asks, (message) => {
        came++
        each(message)
      })
      if (!open) return undefined
      if (connection.isClosed()) return end ?? new Error("the connection was closed")
      // Larger than a whole round: it comes by itself.
      asks = came === 0 && isTooLarge(end) ? single : byBytes
      if (end === undefined || isFilled(end) || isTooLarge(end)) continue
      const gone = isGone(end) ? end : await lookedUp(consumer)
      if (gone) return gone
      await setTimeout(pauseMillis)
    }
  }

  const ended = Promise.race(Array.from({ length: rounds }, oneAfterTheOther)).catch((error: unknown) =>
    error instanceof Error ? error : new Error("it ended")
  )
  return {
    ended,
    close: async () => {
      open = false
      // What is on its way to us would be nobody's until its time is over.
      await Promise.race([connection.flush().catch(() => {}), setTimeout(flushMillis)])
      await Promise.all([...underWay].map((messages) => messages.close()))
    }
  }
}

const byBytes: FetchOptions = { max_bytes: roundBytes, expires: pullExpiresMillis }
const single: FetchOptions = { max_messages: 1, expires: pullExpiresMillis }

/** NATS away, or a consumer that changes its server: asked again after this time. */
const pauseMillis = 250

/** NATS away has sent nothing: a stop need not wait for it. */
const flushMillis = 500

const statusOf = (end: Error | undefined) => (end instanceof JetStreamStatusError ? end : undefined)

const isFilled = (end: Error | undefined) => statusOf(end)?.message === "batch completed"

const isTooLarge = (end: Error | undefined) => statusOf(end)?.message === "message size exceeds maxbytes"

/** Nobody will be given anything by this consumer any more. */
const isGone = (end: Error) =>
  end instanceof JetStreamApiError
    ? end.status === 404
    : statusOf(end)?.code === 400 || ["consumer deleted", "stream deleted"].includes(statusOf(end)?.message ?? "")

/** Nothing if it is there, or if nobody knows. */
const lookedUp = (consumer: Consumer): Promise<Error | undefined> =>
  consumer.info().then(
    () => undefined,
    (error: Error) => (isGone(error) ? error : undefined)
  )
