// The configuration of a bridge: which tables and columns, and what they mean. A JSON file named by TABLE_BRIDGE_CONFIG.
import { readFile } from "node:fs/promises"
import { Effect, Result, Schema } from "effect"
import {
  Kind,
  LatenessAsked,
  Platform,
  Priority,
  type Recipient,
  RetryTiers,
  Sender,
  UnknownOutcome
} from "#shared/contract/fields/Fields.ts"
import { platformRules } from "#shared/platforms/Platforms.ts"
import { setting } from "#shared/service/Settings.ts"

/** Its file. */
export const bridgeFile = setting("TABLE_BRIDGE_CONFIG", Schema.String, {
  takes: "a path",
  says: "The JSON file that names the tables and columns of a bridge: [its keys](../services/table-bridge/README.md#the-file-of-a-bridge)",
  otherwise: "only the outbox is published"
})

const Name = Schema.String.check(Schema.isBetweenLength(1, 63))
const Table = { schema: Schema.optionalKey(Name), table: Name, id: Name }
const addressKinds = [...new Set(Object.values(platformRules).flatMap(({ addresses }) => addresses))]

/** A column whose value says something: one of `in`, or without that, neither null nor false. */
const Condition = Schema.Struct({ column: Name, in: Schema.optionalKey(Schema.Array(Schema.String)) })
export type Condition = typeof Condition.Type

const seconds = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 31_536_000 }))

const trackingColumns = {
  status: Name,
  attempts: Name,
  lastAttemptAt: Name,
  sentAt: Name,
  error: Name,
  messageId: Name,
  priority: Name,
  metadata: Name
}
export type TrackingColumn = keyof typeof trackingColumns

export const BridgeConfig = Schema.Struct({
  name: Schema.String.check(
    Schema.isPattern(/^[a-z][a-z0-9-]{0,31}$/u, { message: "must be 1 to 32 of a-z 0-9 -, and begin with a letter" })
  ),
  messages: Schema.Struct({
    ...Table,
    patient: Name,
    due: Name,
    text: Name,
    timeZone: Schema.optionalKey(Name),
    platform: Schema.optionalKey(Name),
    /** Rows are sent only while this holds. */
    when: Schema.optionalKey(Condition),
    /** Rows are not sent while this holds: cancelled. */
    unless: Schema.optionalKey(Condition)
  }),
  patients: Schema.Struct({
    ...Table,
    timeZone: Schema.optionalKey(Name),
    /** The columns with their addresses, by kind. */
    addresses: Schema.Struct(
      Object.fromEntries(addressKinds.map((kind) => [kind, Schema.optionalKey(Name)])) as unknown as {
        readonly [Key in keyof Recipient]-?: Schema.optionalKey<typeof Name>
      }
    )
  }),
  defaults: Schema.optionalKey(
    Schema.Struct({
      platform: Schema.optionalKey(Platform),
      sender: Schema.optionalKey(Sender),
      kind: Schema.optionalKey(Kind),
      priority: Schema.optionalKey(Priority),
      timeZone: Schema.optionalKey(Name),
      maxLatenessSeconds: Schema.optionalKey(LatenessAsked),
      unknownOutcome: Schema.optionalKey(UnknownOutcome),
      retry: Schema.optionalKey(RetryTiers)
    })
  ),
  /** What the priorities of the application are called here. */
  priorities: Schema.optionalKey(Schema.Record(Schema.String, Priority)),
  /** When contact data is taken from the patient: when the row is scheduled, or when it is due. */
  contact: Schema.optionalKey(Schema.Literals(["scheduled", "due"])),
  /** With contact "due": how long before that a row is handed over. */
  horizonSeconds: Schema.optionalKey(seconds),
  /** A row that was due so long before it was written is sent at once; what is older is history. */
  graceSeconds: Schema.optionalKey(seconds),
  /** How often all rows are looked over for one that no trigger noted; 0 for never. */
  sweepHours: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 500 }))),
  tracking: Schema.optionalKey(
    Schema.Struct(
      Object.fromEntries(
        Object.entries(trackingColumns).map(([key, name]) => [key, Schema.optionalKey(name)])
      ) as unknown as { readonly [Key in TrackingColumn]: Schema.optionalKey<typeof Name> }
    )
  )
})
type Given = typeof BridgeConfig.Type

/** With every default filled in. */
export interface Bridge extends Given {
  readonly contact: "scheduled" | "due"
  readonly horizonSeconds: number
  readonly graceSeconds: number
  readonly sweepHours: number
  readonly tracking: { readonly [Key in TrackingColumn]: string }
  readonly defaults: NonNullable<Given["defaults"]>
}

export class BadBridgeConfig extends Schema.TaggedError<BadBridgeConfig>()("BadBridgeConfig", {
  problem: Schema.String
}) {
  readonly exitCode = 2
  override get message() {
    return `The configuration of the bridge: ${this.problem}`
  }
}

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(BridgeConfig), {
  errors: "all",
  onExcessProperty: "error"
})

export const parseBridge = (text: string): Result.Result<Bridge, BadBridgeConfig> =>
  Result.flatMap(
    Result.mapError(decode(text), (error) => new BadBridgeConfig({ problem: String(error.message) })),
    (given) => {
      const bridge: Bridge = {
        ...given,
        contact: given.contact ?? "scheduled",
        horizonSeconds: given.horizonSeconds ?? 600,
        graceSeconds: given.graceSeconds ?? 60,
        sweepHours: given.sweepHours ?? 24,
        defaults: given.defaults ?? {},
        tracking: {
          status: "carillon_status",
          attempts: "carillon_attempts",
          lastAttemptAt: "carillon_last_attempt_at",
          sentAt: "carillon_sent_at",
          error: "carillon_error",
          messageId: "carillon_message_id",
          priority: "carillon_priority",
          metadata: "carillon_metadata",
          ...given.tracking
        }
      }
      const written = writtenBack.map((key) => bridge.tracking[key])
      const both = written.find((column) => messageInputs(bridge).includes(column))
      if (both !== undefined) {
        // What the bridge writes would tell it to cancel what it has just scheduled.
        return Result.fail(new BadBridgeConfig({ problem: `column ${both} is both read and written back` }))
      }
      if (new Set(written).size < written.length)
        return Result.fail(new BadBridgeConfig({ problem: "two outcomes are written to one column" }))
      return Result.succeed(bridge)
    }
  )

export const readBridge = Effect.fnUntraced(function* (path: string) {
  const text = yield* Effect.tryPromise({
    try: () => readFile(path, "utf8"),
    catch: () => new BadBridgeConfig({ problem: `${path} cannot be read (${bridgeFile.key})` })
  })
  return yield* Effect.fromResult(parseBridge(text))
})

/** The columns that the bridge writes; priority and metadata it only reads. */
export const writtenBack = ["status", "attempts", "lastAttemptAt", "sentAt", "error", "messageId"] as const

/** The columns of a message row whose change may mean something. */
export const messageInputs = ({ messages: m, tracking }: Bridge): ReadonlyArray<string> => [
  ...new Set(
    [
      m.id,
      m.patient,
      m.due,
      m.text,
      m.timeZone,
      m.platform,
      m.when?.column,
      m.unless?.column,
      tracking.priority,
      tracking.metadata
    ].filter((column) => column !== undefined)
  )
]

export const patientInputs = ({ patients: p }: Bridge): ReadonlyArray<string> => [
  ...new Set([p.id, p.timeZone, ...Object.values(p.addresses)].filter((column) => column !== undefined))
]
