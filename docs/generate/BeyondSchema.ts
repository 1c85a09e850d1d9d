// The rules for commands that JSON Schema cannot say: each with a command that passes the schema and is refused.
import { commandExamples } from "./Examples.ts"

const { schedule } = commandExamples

/** All are schedule commands. */
export const beyondSchema: ReadonlyArray<{ readonly rule: string; readonly refused: object }> = [
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
    rule: "`recipient` has the kind of address that its `platform` has: `chatId` or `contact` on telegram, `url` on webhook; so do the fallbacks",
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
