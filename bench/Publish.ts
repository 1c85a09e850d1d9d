// A publisher as others would write it with the NATS client, and one that publishes in batches; nothing of Carillon in it.
import { jetstream } from "@nats-io/jetstream"
import { connect, type NatsConnection } from "@nats-io/transport-node"
import { fastBatchLimit, fastIngest } from "#shared/nats/messages/FastIngest.ts"

const inFlight = 1_000

export interface Load {
  readonly subject: string
  readonly count: number
  readonly payload: (index: number) => string
}

export const connected = async <A>(natsUrl: string, use: (connection: NatsConnection) => Promise<A>) => {
  const connection = await connect({ servers: natsUrl })
  try {
    return await use(connection)
  } finally {
    await connection.close()
  }
}

/** js.publish, always 1,000 unanswered. */
export const publishOneByOne = async (connection: NatsConnection, { subject, count, payload }: Load) => {
  const js = jetstream(connection)
  let next = 0
  const stream = async () => {
    while (next < count) await js.publish(subject, payload(next++))
  }
  await Promise.all(Array.from({ length: inFlight }, stream))
}

export const publishInBatches = async (connection: NatsConnection, { subject, count, payload }: Load) => {
  for (let from = 0; from < count; from += fastBatchLimit) {
    const size = Math.min(fastBatchLimit, count - from)
    const batch = Array.from({ length: size }, (_, index) => ({ subject, payload: payload(from + index), options: {} }))
    // Batches need two.
    if (size === 1) await publishOneByOne(connection, { subject, count: 1, payload: () => payload(from) })
    else await fastIngest(connection, batch, 10_000)
  }
}

export interface Reminder {
  readonly id: string
  readonly chat: number
  /** Milliseconds since the epoch. */
  readonly due: number
}

export const scheduleSubject = "carillon.command.schedule"

export const commandOf = ({ id, chat, due }: Reminder) =>
  JSON.stringify({
    id,
    platform: "telegram",
    recipient: { chatId: String(chat) },
    content: { type: "text", text: "Please take your medicine now: one tablet, with a glass of water." },
    dueAt: new Date(due).toISOString()
  })
