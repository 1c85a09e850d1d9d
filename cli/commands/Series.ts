// carillon series: messages that come again and again, and what is asked of them.
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { Reply } from "#shared/contract/Replies.ts"
import type { SeriesCommandName } from "#shared/contract/series/SeriesCommands.ts"
import { contentFlags, contentOf, saysContent } from "../input/ContentFlags.ts"
import { given, jsonFlag, optional, reasonFlag } from "../input/Flags.ts"
import { recipientFlags, recipientOf } from "../input/Recipient.ts"
import { lateness } from "../input/When.ts"
import { Refused } from "../output/Exit.ts"
import { span } from "../output/Print.ts"
import { submit } from "../Submit.ts"
import { listSeries, seriesId, showSeries } from "./SeriesShow.ts"

const recurrence = {
  cron: optional("cron", 'minute hour day month weekday, on the local clock: "0 9 * * MON-FRI"'),
  every: optional("every", "A duration from --start on: PT8H elapsed; P1D, P1M on the calendar"),
  rrule: optional("rrule", 'A rule of RFC 5545: "FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=9;BYMINUTE=0"')
}

const message = {
  sender: optional("sender", "Which of the platform's senders, by its name"),
  kind: optional("kind", "What it is for, for example medication"),
  ...contentFlags,
  priority: optional("priority", "urgent, normal or bulk"),
  maxLateness: optional("max-lateness", "How long after its time an occurrence is still worth sending: 30s, 15m, 2h"),
  unknownOutcome: optional("unknown-outcome", "resend or hold, when nobody knows whether a send arrived"),
  meta: Flag.KeyValuePair("meta").pipe(
    Flag.withDescription("A label of your own, key=value; repeatable"),
    Flag.optional
  )
}

interface Asked {
  readonly sender: Option.Option<string>
  readonly kind: Option.Option<string>
  readonly priority: Option.Option<string>
  readonly unknownOutcome: Option.Option<string>
  readonly maxLateness: Option.Option<string>
  readonly meta: Option.Option<Record<string, string>>
}

/** The fields of the message that were given, but for its content. */
const fields = Effect.fnUntraced(function* ({ kind, maxLateness, meta, priority, sender, unknownOutcome }: Asked) {
  return {
    ...given({ sender, kind, priority, unknownOutcome, metadata: meta }),
    ...(yield* lateness(maxLateness))
  }
})

const ways = ({ cron, every, rrule }: { readonly [Name in keyof typeof recurrence]: Option.Option<string> }) =>
  given({ cron, every, rrule })

const told = (id: string, what: string, reply: Exclude<Reply, { readonly status: "rejected" }>) => {
  if (reply.status !== "series") return reply.status
  const { duplicate, next, series, submitted } = reply
  const wait = next ? span(Date.parse(next.dueAt) - Date.now()) : ""
  return [
    `${id}: ${duplicate ? "was so before" : what}${series === "active" || duplicate ? "" : `, ${series}`}`,
    ...(next
      ? [`next ${next.occurrence}, at ${next.dueAt} (in ${wait})${series === "paused" ? ", if resumed by then" : ""}`]
      : []),
    ...(submitted
      ? [`due ${submitted.dueAt} and submitted already, to be cancelled by itself: carillon cancel ${submitted.id}`]
      : [])
  ].join("\n")
}

const schedule = Command.make(
  "schedule",
  {
    id: seriesId,
    ...recurrence,
    timeZone: Flag.String("time-zone").pipe(Flag.withDescription("IANA zone on whose clock it recurs, Europe/Berlin")),
    start: optional("start", "None before; intervals count from it. An instant, or local in --time-zone"),
    end: optional("end", "None after. An instant, or local in --time-zone"),
    count: Flag.Int("count").pipe(Flag.withDescription("So many, then it ends"), Flag.optional),
    platform: Flag.String("platform").pipe(Flag.withDescription("Default: telegram"), Flag.withDefault("telegram")),
    ...recipientFlags,
    ...message,
    json: jsonFlag
  },
  Effect.fnUntraced(function* (flags) {
    const { count, end, id, platform, start, timeZone } = flags
    const command = {
      ...{ id, recurrence: ways(flags), timeZone, platform },
      ...given({ start, end, count }),
      recipient: yield* recipientOf(platform, flags),
      content: yield* contentOf(flags),
      ...(yield* fields(flags))
    }
    yield* submit("schedule-series", command, flags.json, (reply) => told(id, "scheduled", reply))
  })
).pipe(
  Command.withDescription("Send a message again and again"),
  Command.withExamples([
    {
      command:
        'carillon series schedule medicine-4711 --cron "0 9 * * *" --time-zone Europe/Berlin --to 123456789 --text "Your medicine"',
      description: "Every day at nine in Berlin"
    },
    {
      command:
        'carillon series schedule drops-4711 --every PT8H --start 2026-12-01T06:00 --count 21 --time-zone Europe/Berlin --to 123456789 --text "Eye drops"',
      description: "Every eight hours, for a week"
    }
  ])
)

