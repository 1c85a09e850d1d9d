// What other systems may ask for of series: messages that come again and again. Shapes only; see SeriesSubmission.ts.
import { Schema } from "effect"
import {
  Content,
  Fallback,
  Kind,
  LatenessAsked,
  Metadata,
  OccurrenceName,
  Platform,
  Priority,
  Reason,
  Recipient,
  RetryAsked,
  RetryTiers,
  Sender,
  SeriesId,
  UnknownOutcome
} from "../fields/Fields.ts"
import { Recurrence } from "./Recurrence.ts"

const Time = Schema.String.check(Schema.isMaxLength(64))
const Zone = Schema.String.check(Schema.isBetweenLength(1, 64)).annotate({
  description: "IANA zone on whose clock it recurs, Europe/Berlin"
})
const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 }))

const optional = {
  sender: Schema.optionalKey(Sender),
  kind: Schema.optionalKey(Kind),
  priority: Schema.optionalKey(Priority),
  maxLatenessSeconds: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 31_536_000 })).annotate({
      description: "How long after its time an occurrence is still worth sending"
    })
  ),
  unknownOutcome: Schema.optionalKey(UnknownOutcome),
  retry: Schema.optionalKey(RetryTiers),
  fallback: Schema.optionalKey(Fallback),
  metadata: Schema.optionalKey(Metadata)
}

const occurrenceLateness = LatenessAsked.annotate({
  description: "How long after its time an occurrence is still worth sending"
})

/** What every occurrence is made of. */
export const Template = Schema.Struct({
  platform: Platform,
  recipient: Recipient,
  content: Content,
  ...optional
}).annotate({ identifier: "Template", description: "The message of every occurrence: holds personal data" })
export type Template = typeof Template.Type

export const templateFields = Object.keys(Template.fields) as ReadonlyArray<keyof Template>

export const ScheduleSeriesCommand = Schema.Struct({
  id: SeriesId,
  recurrence: Recurrence,
  timeZone: Zone,
  start: Schema.optionalKey(
    Time.annotate({
      description: "No occurrence before. Intervals count from it, and need it. An instant, or local in timeZone"
    })
  ),
  end: Schema.optionalKey(Time.annotate({ description: "No occurrence after. An instant, or local in timeZone" })),
  count: Schema.optionalKey(
    Count.annotate({
      description: "So many occurrences, then it ends: skipped ones count, what passes during a pause does not"
    })
  ),
  ...Template.fields,
  maxLatenessSeconds: Schema.optionalKey(occurrenceLateness),
  retry: Schema.optionalKey(RetryAsked)
}).annotate({ identifier: "ScheduleSeriesCommand", description: "Send this message again and again, at these times" })
export type ScheduleSeriesCommand = typeof ScheduleSeriesCommand.Type

export const ChangeSeriesCommand = Schema.Struct({
  id: SeriesId,
  recurrence: Schema.optionalKey(Recurrence),
  timeZone: Schema.optionalKey(Zone),
  start: Schema.optionalKey(Time),
  end: Schema.optionalKey(Schema.NullOr(Time).annotate({ description: "null takes it away" })),
  count: Schema.optionalKey(Schema.NullOr(Count).annotate({ description: "So many more; null takes the limit away" })),
  platform: Schema.optionalKey(Platform),
  recipient: Schema.optionalKey(Recipient),
  content: Schema.optionalKey(Content),
  ...optional,
  maxLatenessSeconds: Schema.optionalKey(occurrenceLateness),
  retry: Schema.optionalKey(RetryAsked),
  reason: Schema.optionalKey(Reason)
}).annotate({ identifier: "ChangeSeriesCommand", description: "From now on, what is given here instead" })
export type ChangeSeriesCommand = typeof ChangeSeriesCommand.Type

const about = { id: SeriesId, reason: Schema.optionalKey(Reason) }

export const PauseSeriesCommand = Schema.Struct(about).annotate({
  identifier: "PauseSeriesCommand",
  description: "No occurrence until it is resumed: what comes meanwhile is left out, not sent later"
})

export const ResumeSeriesCommand = Schema.Struct(about).annotate({
  identifier: "ResumeSeriesCommand",
  description: "Go on with the next occurrence"
})

export const SkipOccurrenceCommand = Schema.Struct({
  ...about,
  occurrence: Schema.optionalKey(
    OccurrenceName.annotate({ identifier: undefined, description: "Which one, by its name; the next if left out" })
  )
}).annotate({ identifier: "SkipOccurrenceCommand", description: "Leave out one occurrence" })

export const CancelSeriesCommand = Schema.Struct(about).annotate({
  identifier: "CancelSeriesCommand",
  description: "No further occurrence, ever. The address and the text are forgotten"
})

export const seriesCommands = {
  "schedule-series": ScheduleSeriesCommand,
  "change-series": ChangeSeriesCommand,
  "pause-series": PauseSeriesCommand,
  "resume-series": ResumeSeriesCommand,
  "skip-occurrence": SkipOccurrenceCommand,
  "cancel-series": CancelSeriesCommand
}
export type SeriesCommandName = keyof typeof seriesCommands
export const isSeriesCommand = (name: string): name is SeriesCommandName => Object.hasOwn(seriesCommands, name)
