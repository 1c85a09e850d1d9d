// The outbox refuses in the application's transaction what the scheduler would refuse for its form, and nothing else: each
// value of a command is put wrong in every way that comes to mind, and both are asked.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { decodeCommand, type Rules, toMessage } from "#shared/contract/Submission.ts"
import { unsendable } from "#shared/platforms/Platforms.ts"
import { testDatabase } from "../support/servers/TestDatabase.ts"
import { outboxSql } from "./World.ts"

type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

const dueAt = "2030-01-01T09:00:00Z"
const button = { text: "Yes", reply: "y" }
const shown = {
  silent: true,
  protect: false,
  topic: 3,
  replyTo: "12",
  buttons: [[button, { text: "Map", url: "https://e.org" }]]
}
const file = { file: { object: "plan.pdf" }, name: "Plan.pdf", caption: "Your plan", format: "html" }
const text = { type: "text", text: "Hello", format: "plain", tooLong: "split", linkPreview: false }
const options = {
  sender: "clinic",
  kind: "visit",
  priority: "urgent",
  unknownOutcome: "hold",
  metadata: { ward: "7" },
  retry: [{ attempts: 2, seconds: 30 }]
}
const chat = { chatId: "4711" }

const scheduled: ReadonlyArray<{ readonly [key: string]: Json }> = [
  {
    recipient: chat,
    content: { ...text, ...shown },
    options: { ...options, maxLatenessSeconds: 60 },
    platform: "telegram"
  },
  {
    recipient: { contact: "p-7" },
    content: text,
    options: { expiresAt: "2030-01-01T10:00:00Z" },
    platform: "telegram"
  },
  {
    recipient: { url: "https://example.org" },
    content: { type: "location", latitude: 52.5, longitude: 13.4, ...shown },
    options: { fallback: [{ platform: "telegram", sender: "clinic", recipient: chat, content: text }] },
    platform: "webhook"
  },
  { recipient: chat, content: { type: "document", ...file, ...shown }, options: {}, platform: "telegram" },
  {
    recipient: chat,
    content: {
      type: "album",
      items: [
        { type: "photo", file: { url: "https://e.org/1" } },
        { type: "video", ...file }
      ],
      silent: true
    },
    options: {},
    platform: "telegram"
  }
]

const wrong: ReadonlyArray<Json> = [
  ...[
    null,
    true,
    0,
    1,
    -1,
    0.5,
    1e9,
    200,
    {},
    [],
    ["plain"],
    { x: 1 },
    "",
    " ",
    "\u00a0",
    "x",
    "7 a",
    "Ä",
    "1 h",
    "60"
  ],
  ...["x".repeat(600), "x".repeat(40_000), "2030-02-30T00:00:00Z", "2030-01-01T10:00:00", "2029-01-01T00:00:00Z"],
  ...[
    "1969-01-01T00:00:00Z",
    "2030-01-01T10:00:00+02:00",
    "http://e.org",
    "https://e.org",
    "123",
    "@channel",
    "a\nb",
    "text"
  ]
]

/** The value with each of its parts replaced, left out, or beside a field that there is not. */
const mutants = (value: Json): ReadonlyArray<Json> => {
  if (Array.isArray(value))
    return [
      ...wrong,
      [...value, ...value, ...value, ...value, ...value, ...value],
      ...within(
        value.map((_, at) => at),
        value
      )
    ]
  if (value === null || typeof value !== "object") return wrong
  const object = value as { readonly [key: string]: Json }
  const without = Object.keys(object).map((key) =>
    Object.fromEntries(Object.entries(object).filter(([one]) => one !== key))
  )
  return [
    ...wrong,
    ...without,
    { ...object, unheardOf: "x" },
    { ...object, "not a key": "x" },
    ...within(Object.keys(object), object)
  ]
}

const within = (keys: ReadonlyArray<string | number>, value: Json): ReadonlyArray<Json> =>
  keys.flatMap((key) =>
    mutants((value as { readonly [key: string]: Json })[key] as Json).map((inner) =>
      Array.isArray(value) ? value.with(Number(key), inner) : { ...(value as object), [key]: inner }
    )
  ) as ReadonlyArray<Json>

const rules: Rules = {
  now: Date.now(),
  maxLateness: () => 3_600_000,
  settled: (message) => message,
  // Of a content that a platform would not take, only the scheduler knows.
  unsendable: (message) => unsendable(message).filter(({ path }) => path.includes("recipient"))
}

const asked = `
  CREATE FUNCTION answer(command text, given jsonb) RETURNS text LANGUAGE plpgsql AS $$
  BEGIN
    CASE command
      WHEN 'schedule' THEN PERFORM carillon.schedule_message(
        'a', given -> 'recipient', given -> 'content', '${dueAt}', given -> 'options', given ->> 'platform');
      WHEN 'reschedule' THEN PERFORM carillon.reschedule_message('a', '${dueAt}', given -> 'options');
    END CASE;
    RETURN 'accepted';
  EXCEPTION WHEN invalid_parameter_value THEN RETURN SQLERRM;
  END $$`

const compare = Effect.fnUntraced(function* (
  command: "schedule" | "reschedule",
  given: ReadonlyArray<Json>,
  taken: (given: { readonly [key: string]: Json }) => boolean
) {
  const database = yield* testDatabase
  yield* database.query(outboxSql)
  yield* database.query(asked)
  const rows = yield* database.query(
    "SELECT answer($1, given) AS answer FROM jsonb_array_elements($2) WITH ORDINALITY AS g(given, place) ORDER BY place",
    [command, JSON.stringify(given)]
  )
  const differ = given.flatMap((one, at) => {
    const answer = String(rows[at]?.answer)
    const accepted = answer === "accepted"
    if (accepted !== taken(one as { readonly [key: string]: Json }))
      return [{ answer, one: JSON.stringify(one).slice(0, 600) }]
    return accepted || answer.startsWith("carillon: ") ? [] : [{ answer, one: "names nothing" }]
  })
  assert.deepStrictEqual(differ.slice(0, 20), [], `${differ.length} of ${given.length}`)
})

describe("the outbox and the scheduler agree", () => {
  it.live("on what can be scheduled", () =>
    compare(
      "schedule",
      scheduled.flatMap((one) => [one, ...within(["recipient", "content", "options"], one)]),
      ({ recipient, content, options, platform }) => {
        if (typeof options !== "object" || options === null || Array.isArray(options)) return false
        const command = { id: "a", dueAt, recipient, content, platform, ...options }
        return Result.isSuccess(Result.flatMap(decodeCommand("schedule", command), (read) => toMessage(read, rules)))
      }
    )
  )

  it.live("on what a message can be changed to", () =>
    compare(
      "reschedule",
      within(["options"], {
        options: { maxLatenessSeconds: 60, content: text, priority: "bulk", metadata: { ward: "7" }, reason: "moved" }
      }),
      ({ options }) => {
        if (typeof options !== "object" || options === null || Array.isArray(options)) return false
        return Result.isSuccess(decodeCommand("reschedule", { id: "a", dueAt, ...options }))
      }
    )
  )
})
