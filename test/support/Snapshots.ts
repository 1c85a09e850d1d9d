// A stream as JetStream's own snapshot, taken from a running server and given to another: what `nats stream backup` and
// `restore` do.
import { jetstreamManager } from "@nats-io/jetstream"
import { createInbox, type NatsConnection } from "@nats-io/transport-node"
import { withClient } from "./NatsClient.ts"

export interface Snapshot {
  readonly config: { readonly name: string }
  readonly state: object
  readonly chunks: ReadonlyArray<Uint8Array>
}

const asked = async (connection: NatsConnection, subject: string, body: object) => {
  const answer = (await connection.request(subject, JSON.stringify(body), { timeout: 10_000 })).json<
    { readonly error?: { readonly description: string } } & Record<string, unknown>
  >()
  if (answer.error) throw new Error(`${subject}: ${answer.error.description}`)
  return answer
}

const snapshotOf = async (connection: NatsConnection, name: string): Promise<Snapshot> => {
  const inbox = createInbox()
  const arriving = connection.subscribe(inbox)
  const { config, state } = await asked(connection, `$JS.API.STREAM.SNAPSHOT.${name}`, { deliver_subject: inbox })
  const chunks: Array<Uint8Array> = []
  for await (const message of arriving) {
    if (message.data.length === 0) break
    chunks.push(message.data.slice())
    message.respond()
  }
  return { config, state, chunks } as unknown as Snapshot
}

/** Of every stream, the timers first. */
export const snapshots = (url: string) =>
  withClient(url, async (connection) => {
    const manager = await jetstreamManager(connection)
    const names = (await manager.streams.names().next()).toSorted((a) => (a === "TIMERS" ? -1 : 1))
    const taken: Array<Snapshot> = []
    for (const name of names) taken.push(await snapshotOf(connection, name))
    return taken
  })

/** Into a server that has none of them. */
export const restore = (url: string, taken: ReadonlyArray<Snapshot>) =>
  withClient(url, async (connection) => {
    for (const { chunks, config, state } of taken) {
      const { deliver_subject } = await asked(connection, `$JS.API.STREAM.RESTORE.${config.name}`, { config, state })
      for (const chunk of chunks) await connection.request(String(deliver_subject), chunk, { timeout: 10_000 })
      const end = await connection.request(String(deliver_subject), "", { timeout: 10_000 })
      const { error } = end.json<{ readonly error?: { readonly description: string } }>()
      if (error) throw new Error(`${config.name}: ${error.description}`)
    }
  })
