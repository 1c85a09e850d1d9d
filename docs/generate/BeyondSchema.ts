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
    rule: "`cron` has five fields, `every` is a duration of days or of hours in whole seconds, `rrule` is one of RFC 5545, each at most once a minute",
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
    command: "schedule-series",
    rule: "`start` is at most ten years ahead, and a hundred years ago; of an `rrule` with `COUNT` 25,000 days from it on are looked at",
    refused: { ...series, start: "1900-01-01T00:00:00Z" }
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
  {
    rule: "`timeZone` beside times with an offset, of which none is local, fits them: `2026-12-01T09:00:00+01:00` is in Europe/Berlin, `2026-12-01T09:00:00Z` is not (it is what many a formatter makes of nine o'clock there)",
    refused: { ...schedule, dueAt: "2026-12-01T09:00:00Z", timeZone: "Europe/Berlin" }
  },
  { rule: "`dueAt` and `expiresAt` are not before 1970", refused: { ...schedule, dueAt: "0001-01-01T00:00:00Z" } },
  { rule: "`dueAt` is at most ten years ahead", refused: { ...schedule, dueAt: "2046-12-01T09:00:00Z" } },
  {
    rule: "`retry` has at most 100 tries in all, and each of its tiers begins with 0.1 seconds or more",
    refused: { ...schedule, retry: [{ attempts: 1, seconds: 0 }] }
  },
  { rule: "`expiresAt` is not before `dueAt`", refused: { ...schedule, expiresAt: "2026-12-01T08:59:59Z" } },
  {
    rule: "`recipient` has the kind of address that its `platform` has: `chatId` or `contact` on telegram, `url` on webhook; so do the fallbacks",
    refused: { ...schedule, platform: "webhook" }
  },
  {
    rule: "a `url` can be read as an address, and has no user or password in it",
    refused: { ...schedule, platform: "webhook", recipient: { url: "https://user:secret@clinic.example/" } }
  },
  {
    rule: "text has no half of a surrogate pair",
    refused: { ...schedule, content: { type: "text", text: "half an emoji: \ud83d" } }
  },
  {
    rule: "text has no more than 4096 characters once its markup is read, and 100 places with markup, unless `tooLong` or the scheduler's configuration has it split; a caption has no more than 1024 characters",
    refused: { ...schedule, content: { type: "text", text: "a".repeat(4_097) } }
  },
  {
    rule: "something of text and captions is left once their markup is read",
    refused: { ...schedule, content: { type: "text", text: "<b> </b>", format: "html" } }
  },
  {
    rule: "documents and audio in an album are only with their own kind",
    refused: {
      ...schedule,
      content: {
        type: "album",
        items: [
          { type: "photo", file: { object: "a.jpg" } },
          { type: "document", file: { object: "b.pdf" } }
        ]
      }
    }
  },
  {
    rule: "only an `object` has a `name`",
    refused: {
      ...schedule,
      content: { type: "document", file: { url: "https://clinic.example/a.pdf" }, name: "b.pdf" }
    }
  },
  {
    rule: "addresses of files and buttons have a host that others can reach",
    refused: {
      ...schedule,
      content: { type: "text", text: "hello", buttons: [[{ text: "Open", url: "https://localhost/" }]] }
    }
  },
  {
    rule: "a message, also one of a series, is no larger than 256 KiB in all",
    refused: {
      ...schedule,
      fallback: Array.from({ length: 5 }, () => ({
        platform: "webhook",
        recipient: { url: "https://clinic.example" },
        content: { type: "text", text: "\u{1f48a}".repeat(16_384) }
      }))
    }
  },
  {
    rule: "an `id` stands for one message: used again with other content it is refused, with the same it changes nothing",
    refused: { ...schedule, content: { type: "text", text: "Something else." } }
  }
]
