// Looks at and changes streams from outside, as an operator might.
import type { JsMsg } from "@nats-io/jetstream"
import { headers as natsHeaders } from "@nats-io/transport-node"
import { readAll } from "#shared/nats/messages/ReadAll.ts"
import { withManager } from "./NatsClient.ts"

/** As if the duplicate windows were long over: only the log itself can tell what was said before. */
export const forgetDuplicates = (url: string) =>
  withManager(url, async (manager) => {
    for await (const { config } of manager.streams.list()) {
      await manager.streams.update(config.name, { ...config, duplicate_window: 100_000_000 })
    }
  })

/** Messages that some consumer was given and has not acknowledged, or was not given yet. */
export const unsettled = (url: string) =>
  withManager(url, async (manager) => {
    let left = 0
    for await (const stream of manager.streams.list()) {
      for await (const consumer of manager.consumers.list(stream.config.name)) {
        if (consumer.config.durable_name) left += consumer.num_ack_pending + consumer.num_pending
      }
    }
    return left
  })

const readEvents = <A>(url: string, filter: string, read: (message: JsMsg) => A) =>
  withManager(url, async (manager) => {
    const found: Array<A> = []
    await readAll(manager.jetstream(), "EVENTS", { filter_subjects: filter }, (message) => found.push(read(message)))
    return found
  })

/** What stands under a subject filter of the event log, oldest first. */
export const eventsOf = (url: string, filter: string) =>
  readEvents(url, filter, (message) => message.json<Record<string, unknown>>())

/** The subjects of the timers that wait. */
export const pendingTimers = (url: string) =>
  withManager(url, async (manager) => {
    const { state } = await manager.streams.info("TIMERS", { subjects_filter: "carillon.timer.pending.>" })
    return Object.keys(state.subjects ?? {})
  })

/** The ids of the series for which a tick waits. */
export const waitingTicks = (url: string) =>
  withManager(url, async (manager) => {
    const { state } = await manager.streams.info("TIMERS", { subjects_filter: "carillon.timer.series.>" })
    return Object.keys(state.subjects ?? {}).map((subject) => subject.replace("carillon.timer.series.", ""))
  })

/** As if a tick had never been. */
export const loseTick = (url: string, id: string) =>
  withManager(url, (manager) => manager.streams.purge("TIMERS", { filter: `carillon.timer.series.${id}` }))

/** A tick that nothing asks for, as one that comes a second time. */
export const strayTick = (url: string, id: string) =>
  withManager(url, (manager) =>
    manager.jetstream().publish("carillon.timer.tick", JSON.stringify({ series: id, revision: 1, occurrence: "any" }))
  )

/** How a series is stored. */
export const storedSeries = (url: string, id: string) =>
  withManager(url, async (manager) => {
    const found = await manager.streams.getMessage("SERIES", { last_by_subj: `carillon.series.${id}` })
    return found?.json() as Record<string, unknown> | undefined
  })

export const deleteStream = (url: string, name: string) => withManager(url, (manager) => manager.streams.delete(name))

export const streamCount = (url: string, name: string) =>
  withManager(url, async (manager) => (await manager.streams.info(name)).state.messages)

/** Every subject and header that stands in any stream, as text. */
export const headersAndSubjects = (url: string) =>
  withManager(url, async (manager) => {
    const found: Array<string> = []
    for await (const { config } of manager.streams.list()) {
      if (config.retention === "workqueue") {
        const { state } = await manager.streams.info(config.name, { subjects_filter: ">" })
        found.push(...Object.keys(state.subjects ?? {}))
        continue
      }
      const consumer = await manager.jetstream().consumers.get(config.name)
      if ((await consumer.info()).num_pending === 0) continue
      for await (const message of await consumer.consume()) {
        found.push(message.subject, ...[...(message.headers ?? [])].map(([name, values]) => `${name}=${values}`))
        if (message.info.pending === 0) break
      }
    }
    return found.join("\n")
  })

/** Takes every message under a subject out of a stream, as by hand. */
export const purgeSubject = (url: string, stream: string, filter: string) =>
  withManager(url, (manager) => manager.streams.purge(stream, { filter }))

/** Takes the events of one type of a message out of the log, as by hand; answers with how many there were. */
export const deleteEvents = (url: string, type: string, id: string) =>
  withManager(url, async (manager) => {
    const found: Array<number> = []
    await readAll(manager.jetstream(), "EVENTS", { filter_subjects: `carillon.event.${type}.>` }, (message) => {
      if (message.headers?.get("ce-subject") === id) found.push(message.seq)
    })
    for (const sequence of found) await manager.streams.deleteMessage("EVENTS", sequence)
    return found.length
  })

export const deleteConsumer = (url: string, stream: string, durable: string) =>
  withManager(url, (manager) => manager.consumers.delete(stream, durable))

/** It begins at the first message of its stream again, and its readers go on. */
export const resetConsumer = (url: string, stream: string, durable: string) =>
  withManager(url, (manager) => manager.consumers.reset(stream, durable, 1))

/** Puts a timer there, as by hand: what it would send is no attempt. */
export const putTimer = (url: string, id: string) =>
  withManager(url, async (manager) => {
    const headers = natsHeaders()
    headers.set("ce-subject", id)
    const at = new Date(Date.now() + 86_400_000).toISOString()
    const schedule = { specification: `@at ${at}`, target: "carillon.timer.due.telegram" } as const
    await manager.jetstream().publish(`carillon.timer.pending.${id}`, "{}", { headers, schedule })
  })

/** Every payload that stands in any stream, as text. */
export const payloads = (url: string) =>
  withManager(url, async (manager) => {
    const found: Array<string> = []
    for await (const { config, state } of manager.streams.list()) {
      for (let seq = state.first_seq; seq > 0 && seq <= state.last_seq; seq++) {
        const message = await manager.streams.getMessage(config.name, { seq })
        if (message) found.push(message.string())
      }
    }
    return found.join("\n")
  })

/** Of the intents that stand in the log: of which message, and when NATS had stored it. */
export const intents = (url: string) =>
  readEvents(url, "carillon.event.send-started.*", (message) => ({
    id: message.json<{ readonly id: string }>().id,
    storedAt: Number(message.timestampNanos) / 1_000_000
  }))

/** The subjects of what was given up. */
export const deadLetters = (url: string) =>
  withManager(url, async (manager) => {
    const { state } = await manager.streams.info("DEAD", { subjects_filter: "carillon.dead.>" })
    return Object.keys(state.subjects ?? {})
  })

/** Every subject, header and payload that stands in any stream, as text. */
export const everythingStored = (url: string) =>
  withManager(url, async (manager) => {
    const found: Array<string> = []
    for await (const { config, state } of manager.streams.list()) {
      for (let sequence = state.first_seq; sequence <= state.last_seq; sequence++) {
        const message = await manager.streams.getMessage(config.name, { seq: sequence }).catch(() => null)
        if (!message) continue
        const headers = [...message.header].map(([name, values]) => `${name}=${values}`)
        found.push([config.name, message.subject, ...headers, message.string()].join(" "))
      }
    }
    return found
  })
