// The rules for what is accepted: bytes in, a message or every problem with them out. Pure; the time comes in.
import { Result, Schema, SchemaIssue } from "effect"
import {
  bothDeadlines,
  type CommandName,
  commandNames,
  commands,
  type RescheduleCommand,
  type ScheduleCommand
} from "./Commands.ts"
import type { Message } from "./Events.ts"
import { decoderOf } from "./fields/Exact.ts"
import { defaultSender, type Kind, MessageId, Platform, type Problem } from "./fields/Fields.ts"
import {
  contradicts,
  deadlineOf,
  fromMillis,
  isLocal,
  isZone,
  localDistance,
  notZone,
  parseInstant,
  toMillis
} from "./fields/Instants.ts"

/** A refusal: what could be read of whom it is about, and everything that is wrong. */
export interface Refusal {
  readonly id?: MessageId
  readonly platform?: Platform
  readonly problems: ReadonlyArray<Problem>
}

export interface Rules {
  readonly now: number
  /** How late a message of a kind may be that says nothing of it, in milliseconds. */
  readonly maxLateness: (kind: Kind | undefined) => number
  /** Fills in what the platforms are configured to do where a message says nothing. */
  readonly settled: (message: Message) => Message
  /** What the platform of a message would never take: see shared/platforms. */
  readonly unsendable: (message: Message) => ReadonlyArray<Problem>
}

export const tenYears = 3_653 * 24 * 60 * 60 * 1_000
const strict = { errors: "all", onExcessProperty: "error" } as const
type Decode = (json: unknown) => Result.Result<unknown, Schema.SchemaError>
const decoders = Object.fromEntries(
  commandNames.map((name) => [name, decoderOf(commands[name] as Schema.ConstraintDecoder<unknown>, strict)])
) as unknown as { readonly [Name in CommandName]: Decode }
type Commands = { readonly [Name in CommandName]: (typeof commands)[Name]["Type"] }

export const decodeCommand = <Name extends CommandName>(
  name: Name,
  json: unknown
): Result.Result<Commands[Name], Refusal> => {
  const decode = decoders[name] as (json: unknown) => Result.Result<Commands[Name], Schema.SchemaError>
  return Result.mapError(decode(json), (error) => {
    const found = problems(error.issue)
    return { ...known(json), problems: [...found, ...unsaid(json, found)] }
  })
}

/** The message that a command asks for, with times resolved and defaults filled in; `bytes`, of the command if known. */
export const toMessage = (command: ScheduleCommand, rules: Rules, bytes?: number): Result.Result<Message, Refusal> =>
  Result.flatMap(times(command, rules.maxLateness(command.kind), rules.now), (resolved) =>
    sendable(bytes, rules, {
      id: command.id,
      platform: command.platform,
      sender: command.sender ?? defaultSender,
      recipient: command.recipient,
      content: command.content,
      ...(command.kind === undefined ? {} : { kind: command.kind }),
      ...resolved,
      priority: command.priority ?? "normal",
      unknownOutcome: command.unknownOutcome ?? "resend",
      ...(command.retry === undefined ? {} : { retry: command.retry }),
      ...(command.fallback === undefined ? {} : { fallback: command.fallback }),
      metadata: command.metadata ?? {}
    })
  )

/** The waiting message as the command wants it; of what it says nothing, the message stays as it was. */
export const changed = (message: Message, command: RescheduleCommand, rules: Rules): Result.Result<Message, Refusal> =>
  Result.flatMap(times(command, toMillis(message.expiresAt) - toMillis(message.dueAt), rules.now), (resolved) =>
    Result.map(
      sendable(undefined, rules, {
        ...message,
        ...resolved,
        content: command.content ?? message.content,
        priority: command.priority ?? message.priority,
        metadata: command.metadata ?? message.metadata
      }),
      (wanted) => (told(wanted) === told(message) ? wanted : { ...wanted, revision: (message.revision ?? 0) + 1 })
    )
  )

/** Who had this of a message has it. A revision is what tells a receiver that there is something else to take. */
const told = ({ content, dueAt, metadata }: Message) => canonical({ content, dueAt, metadata })

/** As JSON, in bytes: a change of a message holds it twice, a changed series its template, and NATS must take them. */
const mostBytes = 262_144

/** What came in so few makes no message of more: JSON says nothing in more than six times what it was said in. */
const surelyEnough = mostBytes / 8

/** What is wrong with a settled message. */
export const problemsOfMessage = (message: Message, rules: Rules, bytes = mostBytes): ReadonlyArray<Problem> =>
  bytes > surelyEnough && Buffer.byteLength(JSON.stringify(message)) > mostBytes
    ? [{ path: "", problem: "is larger than 256 KiB in all" }]
    : rules.unsendable(message)

const sendable = (bytes: number | undefined, rules: Rules, wanted: Message): Result.Result<Message, Refusal> => {
  const message = rules.settled(wanted)
  const problems = problemsOfMessage(message, rules, bytes)
  return problems.length === 0
    ? Result.succeed(message)
    : Result.fail({ id: message.id, platform: message.platform, problems })
}

/** The fields in which a command differs from what its id already stands for. */
export const conflicts = (stored: Message, command: ScheduleCommand, wanted: Message): ReadonlyArray<string> =>
  [...new Set([...Object.keys(stored), ...Object.keys(wanted)] as ReadonlyArray<keyof Message>)].filter(
    (field) =>
      // Counted, not asked for.
      field !== "revision" &&
      // A deadline that was not asked for follows the configuration, which may have changed since.
      !(field === "expiresAt" && command.expiresAt === undefined && command.maxLatenessSeconds === undefined) &&
      canonical(stored[field]) !== canonical(wanted[field])
  )

