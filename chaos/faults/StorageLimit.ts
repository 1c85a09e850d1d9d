// Uses up what JetStream may store in all, as other streams of the same server would, and gives it back.
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { type ConnectionOptions, connect } from "@nats-io/transport-node"
import { Effect } from "effect"

const filler = "FILLER"

/** Answers with what NATS said in the end. */
export const useUp = (options: ConnectionOptions) =>
  Effect.promise(async () => {
    const connection = await connect(options)
    try {
      await (await jetstreamManager(connection)).streams.add({ name: filler, subjects: [filler] })
      for (let size = 65_536; ; ) {
        try {
          await jetstream(connection).publish(filler, new Uint8Array(size))
        } catch (error) {
          if (size === 1) return (error as Error).message
          size = Math.max(1, Math.floor(size / 4))
        }
      }
    } finally {
      await connection.close()
    }
  })

export const giveBack = (options: ConnectionOptions) =>
  Effect.promise(async () => {
    const connection = await connect(options)
    try {
      await (await jetstreamManager(connection)).streams.delete(filler)
    } finally {
      await connection.close()
    }
  })
