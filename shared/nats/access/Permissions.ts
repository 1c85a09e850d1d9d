// Who may do what in NATS: for each service and each kind of person or system beside them the least it needs. Pure data,
// derived from Topology.ts; deploy/nats and docs/security.md are generated from it, and tests hold the services to it.
import { type CommandName, commandNames } from "#shared/contract/Commands.ts"
import { type EventType, inboundTypes, outcomeTypes } from "#shared/contract/Events.ts"
import { defaultSender, type Platform, platforms, type Sender } from "#shared/contract/fields/Fields.ts"
import {
  type ConsumerDefinition,
  consumers,
  filesStream,
  fixedConsumers,
  gatewayConsumers,
  isOfService,
  laneOf,
  type Memorised,
  type StreamName,
  Subject,
  streams
} from "../layout/Topology.ts"
import {
  asksServices,
  connects,
  deletesIn,
  follows,
  type Grant,
  hears,
  inboxPrefix,
  keepsFiles,
  looksAt,
  looksAtConsumers,
  makesConsumers,
  makesStreams,
  purges,
  reads,
  readsFiles,
  retires,
  servesAs,
  works,
  writes
} from "./Grants.ts"

export const roles = [
  "scheduler",
  "dispatcher",
  ...platforms.map((platform) => `${platform}-gateway` as const),
  "ledger",
  "table-bridge",
  "provisioner",
  "operator",
  "eraser",
  "reader",
  "follower",
  "publisher"
] as const
export type Role = (typeof roles)[number]

/** Systems beside ours: as many as there are, each with a name of its own. */
export type OtherSystem = "follower" | "publisher"

export interface SenderName {
  readonly platform: Platform
  readonly sender: Sender
}

export interface User {
  /** Its inbox is called after it: letters, digits, `_` and `-`. */
  readonly name: string
  readonly role: Role
  /** Of a publisher: all that publishers have if left out. */
  readonly commands?: ReadonlyArray<CommandName>
  /** Of a follower: what becomes of messages if left out. */
  readonly types?: ReadonlyArray<EventType>
}

export interface Permissions {
  readonly publish: ReadonlyArray<string>
  readonly never: ReadonlyArray<string>
  readonly subscribe: ReadonlyArray<string>
}

/** What other systems ask for. The rest is for operators: it concerns the messages of all. */
export const publisherCommands: ReadonlyArray<CommandName> = commandNames.filter(
  (name) => !["pause", "resume", "drop", "redrive", "discard", "resolve", "rearm"].includes(name)
)

/** In the words of people; the generated page says what each may do. */
export const roleWords: Readonly<Record<Role, string>> = {
  scheduler: "carries out commands, sets timers, answers requests",
  dispatcher: "takes timers, says who is to send, and what is given up",
  "telegram-gateway": "sends what was dispatched to Telegram, hears its updates",
  "webhook-gateway": "sends what was dispatched to webhooks",
  ledger: "reads the whole log into Postgres, and tells what is overdue",
  "table-bridge": "publishes the commands of an outbox, reads what became of them",
  provisioner: "makes streams and consumers, and retires senders: a job, or who upgrades. Reads no message",
  operator: "the command line: every command, a look at everything, and what was in quarantine back to its queue",
  eraser: "the same, and removes what is personal: for `carillon erase`",
  reader: "monitoring: how much waits where, and no content",
  follower: "another system that hears: the events of a consumer of its own, and nothing else",
  publisher: "another system: its commands, and nothing else"
}

/** What followers read the log by; of users of another role nothing. Made by the provisioner, and called as its user is. */
export const followed = (users: ReadonlyArray<User>): ReadonlyArray<ConsumerDefinition> =>
  users
    .filter(({ role }) => role === "follower")
    .map(({ name, types = outcomeTypes }) => consumers.follower(name, types))

const allStreams = Object.keys(streams) as ReadonlyArray<StreamName>
const every = [...allStreams, filesStream]
const theDefault = platforms.map((platform) => ({ platform, sender: defaultSender }))

const events = (...types: ReadonlyArray<EventType>) => types.map((type) => Subject.events(type))
const commanding = (names: ReadonlyArray<CommandName>) => writes(...names.map(Subject.command))
const asking = (names: ReadonlyArray<CommandName>) => writes(...names.map(Subject.api))
const remembering = (whose: string, ...what: ReadonlyArray<Memorised>) =>
  writes(...what.map((one) => Subject.memory(one, `${whose}.>`)))
const setsAside = (...found: ReadonlyArray<Pick<ConsumerDefinition, "stream" | "durable">>) =>
  writes(...found.map(({ durable, stream }) => Subject.quarantine(stream, durable)))

const working = (...own: ReadonlyArray<ConsumerDefinition>) => [works(...own), setsAside(...own)]

/** What settles elsewhere is seen from outside: by metrics, by the watchdog, by operators. */
const looksAround = [looksAt(...every), looksAtConsumers(...allStreams)]

type Make = (lanes: ReadonlyArray<ConsumerDefinition>, named: ReadonlyArray<ConsumerDefinition>) => ReadonlyArray<Grant>

