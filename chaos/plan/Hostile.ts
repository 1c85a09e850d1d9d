// Commands that no publisher in its right mind sends: each is refused aloud, or harmless. Drawn by nobody: every run has
// all of them.
import { commandNames } from "#shared/contract/Commands.ts"

export interface Hostile {
  readonly subject: string
  readonly payload: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  /**
   * `refused`: stored as a command, and a rejection names it. `by NATS`: it never becomes a command.
   * `harmless`: either, or carried out as any other; then it ends as any other.
   */
  readonly expected: "refused" | "by NATS" | "harmless"
  /** It wants the id of this message, which is accepted first: of two commands that wait the later one may be. */
  readonly victim?: string
}

/** What NATS takes at most, by default. */
const maxPayload = 1_048_576

const schedule = "carillon.command.schedule"
const refused = (payload: string | Uint8Array, headers?: Hostile["headers"], subject = schedule): Hostile => ({
  subject,
  payload,
  expected: "refused",
  ...(headers && { headers })
})
const json = (value: unknown, headers?: Hostile["headers"], subject = schedule) =>
  refused(JSON.stringify(value), headers, subject)

const malformed: ReadonlyArray<Hostile> = [
  refused(""),
  refused("{"),
  refused("null"),
  refused("[".repeat(5_000)),
  refused("[".repeat(500_000)),
  refused(`{"id":"${"x".repeat(100_000)}"}`),
  refused("x".repeat(maxPayload - 1_000)),
  refused("x".repeat(maxPayload)),
  { subject: schedule, payload: "x".repeat(maxPayload + 1), expected: "by NATS" },
  json({ id: "deep", content: JSON.parse(`${'{"a":'.repeat(200)}1${"}".repeat(200)}`) }),
  refused(`{"id":"proto","__proto__":{"platform":"telegram"},"constructor":{"prototype":{}}}`),
  refused(new Uint8Array([0xff, 0xfe, 0x00, 0x80]))
]

/** Wrong types everywhere, for every command there is and one that there is not. */
const mistyped = [...commandNames, "launch", "schedule.now"].flatMap((name) => [
  json(
    { id: 5, series: [], contact: {}, platform: [], recipient: "1", content: true, dueAt: {}, reason: 7, as: null },
    {},
    `carillon.command.${name}`
  ),
  json([], {}, `carillon.command.${name}`)
])

const ids = [
  "a.>",
  "*",
  ">",
  "a b",
  "a\r\nPUB x 0\r\n",
  "\u0000",
  "\u001b[2J",
  "\ud800",
  "",
  "x".repeat(129),
  "ä",
  "../x"
]

/** One command, with what is given in the place of something in order. */
const almost = (wrong: object, dueAt: number) => ({
  id: "h-almost",
  platform: "telegram",
  recipient: { chatId: "1" },
  content: { type: "text", text: "hostile" },
  dueAt: new Date(dueAt).toISOString(),
  ...wrong
})

const injected = (dueAt: number): ReadonlyArray<Hostile> => [
  ...ids.flatMap((id) => [
    json(almost({ id }, dueAt)),
    json({ id }, {}, "carillon.command.cancel"),
    json({ id, dueAt: new Date(dueAt).toISOString() }, {}, "carillon.command.reschedule")
  ]),
  json(almost({ sender: "x.>" }, dueAt)),
  json(almost({ platform: "telegram.>" }, dueAt)),
  json(almost({ recipient: { chatId: "1\r\nHost: x" } }, dueAt)),
  json(almost({ content: { type: "text", text: "half \ud800 of a pair" } }, dueAt)),
  json(almost({ content: { type: "text", text: "a NUL \u0000 in it" } }, dueAt)),
  json(almost({ metadata: { "\u0000": "x" } }, dueAt)),
  json(almost({ metadata: { a: "\u0000" } }, dueAt)),
  json(almost({ dueAt: "+275760-09-13T00:00:00.001Z" }, dueAt)),
  json(almost({ maxLatenessSeconds: 1e308 }, dueAt))
]

/** Headers with which a command passes itself off as something else. */
const forged = (victim: string, at: number): ReadonlyArray<Hostile> => [
  json({ id: 1 }, { "ce-id": `${victim}.1.sent`, "ce-type": "carillon.message.sent.v1", "ce-subject": victim }),
  json({ id: 2 }, { "ce-specversion": "9", "ce-attempt": "1", "ce-time": "never" }),
  json({ id: 3 }, { traceparent: `00-${"z".repeat(10_000)}`, tracestate: "=".repeat(10_000), baggage: ",,;=" }),
  json({ id: 4 }, { "carillon-reply-to": "carillon.event.sent.telegram", "carillon-subject": "x" }),
  json({ id: 5 }, { "content-type": "application/cloudevents+json" }),
  ...[
    { "Nats-Schedule": `@at ${new Date(at).toISOString()}`, "Nats-Schedule-Target": "carillon.event.sent.telegram" },
    { "Nats-Rollup": "all" },
    { "Nats-TTL": "1s" },
    { "Nats-Expected-Last-Sequence": "999999999" }
  ].map((headers): Hostile => ({ subject: schedule, payload: "{}", headers, expected: "by NATS" })),
  // Twice the same: NATS drops the second.
  ...[1, 2].map((): Hostile => ({ ...json({ id: 10 }, { "Nats-Msg-Id": victim }), expected: "harmless" }))
]

/** The id of a message in order, asked for again with other content: what was accepted first holds. */
const usurped = (victim: string, dueAt: number) => [
  { ...json(almost({ id: victim }, dueAt)), victim },
  { ...json(almost({ id: victim, recipient: { chatId: "2" } }, dueAt)), victim }
]

/** `victim`: the id of a message of this run, which must not suffer. */
export const hostile = (victim: string, dueAt: number): ReadonlyArray<Hostile> => [
  ...malformed,
  ...mistyped,
  ...injected(dueAt),
  ...forged(victim, dueAt),
  ...usurped(victim, dueAt)
]
