// The words of the contract: the fields that commands and events are made of, with their bounds.
import { Schema } from "effect"
import { Content } from "../Content.ts"
import { exactlyOne, oneOf, text } from "./Words.ts"

export { Content }

export const MessageId = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_-]{1,128}$/u, { message: "must be 1 to 128 of A-Z a-z 0-9 _ -" })
).annotate({
  identifier: "MessageId",
  description: "Chosen by the publisher; the idempotency key. 1 to 128 of A-Za-z0-9_-"
})
export type MessageId = typeof MessageId.Type

/** Shorter than a message's, so that an occurrence's message can be named after it. */
export const SeriesId = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_-]{1,96}$/u, { message: "must be 1 to 96 of A-Z a-z 0-9 _ -" })
).annotate({
  identifier: "SeriesId",
  description: "Chosen by the publisher, for one series ever. 1 to 96 of A-Za-z0-9_-"
})
export type SeriesId = typeof SeriesId.Type

/** Names one occurrence of a series, for ever. */
export const OccurrenceName = Schema.String.check(
  Schema.isPattern(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/u, { message: "must be like 2026-12-01T09:00:00" })
).annotate({
  identifier: "OccurrenceName",
  description: "As the clock in the series' zone shows it: 2026-12-01T09:00:00. Of an interval of hours in UTC"
})
export type OccurrenceName = typeof OccurrenceName.Type

/** The platforms that have a gateway. A new one is an addition here, never a change. */
export const Platform = oneOf("Platform", ["telegram", "webhook"])
export type Platform = typeof Platform.Type
export const platforms = Platform.literals

/** Which of a platform's senders (bots, numbers) sends: the name it has in the configuration of its gateway. */
export const Sender = Schema.String.check(
  Schema.isPattern(/^[a-z0-9][a-z0-9-]{0,31}$/u, { message: "must be 1 to 32 of a-z 0-9 -" })
).annotate({ identifier: "Sender", description: "A sender's name in its gateway's configuration, not its address" })
export type Sender = typeof Sender.Type
export const defaultSender: Sender = "default"

/** What a message is for, as its publisher calls it: chooses a default for its lateness, and groups figures. */
export const Kind = Schema.String.check(
  Schema.isPattern(/^[a-z0-9][a-z0-9_-]{0,31}$/u, { message: "must be 1 to 32 of a-z 0-9 _ -" })
).annotate({ identifier: "Kind", description: "What the message is for, for example medication: no personal data" })
export type Kind = typeof Kind.Type

/** Waits before further tries: so many, the first of a tier up to so many seconds, each next one up to twice as long. */
export const RetryTiers = Schema.Array(
  Schema.Struct({
    attempts: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })),
    seconds: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 86_400 }))
  })
)
  .check(Schema.isMaxLength(5))
  .annotate({ identifier: "RetryTiers", description: "Quick tries first, then slower ones; an empty list is no retry" })
export type RetryTiers = typeof RetryTiers.Type

const mostTries = 100

/** As it may be asked for: of what was stored before, more was taken. */
export const RetryAsked = RetryTiers.check(
  Schema.makeFilter((tiers: RetryTiers) => {
    if (tiers.some(({ attempts, seconds }) => attempts > 0 && seconds < 0.1))
      return "must begin each tier with a tenth of a second or more"
    return tiers.reduce((sum, { attempts }) => sum + attempts, 0) <= mostTries || `must have at most ${mostTries} tries`
  })
).annotate({ identifier: "RetryTiers", description: "Quick tries first, then slower ones; an empty list is no retry" })

export const Priority = oneOf("Priority", ["urgent", "normal", "bulk"])
export type Priority = typeof Priority.Type
export const priorities = Priority.literals

export const CircuitState = oneOf("CircuitState", ["closed", "open", "half-open"])
export type CircuitState = typeof CircuitState.Type

export const UnknownOutcome = oneOf(
  "UnknownOutcome",
  ["resend", "hold"],
  "What to do when a send's answer never came: `resend` (at least once, recorded as a possible duplicate) or `hold` (at most once, status unknown)"
)
export type UnknownOutcome = typeof UnknownOutcome.Type

export const ResolvedAs = oneOf(
  "ResolvedAs",
  ["sent", "failed", "resend"],
  "`sent`: it arrived; `failed`: it did not, and is kept as a dead letter; `resend`: send it again, as a possible duplicate"
)
export type ResolvedAs = typeof ResolvedAs.Type

