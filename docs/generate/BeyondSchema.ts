// The rules for commands that JSON Schema cannot say: each with a command that passes the schema and is refused.
import type { CommandName } from "#shared/contract/Commands.ts"
import { commandExamples } from "./Examples.ts"

const { schedule, "schedule-series": series } = commandExamples

/** Schedule commands, where none is named. */
export const beyondSchema: ReadonlyArray<{
  readonly rule: string
  readonly command?: CommandName
  readonly refused: object
}> = [
  {
    command: "schedule-series",
    rule: "`cron` has five fields, `every` is a duration of days or of hours, `rrule` is one of RFC 5545, each at most once a minute",
    refused: { ...series, recurrence: { rrule: "FREQ=DAILY;BYHUOR=9" } }
  },
  {
    command: "schedule-series",
    rule: "`start` is required with `every`, and with an `rrule` without `BYHOUR` and `BYMINUTE`",
    refused: { ...series, recurrence: { every: "P1D" } }
  },
  {
    command: "schedule-series",
    rule: "a series has an occurrence from now on, and an `end` that is not before its `start`",
    refused: { ...series, recurrence: { cron: "0 9 31 2 *" } }
  },
  {
    command: "schedule-series",
    rule: "`timeZone` of a series is a zone of the IANA database; `start` and `end` are times like `dueAt`, local ones in that zone",
    refused: { ...series, start: "soon" }
  },
  {
    rule: "`dueAt` and `expiresAt` look like `2026-12-01T09:00:00Z`, or like `2026-12-01T09:00:00` with `timeZone`",
    refused: { ...schedule, dueAt: "tomorrow at nine" }
  },
  { rule: "they are real dates and times", refused: { ...schedule, dueAt: "2026-02-30T09:00:00Z" } },
  { rule: "a local time comes with `timeZone`", refused: { ...schedule, dueAt: "2026-12-01T09:00:00" } },
  {
    rule: "`timeZone` is a zone of the IANA database",
    refused: { ...schedule, dueAt: "2026-12-01T09:00:00", timeZone: "Europe/Atlantis" }
  },
  { rule: "`dueAt` is at most ten years ahead", refused: { ...schedule, dueAt: "2046-12-01T09:00:00Z" } },
  { rule: "`expiresAt` is not before `dueAt`", refused: { ...schedule, expiresAt: "2026-12-01T08:59:59Z" } },
  {
    rule: "`recipient` has the kind of address that its `platform` has: `chatId` on telegram, `url` on webhook; so do the fallbacks",
    refused: { ...schedule, platform: "webhook" }
  },
  {
    rule: "text has no half of a surrogate pair",
    refused: { ...schedule, content: { type: "text", text: "half an emoji: \ud83d" } }
  },
  {
    rule: "an `id` stands for one message: used again with other content it is refused, with the same it changes nothing",
    refused: { ...schedule, content: { type: "text", text: "Something else." } }
  }
]
