// Every subject, stream and consumer of the system: the one place where names are made.
import type { ConsumerConfig, StreamConfig } from "@nats-io/jetstream"
import { type CommandName, commandNames } from "#shared/contract/Commands.ts"
import { type Event, type EventType, platform } from "#shared/contract/Events.ts"
import {
  type MessageId,
  type Platform,
  type Priority,
  platforms,
  priorities,
  type Sender,
  type SeriesId
} from "#shared/contract/fields/Fields.ts"

export const Subject = {
  command: (name: CommandName) => `carillon.command.${name}`,
  api: (name: CommandName) => `carillon.api.${name}`,
  /** One per waiting message: its timer. */
  pending: (id: MessageId | "*") => `carillon.timer.pending.${id}`,
  due: (platform: Platform | "*") => `carillon.timer.due.${platform}`,
  /** Takes the place of a waiting timer in one step with its removal; the scheduler carries it out. */
  changed: (platform: Platform | "*", id: MessageId | "*") => `carillon.timer.changed.${platform}.${id}`,
  /** One per series: the timer of its tick, which is a reason to look at it. */
  waitingTick: (id: SeriesId | "*") => `carillon.timer.series.${id}`,
  tick: "carillon.timer.tick",
  /** One per series, for ever: how it stands. */
  series: (id: SeriesId | "*") => `carillon.series.${id}`,
  /** Of one type; some have more than the platform in their subject. */
  events: (type: EventType, platform = "*") =>
    `carillon.event.${type}.${platform}${type === "scheduled" || type === "dispatched" ? ".>" : ""}`,
  /** A lane of its own for each sender and priority, so that urgent messages need not wait behind a crowd. */
  dispatched: (platform: Platform, sender: Sender, priority: Priority) =>
    `carillon.event.dispatched.${platform}.${sender}.${priority}`,
  /** Create-only, one per id, whatever the platform: the de-duplication for as long as the log is kept. */
  scheduled: (platform: Platform | "*", id: MessageId) => `carillon.event.scheduled.${platform}.${id}`,
  event: (event: Event) => {
    switch (event.type) {
      case "scheduled":
        return Subject.scheduled(event.message.platform, event.message.id)
      case "dispatched":
        return Subject.dispatched(event.message.platform, event.message.sender, event.message.priority)
      default:
        return Subject.events(event.type, platform(event) ?? "unknown")
    }
  },
  /** What all replicas of a gateway share of a sender: who is active, how it fares, what operators ordered, its name. */
  sender: (platform: Platform | "*", sender: Sender | "_all" | "*", what: "lease" | "state" | "orders" | "profile") =>
    `carillon.sender.${platform}.${sender}.${what}`,
  /** One per message that was given up. */
  dead: (platform: Platform | "*", id: MessageId | "*") => `carillon.dead.${platform}.${id}`,
  /** Ids of messages that a gateway is asked to give back. Nothing keeps it. */
  askedBack: "carillon.asked-back",
  /** What gateways remember beside the log. Keys are ids and hashes: subjects are seen by many, and name nobody. */
  memory: (what: Memorised, key: string) => `carillon.memory.${what}.${key}`,
  quarantine: (stream: string, consumer: string) => `carillon.quarantine.${stream}.${consumer}`
} as const

/** Files that messages carry: a bucket of the object store, which is this stream. Kept until they are removed. */
export const filesBucket = "carillon-files"
export const filesStream = `OBJ_${filesBucket}`

/** Of each, the key: `<platform>.<sender>.<…>`. */
export type Memorised = "file" | "link" | "contact" | "chat" | "update" | "salt" | "button"

export const commandOf = (subject: string): CommandName | undefined =>
  commandNames.find((name) => Subject.command(name) === subject)

const seconds = (n: number) => n * 1_000_000_000
const days = (n: number) => seconds(n * 86_400)

/** What of a stream is ours to demand; retention in time and replicas are the operator's (see Provision.ts). */
type StreamDefinition = Partial<StreamConfig> & { readonly name: string; readonly subjects: Array<string> }

const common = { storage: "file", allow_direct: true, duplicate_window: seconds(120) } as const

export const streams = {
  COMMANDS: {
    ...common,
    name: "COMMANDS",
    subjects: ["carillon.command.>"],
    retention: "workqueue",
    allow_batched: true
  },
  // No age or size limit may ever stand here: a limit deletes timers silently.
  TIMERS: {
    ...common,
    name: "TIMERS",
    subjects: ["carillon.timer.>"],
    retention: "workqueue",
    allow_msg_schedules: true,
    allow_batched: true
  },
  EVENTS: {
    ...common,
    name: "EVENTS",
    subjects: ["carillon.event.>"],
    retention: "limits",
    allow_batched: true,
    max_age: days(30)
  },
  // The newest message of each subject is what counts; leases end by their own time to live.
  SENDERS: {
    ...common,
    name: "SENDERS",
    subjects: ["carillon.sender.>"],
    retention: "limits",
    max_msgs_per_subject: 1,
    allow_msg_ttl: true
  },
  DEAD: {
    ...common,
    name: "DEAD",
    subjects: ["carillon.dead.>"],
    retention: "limits",
    max_msgs_per_subject: 1,
    max_age: days(90)
  },
  // How each series stands. No age limit may ever stand here: a series would be forgotten.
  SERIES: {
    ...common,
    name: "SERIES",
    subjects: ["carillon.series.>"],
    retention: "limits",
    max_msgs_per_subject: 1
  },
  // The newest of each key is what counts; some end by their own time to live.
  MEMORY: {
    ...common,
    name: "MEMORY",
    subjects: ["carillon.memory.>"],
    retention: "limits",
    max_msgs_per_subject: 1,
    allow_msg_ttl: true
  },
  QUARANTINE: {
    ...common,
    name: "QUARANTINE",
    subjects: ["carillon.quarantine.>"],
    retention: "limits",
    max_age: days(30)
  }
} as const satisfies Record<string, StreamDefinition>
export type StreamName = keyof typeof streams

