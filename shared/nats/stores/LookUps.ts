// Single messages of any stream, looked up by their place or subject.
import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream"
import { Effect, Option } from "effect"
import { attempt } from "../connection/Nats.ts"
import type { StreamName } from "../layout/Topology.ts"

export interface StoredMessage {
  readonly sequence: number
  readonly subject: string
  readonly storedAt: number
  readonly data: Uint8Array
  /** The data as UTF-8. */
  readonly text: string
  header(name: string): string | undefined
}

export const lookUps = (manager: JetStreamManager) => {
  const stored = (found: StoredMsg): StoredMessage => ({
    sequence: found.seq,
    subject: found.subject,
    data: found.data,
    storedAt: found.time.getTime(),
    text: found.string(),
    header: (name) => found.header.get(name) || undefined
  })
  const lookUp = (find: () => Promise<StoredMsg | null>) =>
    attempt("look up", find).pipe(Effect.map(Option.fromNullishOr), Effect.map(Option.map(stored)))
  const last = (stream: StreamName, subject: string) =>
    lookUp(() => manager.streams.getMessage(stream, { last_by_subj: subject }))
  const at = (stream: StreamName, sequence: number) =>
    sequence < 1 ? Effect.succeed(Option.none()) : lookUp(() => manager.streams.getMessage(stream, { seq: sequence }))
  /** Not directly: of the replicas any would answer, also one that is behind and has none. */
  const next = (stream: StreamName, sequence: number, subject: string) => {
    const query = { seq: Math.max(1, sequence), next_by_subj: subject }
    return lookUp(() => manager.streams.getMessage(stream, query))
  }

  // One that goes in between makes the answer an error, which says nothing of the others: not to be taken for none.
  const lastOfEach = (stream: StreamName, subjects: ReadonlyArray<string>) =>
    attempt("look up", async () => {
      const found = new Map<string, StoredMessage>()
      let left = subjects
      while (left.length > 0) {
        let pending = 0
        const before = found.size
        const messages = await manager.direct.getLastMessagesFor(stream, {
          multi_last: [...left],
          max_bytes: mostAtOnce
        })
        for await (const message of messages) {
          found.set(message.subject, stored(message))
          pending = message.pending
        }
        // Of a wildcard what was left would come in the same first part again, for ever.
        if (pending > 0 && found.size === before) throw new Error("the answer never comes to its end")
        left = pending > 0 ? left.filter((one) => !found.has(one)) : []
      }
      return [...found.values()]
    })

  return { last, lastOfEach, at, next }
}

/** In bytes: what NATS cannot get rid of at once must not come to what it takes a connection for dead at, 64 MB by default. */
const mostAtOnce = 2_000_000
