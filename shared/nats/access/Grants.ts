// What one way of working with a stream needs to be allowed in NATS: the subjects of JetStream's API, made in one place.
import { type ConsumerDefinition, filesBucket, filesStream, type StreamName } from "../layout/Topology.ts"

/** What a user may publish and subscribe to. `never` goes before `publish`. */
export interface Grant {
  readonly publish?: ReadonlyArray<string>
  readonly never?: ReadonlyArray<string>
  readonly subscribe?: ReadonlyArray<string>
}

const api = (subject: string) => `$JS.API.${subject}`

/** Answers come to an inbox that is one's own: nobody else hears them. */
export const inboxPrefix = (user: string) => `_INBOX.${user}`

export const connects = (user: string): Grant => ({
  publish: [api("INFO")],
  subscribe: [`${inboxPrefix(user)}.>`]
})

export const writes = (...subjects: ReadonlyArray<string>): Grant => ({ publish: subjects })

export const hears = (...subjects: ReadonlyArray<string>): Grant => ({ subscribe: subjects })

/** How a stream is set up and how much is in it: subjects, no content. */
export const looksAt = (...names: ReadonlyArray<string>): Grant => ({
  publish: names.map((name) => api(`STREAM.INFO.${name}`))
})

export const looksAtConsumers = (...names: ReadonlyArray<string>): Grant => ({
  publish: names.flatMap((name) => [api(`CONSUMER.LIST.${name}`), api(`CONSUMER.INFO.${name}.*`)])
})

/** Looks messages up by place or subject, and takes none. */
export const reads = (...names: ReadonlyArray<StreamName>): Grant => ({
  publish: names.flatMap((name) => [
    api(`STREAM.MSG.GET.${name}`),
    api(`DIRECT.GET.${name}`),
    api(`DIRECT.GET.${name}.>`)
  ])
})

/** Work of a durable consumer: asks for it, and settles it. Acknowledgements have two forms (ADR-15). */
export const works = (...consumers: ReadonlyArray<ConsumerDefinition>): Grant => ({
  publish: consumers.flatMap(({ durable, stream }) => [
    api(`CONSUMER.INFO.${stream}.${durable}`),
    api(`CONSUMER.MSG.NEXT.${stream}.${durable}`),
    `$JS.ACK.${stream}.${durable}.>`,
    `$JS.ACK.*.*.${stream}.${durable}.>`
  ])
})

const ordered = (name: string) => [
  api(`CONSUMER.CREATE.${name}.>`),
  api(`CONSUMER.INFO.${name}.*`),
  api(`CONSUMER.DELETE.${name}.*`)
]

/**
 * Reads a stream in order, by consumers with names made at random. Those that have a name of their own are neither
 * changed nor deleted, and work is taken of one's own only.
 */
export const follows = (
  name: StreamName,
  named: ReadonlyArray<ConsumerDefinition> = [],
  own: ReadonlyArray<ConsumerDefinition> = []
): Grant => ({
  publish: [
    api(`STREAM.INFO.${name}`),
    // Of a consumer with several filters the client puts the name into the request.
    api(`CONSUMER.CREATE.${name}`),
    ...ordered(name),
    api(`CONSUMER.MSG.NEXT.${name}.*`)
  ],
  never: named
    .filter(({ stream }) => stream === name)
    .flatMap((one) => [
      api(`CONSUMER.CREATE.${name}.${one.durable}`),
      api(`CONSUMER.CREATE.${name}.${one.durable}.>`),
      api(`CONSUMER.DELETE.${name}.${one.durable}`),
      ...(own.some(({ durable }) => durable === one.durable) ? [] : [api(`CONSUMER.MSG.NEXT.${name}.${one.durable}`)])
    ])
})

/** Takes single messages out. */
export const deletesIn = (...names: ReadonlyArray<StreamName>): Grant => ({
  publish: names.map((name) => api(`STREAM.MSG.DELETE.${name}`))
})

export const purges = (...names: ReadonlyArray<StreamName>): Grant => ({
  publish: names.map((name) => api(`STREAM.PURGE.${name}`))
})

export const makesStreams = (...names: ReadonlyArray<string>): Grant => ({
  publish: names.flatMap((name) => [api(`STREAM.CREATE.${name}`), api(`STREAM.UPDATE.${name}`)])
})

export const makesConsumers = (...consumers: ReadonlyArray<ConsumerDefinition>): Grant => ({
  publish: consumers.flatMap(({ durable, stream }) => [
    api(`CONSUMER.INFO.${stream}.${durable}`),
    api(`CONSUMER.DURABLE.CREATE.${stream}.${durable}`)
  ])
})

/** Of a sender that is given up: its queues, and what is kept of it. */
export const retires = (...lanes: ReadonlyArray<ConsumerDefinition>): Grant => ({
  publish: [
    ...lanes.map(({ durable, stream }) => api(`CONSUMER.DELETE.${stream}.${durable}`)),
    api("STREAM.PURGE.SENDERS")
  ]
})

/** The client reads a file by a consumer that pushes, with flow control. */
export const readsFiles: Grant = {
  publish: [
    api(`STREAM.INFO.${filesStream}`),
    api(`STREAM.MSG.GET.${filesStream}`),
    ...ordered(filesStream),
    `$JS.FC.${filesStream}.>`,
    `$JS.FC.*.*.${filesStream}.>`
  ]
}

export const keepsFiles: Grant = {
  publish: [...(readsFiles.publish ?? []), `$O.${filesBucket}.>`, api(`STREAM.PURGE.${filesStream}`)]
}

/** Questions to micro services: who is there, and how they fare. */
export const asksServices: Grant = { publish: ["$SRV.PING.>", "$SRV.INFO.>", "$SRV.STATS.>", "$SRV.PING"] }

export const servesAs = (service: string): Grant => ({
  subscribe: ["PING", "INFO", "STATS"].flatMap((verb) => [
    `$SRV.${verb}`,
    `$SRV.${verb}.${service}`,
    `$SRV.${verb}.${service}.*`
  ])
})
