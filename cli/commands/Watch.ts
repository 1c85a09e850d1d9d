// carillon watch: events as they happen.
import { Console, Effect, Option, Result } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { decodeWith } from "#shared/actor/Decode.ts"
import {
  attemptOf,
  type Event,
  Event as EventSchema,
  eventTypes,
  messageId,
  platform
} from "#shared/contract/Events.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { jsonFlag } from "../input/Flags.ts"
import { offset, json as printJson } from "../output/Print.ts"

const flags = {
  id: Argument.String("id").pipe(Argument.withDescription("Only this message"), Argument.optional),
  platform: Flag.String("platform").pipe(Flag.withDescription("Only on this platform"), Flag.optional),
  type: Flag.Literals("type", eventTypes).pipe(Flag.withDescription("Only events of this type"), Flag.optional),
  json: jsonFlag
}

/** What there is to say beside id and type; never text or address. */
const detail = (event: Event): string => {
  switch (event.type) {
    case "scheduled":
      return `for ${event.message.dueAt}`
    case "sent":
      return `${offset(event.dueAt, event.sentAt)} from due${event.possibleDuplicate ? ", possibly a second time" : ""}`
    case "attempt-failed":
    case "failed":
      return `${event.category}: ${event.reason}`
    case "retry-scheduled":
      return `for ${event.sendAt}, after ${event.category}: ${event.reason}`
    case "overdue":
      return `${event.rule}, since ${event.since}`
    case "rejected":
      return event.problems.map(({ path, problem }) => `${path} ${problem}`).join("; ")
    case "recipient-linked":
    case "recipient-unlinked":
      return event.contact
    case "series-changed":
      return `series ${event.series} ${event.change} ${event.occurrence ?? ""}`.trim()
    case "occurrences-missed":
      return `series ${event.series}: ${event.count} from ${event.from} to ${event.to}`
    default:
      return "contacts" in event ? event.contacts.join(", ") : ""
  }
}

const decode = decodeWith(EventSchema)
const matches = <A>(wanted: Option.Option<A>, found: A | undefined) => Option.isNone(wanted) || wanted.value === found

export const watchCommand = Command.make(
  "watch",
  flags,
  Effect.fnUntraced(function* (wanted) {
    const log = yield* EventLog
    const { last } = yield* log.extent
    const { take } = yield* log.from(last + 1)
    if (!wanted.json) yield* Console.error("watching; Ctrl-C ends")
    while (true) {
      const [message] = yield* take(1)
      const decoded = decode(message.string())
      if (Result.isFailure(decoded)) continue
      const event = decoded.success
      const id = messageId(event)
      if (!matches(wanted.id, id) || !matches(wanted.platform, platform(event)) || !matches(wanted.type, event.type))
        continue
      const { at, type } = event
      yield* wanted.json
        ? printJson({ at, type, id, platform: platform(event), attempt: attemptOf(event), detail: detail(event) })
        : Console.log(`${at}  ${type.padEnd(15)}  ${id ?? "-"}  ${attemptOf(event) ?? ""}  ${detail(event)}`.trimEnd())
    }
  }, Effect.scoped)
).pipe(
  Command.withDescription("Follow events live, without text and addresses"),
  Command.withExamples([{ command: "carillon watch --type failed --json", description: "Failures, for a program" }])
)
