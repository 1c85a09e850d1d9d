// Reads what a stream holds by now, through a consumer that nobody else has.
import type { JetStreamClient, JsMsg, OrderedConsumerOptions } from "@nats-io/jetstream"
import type { StreamName } from "./Topology.ts"

interface Reading {
  /** So many are on their way at a time. */
  readonly ahead?: number
  /** Asked after each: then the rest is not read. */
  readonly enough?: () => boolean
}

/** Oldest first, to the last one that was there. */
export const readAll = async (
  js: JetStreamClient,
  stream: StreamName,
  options: Partial<OrderedConsumerOptions>,
  each: (message: JsMsg) => void,
  { ahead = 1_000, enough = () => false }: Reading = {}
): Promise<void> => {
  const consumer = await js.consumers.get(stream, options)
  if ((await consumer.info()).num_pending === 0) return
  for await (const message of await consumer.consume({ max_messages: ahead })) {
    each(message)
    if (message.info.pending === 0 || enough()) return
  }
}
