// Reads what a stream holds by now, through a consumer that nobody else has.
import type { Consumer, JetStreamClient, JsMsg, OrderedConsumerOptions } from "@nats-io/jetstream"
import type { StreamName } from "../layout/Topology.ts"

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
  const consumer = await readerAtLeader(js, stream, { ...options, inactive_threshold: keptFor })
  const { name } = await consumer.info(true)
  try {
    await readFrom(consumer, each, ahead, enough)
    // With a lost connection the client begins again, with a reader that may stand anywhere.
    const begunAgain = (await consumer.info(true)).name !== name
    if (begunAgain && !enough() && !(await isAtLeader(js, consumer))) throw new Error(notAtLeader)
  } finally {
    await consumer.delete().catch(ignored)
  }
}

/**
 * Of a consumer that could not be deleted, in milliseconds. nats-server 2.15 has at most 1,000 for a stream, and the client
 * would have each kept for five minutes: after a thousand look-ups in that time there would be none any more.
 */
const keptFor = 10_000

const notAtLeader = "it was read where its leader is not"

/** Each time there is one chance in three, or in five, that it comes to stand there. */
const mostReaders = 40

/**
 * Of a stream with replicas: nats-server puts a reader at any of them, and one that is behind says that there is nothing more
 * when it has no more itself. What its leader has told to be stored, it has.
 */
const readerAtLeader = async (js: JetStreamClient, stream: StreamName, options: Partial<OrderedConsumerOptions>) => {
  for (let made = 0; made < mostReaders; made++) {
    const consumer = await js.consumers.get(stream, options)
    if (await isAtLeader(js, consumer)) return consumer
    await consumer.delete().catch(ignored)
  }
  throw new Error(notAtLeader)
}

/** To be asked before what the reader has is counted. Without a cluster there is nothing to ask. */
const isAtLeader = async (js: JetStreamClient, consumer: Consumer) => {
  const { cluster, stream_name } = await consumer.info(true)
  if (!cluster) return true
  const manager = await js.jetstreamManager(false)
  return cluster.leader === (await manager.streams.info(stream_name)).cluster?.leader
}

const readFrom = async (
  consumer: Consumer,
  each: (message: JsMsg) => void,
  ahead: number,
  enough: () => boolean
): Promise<void> => {
  if ((await consumer.info()).num_pending === 0) return
  const messages = await consumer.consume({ max_messages: ahead })
  let [seen, heard] = [0, false]
  // The last may go, by its time to live or by somebody's hand, when it has been counted and has not come yet.
  const looking = setInterval(() => {
    if (!heard) nothingLeft(consumer, seen).then((done) => done && messages.stop(), ignored)
    heard = false
  }, quietMillis)
  try {
    for await (const message of messages) {
      seen = message.seq
      heard = true
      each(message)
      if (message.info.pending === 0 || enough()) return
    }
  } finally {
    clearInterval(looking)
  }
}

/** So long nothing comes before we ask whether there is anything more. */
const quietMillis = 1_000

/** What was sent to us and got lost with a connection is not nothing: the consumer begins again after what we have seen. */
const nothingLeft = async (consumer: Consumer, seen: number) => {
  const { delivered, num_pending } = await consumer.info()
  return num_pending === 0 && (delivered.consumer_seq === 0 || delivered.stream_seq <= seen)
}

/** NATS away: asked again. */
const ignored = () => {}
