// The topology as the chart needs it: objects of NACK (jetstream.nats.io/v1beta2), and the consumers whose work is due.
import { platforms, type Sender } from "#shared/contract/fields/Fields.ts"
import { filesDescription } from "#shared/nats/layout/Provision.ts"
import {
  type ConsumerDefinition,
  consumerConfig,
  consumers,
  filesBucket,
  fixedConsumers,
  gatewayConsumers,
  type StreamName,
  streams
} from "#shared/nats/layout/Topology.ts"

/** A duration as Go reads it. */
const duration = (nanoseconds: number) => `${nanoseconds / 1e9}s`

const same = (value: unknown) => value
/** How NACK calls what we say of a stream. What it has no word for is left out, knowingly. */
const streamWords: Readonly<Record<string, readonly [string, (value: never) => unknown] | undefined>> = {
  name: ["name", same],
  subjects: ["subjects", same],
  retention: ["retention", same],
  storage: ["storage", same],
  max_age: ["maxAge", duration],
  duplicate_window: ["duplicateWindow", duration],
  max_msgs_per_subject: ["maxMsgsPerSubject", same],
  allow_direct: ["allowDirect", same],
  allow_msg_ttl: ["allowMsgTtl", same],
  allow_msg_schedules: ["allowMsgSchedules", same],
  // Messages are then stored one by one, not in fast batches (FastIngest.ts).
  allow_batched: undefined
}

const consumerWords: typeof streamWords = {
  durable_name: ["durableName", same],
  ack_policy: ["ackPolicy", same],
  deliver_policy: ["deliverPolicy", same],
  ack_wait: ["ackWait", duration],
  max_deliver: ["maxDeliver", same],
  max_ack_pending: ["maxAckPending", same],
  filter_subjects: ["filterSubjects", same]
}

const translated = (words: typeof streamWords, config: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(config).flatMap(([key, value]) => {
      if (!(key in words)) throw new Error(`NACK's word for ${key} is not known: see deploy/helm/generate/Topology.ts`)
      const word = words[key]
      return word ? [[word[0], word[1](value as never)]] : []
    })
  )

const stream = (name: StreamName) => translated(streamWords, streams[name])
const consumer = (definition: ConsumerDefinition) => ({
  streamName: definition.stream,
  ...translated(consumerWords, consumerConfig(definition))
})

/** In the place of a sender's name, which only values tell. */
const anySender = "{sender}" as Sender

const due = (...definitions: ReadonlyArray<ConsumerDefinition>) =>
  definitions.map(({ durable, stream }) => ({ stream, consumer: durable }))

export const topology = {
  streams: (Object.keys(streams) as ReadonlyArray<StreamName>).map(stream),
  objectStores: [{ bucket: filesBucket, description: filesDescription, storage: "file" }],
  consumers: fixedConsumers.map(consumer),
  lanes: Object.fromEntries(
    platforms.map((platform) => [platform, gatewayConsumers(platform, anySender).map(consumer)])
  ),
  /** What waits here is work now; timers that wait (`carillon.timer.pending`) are not among it. */
  due: {
    scheduler: due(
      consumers.schedulerCommands,
      consumers.schedulerRetries,
      consumers.schedulerChanges,
      consumers.schedulerTicks
    ),
    dispatcher: due(consumers.dispatcherTimers, consumers.dispatcherFailures)
  }
}