/** The same for values that differ in the order of their keys only. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner
  )

const times = (
  command: ScheduleCommand | RescheduleCommand,
  latenessElse: number,
  now: number
): Result.Result<Pick<Message, "dueAt" | "expiresAt">, Refusal> => {
  const refuse = (...problems: ReadonlyArray<Problem>) =>
    Result.fail({
      id: command.id,
      ...("platform" in command ? { platform: command.platform } : {}),
      problems
    })
  const due = parseInstant(command.dueAt, command.timeZone)
  const expires = command.expiresAt === undefined ? undefined : parseInstant(command.expiresAt, command.timeZone)
  if (Result.isFailure(due) || (expires && Result.isFailure(expires))) return refuse(...unsaid(command, []))
  const zone = zoneProblem(command)
  if (zone) return refuse(zone)
  // No date at all, as other languages write it: the message would expire.
  if (due.success < 0) return refuse({ path: "dueAt", problem: beforeAll })
  if (expires && expires.success < 0) return refuse({ path: "expiresAt", problem: beforeAll })
  if (due.success - now > tenYears) return refuse({ path: "dueAt", problem: "is more than ten years ahead" })
  const asked = expires && askedDistance(command, expires.success - due.success)
  if (asked !== undefined && asked < 0) return refuse({ path: "expiresAt", problem: "is before dueAt" })
  const lateness = command.maxLatenessSeconds === undefined ? latenessElse : command.maxLatenessSeconds * 1_000
  return Result.succeed({
    dueAt: fromMillis(due.success),
    expiresAt: asked === undefined ? deadlineOf(due.success, lateness) : fromMillis(due.success + asked)
  })
}

/** A change of the clock may skip both local times: they come to one instant then, and the deadline is as far off as was asked. */
const askedDistance = ({ dueAt, expiresAt = "" }: ScheduleCommand | RescheduleCommand, distance: number): number =>
  distance === 0 && isLocal(dueAt) && isLocal(expiresAt) ? Math.ceil(localDistance(dueAt, expiresAt)) : distance

const beforeAll = "is before 1970"

/** A zone says nothing more of times with an offset; where it says something else, nobody knows which of the two is meant. */
export const zoneProblem = (times: { readonly [Field in TimeField]?: unknown }): Problem | undefined => {
  const { dueAt, expiresAt, timeZone } = times
  const given = Object.entries({ dueAt, expiresAt }).filter(
    (one): one is [string, string] => typeof one[1] === "string"
  )
  if (typeof timeZone !== "string" || given.length === 0) return undefined
  if (!isZone(timeZone)) return { path: "timeZone", problem: notZone }
  if (given.some(([, time]) => isLocal(time))) return undefined
  const [wrong] = given.find(([, time]) => contradicts(time, timeZone)) ?? []
  return wrong === undefined ? undefined : { path: wrong, problem: otherOffset }
}

const otherOffset = "has another offset than timeZone at that time: give a local time, or no timeZone"

type TimeField = "dueAt" | "timeZone" | "expiresAt" | "maxLatenessSeconds"

/** What the schema cannot say of times, or did not come to say because of what it found; nothing twice of a field. */
const unsaid = (json: unknown, found: ReadonlyArray<Problem>): ReadonlyArray<Problem> => {
  if (typeof json !== "object" || json === null) return []
  const { dueAt, timeZone, expiresAt, maxLatenessSeconds } = json as { readonly [Field in TimeField]?: unknown }
  const said = new Set(found.map(({ path }) => path))
  const unsaid: Array<Problem> = []
  const say = (path: string, problem: string) => {
    if (!said.has(path)) unsaid.push({ path, problem })
    said.add(path)
  }
  if (timeZone === undefined || (typeof timeZone === "string" && !said.has("timeZone"))) {
    for (const [field, time] of Object.entries({ dueAt, expiresAt })) {
      const parsed = typeof time === "string" ? parseInstant(time, timeZone) : undefined
      if (parsed && Result.isFailure(parsed))
        say(parsed.failure.field === "time" ? field : parsed.failure.field, parsed.failure.problem)
    }
  }
  const zone = zoneProblem({ dueAt, expiresAt, timeZone })
  if (zone) say(zone.path, zone.problem)
  if (expiresAt !== undefined && maxLatenessSeconds !== undefined && !said.has("expiresAt"))
    say("maxLatenessSeconds", bothDeadlines)
  return unsaid
}

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) =>
    issue._tag === "MissingKey"
      ? "is required"
      : issue._tag === "UnexpectedKey"
        ? "is not a field of this command"
        : SchemaIssue.defaultLeafHook(issue)
})

const problems = (issue: SchemaIssue.Issue): ReadonlyArray<Problem> =>
  formatIssue(issue)
    .issues.slice(0, 50)
    .map(({ path, message }) => ({
      path: (path ?? []).map(keyOf).join("."),
      problem: message
    }))

/** A mistyped field is named; a key that is no field's name at all may be anybody's data, and is not repeated. */
const keyOf = (segment: PropertyKey | { readonly key: PropertyKey }): string => {
  const place = typeof segment === "object" ? segment.key : segment
  const key = String(place)
  if (typeof place === "number") return key
  return /^[a-z][A-Za-z0-9_.-]{0,39}$/.test(key) ? key : "?"
}

const isId = Schema.is(MessageId)
const isPlatform = Schema.is(Platform)

const known = (json: unknown): { readonly id?: MessageId; readonly platform?: Platform } => {
  if (typeof json !== "object" || json === null) return {}
  const { id, platform } = json as { readonly id?: unknown; readonly platform?: unknown }
  return { ...(isId(id) ? { id } : {}), ...(isPlatform(platform) ? { platform } : {}) }
}