/** A person as a publisher knows them, in words that say nothing to others. What address it stands for is linked by the person. */
export const ContactId = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_-]{1,64}$/u, { message: "must be 1 to 64 of A-Z a-z 0-9 _ -" })
).annotate({
  identifier: "ContactId",
  description: "Chosen by the publisher, opaque: no name, no number, no personal data. 1 to 64 of A-Za-z0-9_-"
})
export type ContactId = typeof ContactId.Type

/** The kinds of address that platforms know; which one a platform takes is said in shared/platforms. */
export const Recipient = Schema.Struct({
  chatId: Schema.optionalKey(
    Schema.String.check(
      Schema.isPattern(/^(-?[0-9]{1,20}|@[A-Za-z0-9_]{1,64})$/u, {
        message: "must be a string: a Telegram chat id (digits, groups with a leading -) or @channelname"
      })
    )
  ),
  url: Schema.optionalKey(
    Schema.String.check(
      Schema.isPattern(/^https?:\/\/[!-~]{1,2000}$/u, { message: "must be an address with https:// or http://" })
    )
  ),
  contact: Schema.optionalKey(
    ContactId.annotate({ identifier: undefined, description: "Who has linked a chat, by the publisher's own id" })
  )
})
  .check(exactlyOne(["chatId", "url", "contact"]))
  .annotate({ identifier: "Recipient", description: "Where the message goes: personal data" })
export type Recipient = typeof Recipient.Type

/** The address itself, whichever kind it is: personal data. A contact is none until its gateway has looked it up. */
export const addressOf = ({ chatId, url, contact }: Recipient): string => chatId ?? url ?? contact ?? ""

/** A further way to the same person, tried when the one before is given up for good. */
export const Channel = Schema.Struct({
  platform: Platform,
  sender: Schema.optionalKey(Sender),
  recipient: Recipient,
  content: Schema.optionalKey(Content)
}).annotate({ identifier: "Channel", description: "Without content of its own it carries the message's" })
export type Channel = typeof Channel.Type
export const Fallback = Schema.Array(Channel).check(Schema.isMaxLength(5))

const metadataKey = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_.-]{1,64}$/u))

export const Metadata = Schema.Record(Schema.String, text(0, 512))
  .check(Schema.isMaxProperties(32), Schema.isPropertyNames(metadataKey))
  .annotate({
    identifier: "Metadata",
    description: "The publisher's own labels, carried along and never interpreted: no personal data. At most 32"
  })
export type Metadata = typeof Metadata.Type

/**
 * How late what is asked for may be, in seconds. Not 0: its send would have to begin in the very millisecond. What was
 * asked for before that was refused may still say so.
 */
export const LatenessAsked = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 31_536_000 }))

/** A free remark of an operator or publisher. Not for personal data: it is kept with the record of delivery. */
export const Reason = text(1, 512)

/** An instant as the system writes it: UTC, milliseconds, for example 2026-12-01T09:00:00.000Z. */
export const Instant = Schema.String.check(
  Schema.isPattern(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u, {
    message: "must be an instant in UTC with milliseconds"
  })
).annotate({ identifier: "Instant", format: "date-time" })
export type Instant = typeof Instant.Type

/** Why an attempt or a message failed; design.md, error categories. */
export const ErrorCategory = oneOf("ErrorCategory", [
  "throttled",
  "transient",
  "recipient",
  "content",
  "sender",
  "unknown"
])
export type ErrorCategory = typeof ErrorCategory.Type
export const errorCategories = ErrorCategory.literals

/** What the watchdog may find: of the first five the work is asked for again, the others are only told. */
export const WatchdogRule = oneOf(
  "WatchdogRule",
  ["past-due", "no-timer", "not-sent", "no-outcome", "undecided", "no-gateway", "no-intent", "timer-left", "no-row"],
  "`past-due`: due, and nothing happened; `no-timer`: waits, and no timer stands for it; `not-sent`: on its way, and no gateway has it; `no-outcome`: a send was begun, and has no end; `undecided`: an attempt failed, and nobody decided what follows; `no-gateway`: on its way to a sender that no gateway serves; `no-intent`: sent, and no intent was recorded; `timer-left`: it has ended, and a timer stands for it; `no-row`: a timer stands for a message without a row in the ledger"
)
export type WatchdogRule = typeof WatchdogRule.Type
export const watchdogRules = WatchdogRule.literals

/** One thing wrong with a command: where, and what. Never the value itself. */
export const Problem = Schema.Struct({
  path: Schema.String.annotate({ description: "The field, for example recipient.chatId; empty for the whole command" }),
  problem: Schema.String
}).annotate({ identifier: "Problem" })
export type Problem = typeof Problem.Type