/** The stream that a subject is stored in. */
export const streamOf = (subject: string): StreamName | undefined =>
  (Object.keys(streams) as ReadonlyArray<StreamName>).find((name) =>
    subject.startsWith(streams[name].subjects[0].slice(0, -1))
  )

export interface ConsumerDefinition {
  readonly stream: StreamName
  readonly durable: string
  readonly filters: ReadonlyArray<string>
  /** How many may be in the hands of its readers, unacknowledged. */
  readonly maxAckPending: number
  readonly ackWaitMillis: number
}

/** Short, so that what a killed service held reaches another within seconds; longer work says that it is in progress. */
const ackWaitMillis = 10_000

/** How long a sender's lease stands that is not renewed: longer than a pause of NATS for a new leader. */
export const leaseSeconds = 4

/** How long one request for messages stands. Its heartbeats come at half of it, and two that are missed renew it:
 * a server that was restarted is noticed within this time. */
export const pullExpiresMillis = 5_000

const consumer = (stream: StreamName, durable: string, filters: ReadonlyArray<string>, maxAckPending = 5_000) =>
  ({ stream, durable, filters, maxAckPending, ackWaitMillis }) satisfies ConsumerDefinition

export const consumers = {
  /** Whole subject, so that a command nobody knows is refused aloud. */
  schedulerCommands: consumer("COMMANDS", "scheduler", ["carillon.command.>"]),
  schedulerRetries: consumer("EVENTS", "scheduler-retries", [
    Subject.events("retry-scheduled"),
    Subject.events("fell-back"),
    Subject.events("redriven")
  ]),
  schedulerChanges: consumer("TIMERS", "scheduler-changes", ["carillon.timer.changed.>"]),
  schedulerTicks: consumer("TIMERS", "scheduler-ticks", [Subject.tick]),
  dispatcherTimers: consumer("TIMERS", "dispatcher", ["carillon.timer.due.>"]),
  dispatcherFailures: consumer("EVENTS", "dispatcher-failures", [Subject.events("attempt-failed")]),
  /** What a killed gateway had in hand comes to another in half the usual time. */
  gateway: (platform: Platform, sender: Sender, priority: Priority) => ({
    ...consumer(
      "EVENTS",
      `${platform}-gateway-${sender}-${priority}`,
      [Subject.dispatched(platform, sender, priority)],
      2_000
    ),
    ackWaitMillis: ackWaitMillis / 2
  }),
  /** Of another system, which needs its time: it reads what it is to know of the log, and no more. */
  follower: (name: string, types: ReadonlyArray<EventType>) => ({
    ...consumer(
      "EVENTS",
      name,
      types.map((type) => Subject.events(type)),
      1_000
    ),
    ackWaitMillis: 3 * ackWaitMillis
  })
} as const

/** One for each priority, the most urgent first. */
export const gatewayConsumers = (platform: Platform, sender: Sender): ReadonlyArray<ConsumerDefinition> =>
  priorities.map((priority) => consumers.gateway(platform, sender, priority))

/** Whose queue it is, by the name that a gateway's consumer has; nothing for any other. */
export const laneOf = (durable: string) => {
  const [, found, sender, priority] = /^(.+?)-gateway-(.+)-(.+)$/.exec(durable) ?? []
  const platform = platforms.find((one) => one === found)
  return platform === undefined || sender === undefined || priority === undefined
    ? undefined
    : { platform, sender, priority }
}

/** Whether it is one that must always be read: none of a gateway, nor of another system. */
export const isFixed = (durable: string): boolean => fixedConsumers.some((one) => one.durable === durable)

/** Whether a service of ours reads it, and not another system. */
export const isOfService = (durable: string): boolean => isFixed(durable) || laneOf(durable) !== undefined

/** The durable consumers there should be, whatever senders there are; the ledger reads the log without one. */
export const fixedConsumers: ReadonlyArray<ConsumerDefinition> = [
  consumers.schedulerCommands,
  consumers.schedulerChanges,
  consumers.schedulerRetries,
  consumers.schedulerTicks,
  consumers.dispatcherTimers,
  consumers.dispatcherFailures
]

export const consumerConfig = (definition: ConsumerDefinition): Partial<ConsumerConfig> => ({
  durable_name: definition.durable,
  ack_policy: "explicit",
  deliver_policy: "all",
  ack_wait: definition.ackWaitMillis * 1_000_000,
  max_deliver: -1,
  max_ack_pending: definition.maxAckPending,
  filter_subjects: [...definition.filters]
})