const gateway = (platform: Platform): Make => {
  const own = (subject: string) => subject.replace(/\.\*$/, `.${platform}`)
  return (lanes, named) => [
    ...working(...lanes),
    looksAt(...every),
    follows("EVENTS", named, lanes),
    reads("EVENTS", "SENDERS", "MEMORY"),
    follows("MEMORY"),
    hears(Subject.sender(platform, "*", "orders"), Subject.askedBack),
    writes(
      ...["lease" as const, "state" as const, "profile" as const].map((what) => Subject.sender(platform, "*", what)),
      ...events(
        "send-started",
        "part-sent",
        "sent",
        "attempt-failed",
        "expired",
        "circuit-changed",
        ...inboundTypes
      ).map(own)
    ),
    deletesIn("SENDERS"),
    remembering(platform, "file", "link", "contact", "chat", "update", "salt", "button"),
    purges("MEMORY")
  ]
}

const operating = (named: ReadonlyArray<ConsumerDefinition>) => [
  ...looksAround,
  reads(...allStreams),
  ...(["EVENTS", "DEAD", "SENDERS", "SERIES", "MEMORY"] as const).map((name) => follows(name, named)),
  commanding(commandNames),
  asking(commandNames),
  remembering("*", "salt"),
  // What happens now, as it happens.
  hears("carillon.event.>"),
  // What could not be processed: back to the queues that it came from, or away.
  writes(...named.flatMap(({ durable, filters }) => (isOfService(durable) ? filters : []))),
  deletesIn("QUARANTINE"),
  asksServices,
  keepsFiles
]

const rights: Readonly<Record<Exclude<Role, OtherSystem>, Make>> = {
  scheduler: (_, named) => [
    ...working(
      consumers.schedulerCommands,
      consumers.schedulerRetries,
      consumers.schedulerChanges,
      consumers.schedulerTicks
    ),
    ...looksAround,
    reads(...allStreams),
    follows("EVENTS", named, [consumers.schedulerRetries]),
    follows("SERIES"),
    servesAs("carillon"),
    hears(...commandNames.map(Subject.api)),
    writes("_INBOX.>", "_R_.>"),
    commanding(commandNames),
    writes(
      Subject.pending("*"),
      Subject.due("*"),
      Subject.changed("*", "*"),
      Subject.waitingTick("*"),
      Subject.series("*"),
      Subject.askedBack,
      ...events(
        "scheduled",
        "rejected",
        "cancelled",
        "rescheduled",
        "discarded",
        "redriven",
        "resolved",
        "recipient-unlinked",
        "orders-changed",
        "series-changed",
        "occurrences-missed",
        "attempt-failed"
      ),
      Subject.sender("*", "*", "orders"),
      Subject.dead("*", "*")
    ),
    deletesIn("DEAD", "COMMANDS", "TIMERS"),
    remembering("*", "link", "contact", "chat", "salt")
  ],
  dispatcher: (_, named) => [
    ...working(consumers.dispatcherTimers, consumers.dispatcherFailures),
    looksAt(...every),
    follows("EVENTS", named, [consumers.dispatcherFailures]),
    reads("EVENTS"),
    writes(
      ...events("dispatched", "expired", "failed", "fell-back", "retry-scheduled", "unknown", "scheduled"),
      Subject.dead("*", "*")
    )
  ],
  "telegram-gateway": (lanes, named) => [...gateway("telegram")(lanes, named), readsFiles],
  "webhook-gateway": gateway("webhook"),
  ledger: (_, named) => [
    ...looksAround,
    reads(...allStreams),
    follows("EVENTS", named),
    commanding(["rearm"]),
    writes(...events("overdue")),
    setsAside({ stream: "EVENTS", durable: "ledger" })
  ],
  "table-bridge": (_, named) => [
    looksAt(...every),
    reads("EVENTS"),
    follows("EVENTS", named),
    commanding(["schedule", "reschedule", "cancel"])
  ],
  provisioner: (_, named) => [
    looksAt(...every),
    makesStreams(...every),
    makesConsumers(...named),
    retires(...named.filter(({ durable }) => laneOf(durable)))
  ],
  operator: (_, named) => operating(named),
  eraser: (_, named) => [
    ...operating(named),
    writes(...events("erased", "scheduled"), Subject.sender("*", "*", "state")),
    deletesIn("EVENTS", "SENDERS", "DEAD", "MEMORY", "QUARANTINE")
  ],
  reader: () => [...looksAround, writes("$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST"), asksServices]
}

const grantsOf = (user: User, senders: ReadonlyArray<SenderName>, users: ReadonlyArray<User>): ReadonlyArray<Grant> => {
  const { commands = publisherCommands, name, role } = user
  if (role === "publisher") return [hears(`${inboxPrefix(name)}.>`), commanding(commands), asking(commands)]
  if (role === "follower") return [hears(`${inboxPrefix(name)}.>`), works(...followed([user]))]
  const lanesOf = (of: ReadonlyArray<SenderName>) => of.flatMap((one) => gatewayConsumers(one.platform, one.sender))
  const own = lanesOf(senders.filter(({ platform }) => role === `${platform}-gateway`))
  return [connects(name), ...rights[role](own, [...fixedConsumers, ...lanesOf(senders), ...followed(users)])]
}

const sorted = (subjects: ReadonlyArray<string>) => [...new Set(subjects)].sort()

/** `senders`: all that gateways have, and `users`: all that there are, or their queues could be taken for nobody's. */
export const permissionsOf = (
  user: User,
  senders: ReadonlyArray<SenderName> = theDefault,
  users: ReadonlyArray<User> = []
): Permissions => {
  const grants = grantsOf(user, senders, users)
  return {
    publish: sorted(grants.flatMap(({ publish = [] }) => publish)),
    never: sorted(grants.flatMap(({ never = [] }) => never)),
    subscribe: sorted(grants.flatMap(({ subscribe = [] }) => subscribe))
  }
}