const noneOr = (name: string, description: string) => optional(name, `${description}; none takes it away`)

const change = Command.make(
  "change",
  {
    id: seriesId,
    ...recurrence,
    timeZone: optional("time-zone", "IANA zone on whose clock it recurs"),
    start: optional("start", "None before; intervals count from it"),
    end: noneOr("end", "None after"),
    count: noneOr("count", "So many more"),
    platform: optional("platform", "Needs --to as well"),
    ...recipientFlags,
    ...message,
    reason: reasonFlag,
    json: jsonFlag
  },
  Effect.fnUntraced(function* (flags) {
    const { count, end, id, platform, reason, start, timeZone } = flags
    const moves = Option.isSome(flags.to) || Option.isSome(flags.contact)
    if (Option.isSome(platform) && !moves)
      return yield* new Refused({ message: "give --to as well: an address on the new platform" })
    if (Option.isSome(count) && !/^(none|\d{1,9})$/.test(count.value))
      return yield* new Refused({ message: "--count must be a number, or none" })
    const when = ways(flags)
    const address = Option.getOrElse(flags.to, () => "")
    const onPlatform = Option.getOrElse(platform, () => (/^https?:/.test(address) ? "webhook" : "telegram"))
    const command = {
      id,
      ...(Object.keys(when).length === 0 ? {} : { recurrence: when }),
      ...given({ timeZone, start, platform, reason }),
      ...(Option.isSome(end) ? { end: end.value === "none" ? null : end.value } : {}),
      ...(Option.isSome(count) ? { count: count.value === "none" ? null : Number(count.value) } : {}),
      ...(moves ? { recipient: yield* recipientOf(onPlatform, flags) } : {}),
      ...(saysContent(flags) ? { content: yield* contentOf(flags) } : {}),
      ...(yield* fields(flags))
    }
    yield* submit("change-series", command, flags.json, (reply) => told(id, "changed from now on", reply))
  })
).pipe(
  Command.withDescription("Change a series from now on: what is given, and nothing else"),
  Command.withExamples([
    { command: 'carillon series change medicine-4711 --cron "0 8,20 * * *"', description: "Twice a day" },
    { command: "carillon series change medicine-4711 --count 10", description: "Ten more, then it ends" }
  ])
)

const order = (name: string, command: SeriesCommandName, what: string, description: string) =>
  Command.make(name, { id: seriesId, reason: reasonFlag, json: jsonFlag }, ({ id, json, reason }) =>
    submit(command, { id, ...given({ reason }) }, json, (reply) => told(id, what, reply))
  ).pipe(Command.withDescription(description))

const skip = Command.make(
  "skip",
  {
    id: seriesId,
    occurrence: Argument.String("occurrence").pipe(
      Argument.withDescription("Its name, as `series show` has it; the next if left out"),
      Argument.optional
    ),
    reason: reasonFlag,
    json: jsonFlag
  },
  ({ id, json, occurrence, reason }) =>
    submit("skip-occurrence", { id, ...given({ occurrence, reason }) }, json, (reply) => told(id, "skipped", reply))
).pipe(
  Command.withDescription("Leave out one occurrence"),
  Command.withExamples([
    { command: "carillon series skip medicine-4711 2026-12-24T09:00:00", description: "Not on Christmas Eve" }
  ])
)

export const seriesCommand = Command.make("series").pipe(
  Command.withDescription("Messages that come again and again"),
  Command.withSubcommands([
    schedule,
    listSeries,
    showSeries,
    order(
      "pause",
      "pause-series",
      "paused",
      "No occurrence until it is resumed; what passes meanwhile is not sent later"
    ),
    order("resume", "resume-series", "resumed", "Go on with the next occurrence"),
    skip,
    change,
    order("cancel", "cancel-series", "cancelled", "No further occurrence, ever; the address and the text are forgotten")
  ])
)
