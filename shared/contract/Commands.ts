// What other systems may ask for: schedule, cancel, reschedule. Shapes only; the rules that need a clock are in Submission.ts.
import { Schema } from "effect"
import {
  ContactId,
  Content,
  Fallback,
  Kind,
  LatenessAsked,
  MessageId,
  Metadata,
  Platform,
  Priority,
  Reason,
  Recipient,
  ResolvedAs,
  RetryAsked,
  Sender,
  UnknownOutcome
} from "./fields/Fields.ts"
import { seriesCommands } from "./series/SeriesCommands.ts"

const Time = Schema.String.check(Schema.isMaxLength(64)).annotate({
  description: "RFC 3339 instant, or a local date-time together with timeZone",
  examples: ["2026-12-01T09:00:00Z"]
})

const timing = {
  timeZone: Schema.optionalKey(
    Schema.String.check(Schema.isBetweenLength(1, 64)).annotate({
      description: "IANA zone of a local dueAt or expiresAt. Beside instants only if their offset is the zone's"
    })
  ),
  expiresAt: Schema.optionalKey(Time.annotate({ description: "Until when the message is still worth sending" })),
  maxLatenessSeconds: Schema.optionalKey(
    LatenessAsked.annotate({ description: "The same, as seconds after dueAt: 1 to 31,536,000" })
  )
}

export const bothDeadlines = "give expiresAt or maxLatenessSeconds, not both"

const once = Schema.makeFilter<{ readonly expiresAt?: string; readonly maxLatenessSeconds?: number }>(
  (command) =>
    command.expiresAt === undefined || command.maxLatenessSeconds === undefined
      ? undefined
      : { path: ["maxLatenessSeconds"], issue: bothDeadlines },
  { toJsonSchema: () => ({ not: { required: ["expiresAt", "maxLatenessSeconds"] } }) }
)

export const ScheduleCommand = Schema.Struct({
  id: MessageId,
  platform: Platform,
  sender: Schema.optionalKey(Sender),
  recipient: Recipient,
  content: Content,
  dueAt: Time,
  ...timing,
  kind: Schema.optionalKey(Kind),
  priority: Schema.optionalKey(Priority),
  unknownOutcome: Schema.optionalKey(UnknownOutcome),
  retry: Schema.optionalKey(RetryAsked),
  fallback: Schema.optionalKey(Fallback),
  metadata: Schema.optionalKey(Metadata)
})
  .check(once)
  .annotate({ identifier: "ScheduleCommand", description: "Send this message at that time" })
export type ScheduleCommand = typeof ScheduleCommand.Type

export const CancelCommand = Schema.Struct({ id: MessageId, reason: Schema.optionalKey(Reason) }).annotate({
  identifier: "CancelCommand",
  description:
    "Do not send the message, unless its timer has fired already. One that was given up since cannot be redriven then"
})
export type CancelCommand = typeof CancelCommand.Type

export const RescheduleCommand = Schema.Struct({
  id: MessageId,
  dueAt: Time,
  ...timing,
  content: Schema.optionalKey(Content),
  priority: Schema.optionalKey(Priority),
  metadata: Schema.optionalKey(Metadata),
  reason: Schema.optionalKey(Reason)
})
  .check(once)
  .annotate({
    identifier: "RescheduleCommand",
    description:
      "Send the waiting message at another time, changed if asked; else all stays as it was, also how late it may be"
  })
export type RescheduleCommand = typeof RescheduleCommand.Type

const aboutSenders = {
  platform: Platform,
  sender: Schema.optionalKey(Sender.annotate({ identifier: undefined, description: "All senders if left out" })),
  reason: Schema.optionalKey(Reason)
}

export const PauseCommand = Schema.Struct(aboutSenders).annotate({
  identifier: "PauseCommand",
  description: "Hold everything of a platform or sender: messages wait and lose no attempt"
})

export const ResumeCommand = Schema.Struct({
  ...aboutSenders,
  perSecond: Schema.optionalKey(
    Schema.Finite.check(Schema.isBetween({ minimum: 0.01, maximum: 10_000 })).annotate({
      description: "At most so many sends a second, until resumed without it"
    })
  )
}).annotate({ identifier: "ResumeCommand", description: "Send again what was held" })

export const DropCommand = Schema.Struct({
  ...aboutSenders,
  laterThanSeconds: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 31_536_000 })).annotate({
    description: "What was due longer ago than this and still waits"
  })
}).annotate({ identifier: "DropCommand", description: "Expire what waits at a gateway and is too late to be wanted" })

export const RedriveCommand = Schema.Struct({
  id: MessageId,
  dueAt: Schema.optionalKey(Time.annotate({ description: "Now if left out; at most ten years ahead" })),
  timeZone: timing.timeZone,
  reason: Schema.optionalKey(Reason)
}).annotate({
  identifier: "RedriveCommand",
  description: "Send a dead letter after all, with fresh attempts and its deadline counted anew"
})
export type RedriveCommand = typeof RedriveCommand.Type

export const DiscardCommand = Schema.Struct({ id: MessageId, reason: Schema.optionalKey(Reason) }).annotate({
  identifier: "DiscardCommand",
  description: "Forget a dead letter; its record of delivery stays"
})

export const ResolveCommand = Schema.Struct({
  id: MessageId,
  as: ResolvedAs,
  reason: Schema.optionalKey(Reason)
}).annotate({ identifier: "ResolveCommand", description: "Decide a message whose outcome nobody knows" })

export const RearmCommand = Schema.Struct({
  id: MessageId,
  kept: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Unknown).annotate({
      description:
        "The attempt (see event.dispatched) to go by if the log no longer holds the message, as the ledger kept it: personal data"
    })
  ),
  reason: Schema.optionalKey(Reason)
}).annotate({
  identifier: "RearmCommand",
  description:
    "Take up again a message that was lost on its way; changes nothing of one that waits, is under way, or ended"
})
export type RearmCommand = typeof RearmCommand.Type

export const shortestLink = 1
export const longestLink = 90 * 86_400

export const CreateLinkCommand = Schema.Struct({
  contact: ContactId,
  platform: Platform,
  sender: Schema.optionalKey(Sender),
  expiresInSeconds: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: shortestLink, maximum: longestLink })).annotate({
      description: "How long the link may be used: 7 days if left out, at most 90"
    })
  )
}).annotate({
  identifier: "CreateLinkCommand",
  description: "A link by which a person becomes this contact. As a request only: the answer alone has the token"
})
export type CreateLinkCommand = typeof CreateLinkCommand.Type

export const RemoveLinkCommand = Schema.Struct({
  contact: ContactId,
  platform: Platform,
  sender: Schema.optionalKey(Sender),
  reason: Schema.optionalKey(Reason)
}).annotate({
  identifier: "RemoveLinkCommand",
  description: "Forget which chat a contact has linked, and end its links that were not opened"
})

export const commands = {
  schedule: ScheduleCommand,
  cancel: CancelCommand,
  reschedule: RescheduleCommand,
  pause: PauseCommand,
  resume: ResumeCommand,
  drop: DropCommand,
  redrive: RedriveCommand,
  discard: DiscardCommand,
  resolve: ResolveCommand,
  rearm: RearmCommand,
  "create-link": CreateLinkCommand,
  "remove-link": RemoveLinkCommand,
  ...seriesCommands
}
export type CommandName = keyof typeof commands
export const commandNames = Object.keys(commands) as ReadonlyArray<CommandName>
