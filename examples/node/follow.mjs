// Follows events by a durable consumer: what happens while this does not run is not missed.
import { JetStreamApiCodes, jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connection } from "./connection.mjs"

/**
 * Hands each event to `handle`, one after the other, with an id that is the same when it is handed over again: that may happen.
 * Where NATS has users, `carillon nats provision --follower NAME=…` has made the consumer; elsewhere it is made here.
 */
export const follow = async (durable, types, handle) => {
  const { consumers } = jetstream(connection)
  const consumer = await consumers.get("EVENTS", durable).catch(async (error) => {
    if (error.code !== JetStreamApiCodes.ConsumerNotFound) throw error
    await (await jetstreamManager(connection)).consumers.add("EVENTS", {
      durable_name: durable,
      ack_policy: "explicit",
      filter_subjects: types.map((type) => `carillon.event.${type}.*`)
    })
    return consumers.get("EVENTS", durable)
  })
  for await (const message of await consumer.consume()) {
    await handle(message.json(), message.headers.get("ce-id"))
    // Only when it is dealt with: else it comes again. Waited for: if it is refused, this ends, and says why.
    await message.ackAck({ timeout: 10_000 })
  }
}
