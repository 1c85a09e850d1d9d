// Publishes many messages to one stream in one exchange (nats-server 2.14+), by an interface that nats.js keeps internal.
// It stores what comes in unbroken order and drops duplicates; a message that is missing, or whose expectation fails, makes the
// whole answer an error.
import type { JetStreamPublishOptions } from "@nats-io/jetstream"
import { startFastIngest } from "@nats-io/jetstream/internal"
import type { NatsConnection } from "@nats-io/transport-node"

export interface FastMessage {
  readonly subject: string
  readonly payload: string | Uint8Array
  readonly options: Partial<JetStreamPublishOptions>
}

/** The server asks for no more than this in one batch, and a batch left alone for 10 s is given up. */
export const fastBatchLimit = 500

/** What goes out in one write: well within what may be outstanding. */
const writeSize = 100

/**
 * At a message that is missing, as when the stream's leader changes, the server ends the batch, and the count that it answers with
 * is what it stored. With gaps allowed it would go on, the count would be that of the last message, and what tells of the gap
 * may get lost itself. The price: a batch that begins with a duplicate ends at once, as one that comes again after a kill does.
 */
const settings = { allowGaps: false, ackInterval: 100, maxOutstandingAcks: 2 }

/** Of the connection, whose user may hear no other; not part of its interface. */
const inboxPrefixOf = (connection: NatsConnection) =>
  (connection as { readonly options?: { readonly inboxPrefix?: string } }).options?.inboxPrefix ?? "_INBOX"

export const fastIngest = async (connection: NatsConnection, messages: ReadonlyArray<FastMessage>, timeout: number) => {
  const [first, ...rest] = messages
  const last = rest.pop()
  if (!first || !last) throw new Error("a fast batch needs two messages")
  const batch = await startFastIngest(connection, first.subject, first.payload, {
    ...settings,
    inboxPrefix: inboxPrefixOf(connection),
    ...first.options,
    timeout
  })
  const add = ({ subject, payload, options }: FastMessage) => batch.add(subject, payload, { ...options, timeout })
  // Awaited one by one, each would be a write to the socket of its own.
  let from = 0
  for (; rest.length - from > writeSize; from += writeSize) {
    await Promise.all(rest.slice(from, from + writeSize).map(add))
  }
  const added = Promise.all(rest.slice(from).map(add))
  const [{ count }] = await Promise.all([batch.last(last.subject, last.payload, { ...last.options, timeout }), added])
  if (count !== messages.length) throw new Error(`the server took ${count} of ${messages.length} messages`)
}
