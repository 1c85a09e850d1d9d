// Commands that everybody must accept, and commands that everybody must refuse.
import type { CommandName } from "#shared/contract/Commands.ts"
import type { ScheduleSeriesCommand } from "#shared/contract/series/SeriesCommands.ts"

type Case = readonly [title: string, name: CommandName, json: unknown]

/** The smallest schedule command. */
export const small = {
  id: "a",
  platform: "telegram",
  recipient: { chatId: "123456789" },
  content: { type: "text", text: "hello" },
  dueAt: "2026-12-01T09:00:00Z"
}
/** The smallest series. */
export const daily: ScheduleSeriesCommand = {
  id: "a",
  recurrence: { cron: "0 9 * * *" },
  timeZone: "Europe/Berlin",
  platform: "telegram",
  recipient: { chatId: "123456789" },
  content: { type: "text", text: "hello" }
}
const text = (text: unknown, more: object = {}) => ({ ...small, content: { type: "text", text, ...more } })
const content = (content: object) => ({ ...small, content })
const photo = (more: object = {}) => content({ type: "photo", file: { object: "scan.jpg" }, ...more })
const album = (count: number) =>
  content({
    type: "album",
    items: Array.from({ length: count }, (_, n) => ({ type: "photo", file: { fileId: `f${n}` } }))
  })
const buttons = (buttons: unknown) => text("hello", { buttons })
const labels = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, "v"]))
const without = (field: keyof typeof small) => {
  const { [field]: _, ...rest } = small
  return rest
}

export const validCommands: ReadonlyArray<Case> = [
  ["the smallest command", "schedule", small],
  [
    "every field",
    "schedule",
    {
      ...small,
      id: `${"a-_Z9".repeat(25)}abc`,
      content: { type: "text", text: "<b>hello</b>", format: "html" },
      dueAt: "2026-12-01T09:00:00",
      timeZone: "Europe/Berlin",
      expiresAt: "2026-12-01T12:00:00",
      priority: "urgent",
      unknownOutcome: "hold",
      metadata: { "clinic.ward-3_b": "x", empty: "" }
    }
  ],
  ["a group", "schedule", { ...small, recipient: { chatId: "-1001234567890" } }],
  [
    "a webhook",
    "schedule",
    { ...small, platform: "webhook", recipient: { url: "https://clinic.example/reminders?of=1" } }
  ],
  ["a channel", "schedule", { ...small, recipient: { chatId: "@clinic_news" } }],
  ["an offset", "schedule", { ...small, dueAt: "2026-12-01T10:00:00.123456789+01:00" }],
  ["an instant that is past", "schedule", { ...small, dueAt: "2026-01-01T00:00:00Z" }],
  ["a second of lateness", "schedule", { ...small, maxLatenessSeconds: 1 }],
  ["a year of lateness", "schedule", { ...small, maxLatenessSeconds: 31_536_000 }],
  ["4096 code points", "schedule", text("😀".repeat(4_096))],
  ["32768 code points, to be split", "schedule", text("a b ".repeat(8_192), { tooLong: "split" })],
  [
    "everything that a text can have",
    "schedule",
    text("hello", {
      format: "markdown",
      tooLong: "refuse",
      linkPreview: false,
      silent: true,
      protect: true,
      topic: 7,
      replyTo: "8123",
      buttons: [
        [
          { text: "Yes", reply: "yes" },
          { text: "No", reply: "no_1-A" }
        ],
        [{ text: "Map", url: "https://clinic.example/map" }]
      ]
    })
  ],
  ...["photo", "document", "audio", "video", "voice", "animation"].map(
    (type): Case => [
      `a ${type} by its address`,
      "schedule",
      content({ type, file: { url: "https://clinic.example/file?of=1" }, caption: "*hello*", format: "markdown" })
    ]
  ),
  ["a photo by its file id", "schedule", content({ type: "photo", file: { fileId: "AgACAgIAAxk_-9" } })],
  [
    "an uploaded document with a name",
    "schedule",
    content({ type: "document", file: { object: "a" }, name: "Brief ä.pdf" })
  ],
  ["a photo with buttons", "schedule", photo({ buttons: [[{ text: "Yes", reply: "y" }]], silent: true })],
  ["an album of two", "schedule", album(2)],
  ["an album of ten", "schedule", album(10)],
  ["a place", "schedule", content({ type: "location", latitude: -33.45, longitude: 180, protect: true })],
  ["text over several lines", "schedule", text("\n a\tb\r\n")],
  ["32 labels", "schedule", { ...small, metadata: labels(32) }],
  ["a label of 512 code points", "schedule", { ...small, metadata: { a: "😀".repeat(512) } }],
  ["no labels", "schedule", { ...small, metadata: {} }],
  ["a bare cancel", "cancel", { id: "a" }],
  ["a cancel with a reason", "cancel", { id: "a", reason: "called off" }],
  ["a bare reschedule", "reschedule", { id: "a", dueAt: "2026-12-02T09:00:00Z" }],
  [
    "a reschedule of everything",
    "reschedule",
    {
      id: "a",
      dueAt: "2026-12-02T09:00:00Z",
      maxLatenessSeconds: 60,
      content: { type: "text", text: "another" },
      priority: "bulk",
      metadata: { b: "2" },
      reason: "moved"
    }
  ],
  ["the smallest series", "schedule-series", daily],
  [
    "a series with every field",
    "schedule-series",
    {
      ...daily,
      id: "a-_Z9".repeat(19),
      recurrence: { rrule: "FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=9;BYMINUTE=0" },
      start: "2026-12-01T09:00:00",
      end: "2027-12-01T09:00:00Z",
      count: 10_000,
      sender: "second",
      kind: "medication",
      priority: "urgent",
      maxLatenessSeconds: 60,
      unknownOutcome: "hold",
      retry: [],
      fallback: [],
      metadata: { ward: "7" }
    }
  ],
  [
    "a series by an interval that began long ago",
    "schedule-series",
    { ...daily, recurrence: { every: "PT8H" }, start: "1999-01-01T00:00:00Z" }
  ],
  ["a change of nothing", "change-series", { id: "a" }],
  ["a change that takes limits away", "change-series", { id: "a", end: null, count: null }],
  [
    "a change of when and what",
    "change-series",
    { id: "a", recurrence: { every: "P2D" }, start: "2026-12-01T09:00:00", content: { type: "text", text: "b" } }
  ],
  ["a bare pause of a series", "pause-series", { id: "a" }],
  ["a resume with a reason", "resume-series", { id: "a", reason: "back home" }],
  ["a skip of the next", "skip-occurrence", { id: "a" }],
  ["a skip by name", "skip-occurrence", { id: "a", occurrence: "2026-12-24T09:00:00" }],
  ["a bare cancel of a series", "cancel-series", { id: "a" }]
]

export const invalidCommands: ReadonlyArray<Case> = [
  ["null", "schedule", null],
  ["a list", "schedule", [small]],
  ["a string", "schedule", "schedule"],
  ["nothing in it", "schedule", {}],
  ...(Object.keys(small) as ReadonlyArray<keyof typeof small>).map(
    (field): Case => [`a command without ${field}`, "schedule", without(field)]
  ),
  ["an empty id", "schedule", { ...small, id: "" }],
  ["an id of 129", "schedule", { ...small, id: "a".repeat(129) }],
  ["an id that would change the subject", "schedule", { ...small, id: "a.>" }],
  ["an id with a newline at its end", "schedule", { ...small, id: "a\n" }],
  ["an id with letters of another alphabet", "schedule", { ...small, id: "ä" }],
  ["a number as id", "schedule", { ...small, id: 1 }],
  ["a platform without a gateway", "schedule", { ...small, platform: "pigeon" }],
  ["a number as chat id", "schedule", { ...small, recipient: { chatId: 123456789 } }],
  ["a chat id that is none", "schedule", { ...small, recipient: { chatId: "+49 170 1234567" } }],
  ["a field too many", "schedule", { ...small, surprise: true }],
  ["no address", "schedule", { ...small, recipient: {} }],
  ["two addresses", "schedule", { ...small, recipient: { chatId: "1", url: "https://clinic.example" } }],
  ["an address that is no web address", "schedule", { ...small, recipient: { url: "ftp://clinic.example" } }],
  ["a field too many in the recipient", "schedule", { ...small, recipient: { chatId: "1", name: "x" } }],
  ["a field too many in the content", "schedule", text("a", { parseMode: "html" })],
  ["no text", "schedule", text("")],
  ["blank text", "schedule", text(" \n\t\u00a0\u2003")],
  ["text that is a number", "schedule", text(5)],
  ["32769 code points", "schedule", text("a".repeat(32_769))],
  ["32769 code points that are pairs", "schedule", text("😀".repeat(32_769))],
  ["NUL in text", "schedule", text("a\u0000b")],
  ["a format nobody knows", "schedule", text("a", { format: "bbcode" })],
  ["content of a type nobody knows", "schedule", content({ type: "fax", text: "hello" })],
  ["content without a type", "schedule", content({ text: "hello" })],
  ["a photo without a file", "schedule", content({ type: "photo", caption: "hello" })],
  ["a file from nowhere", "schedule", photo({ file: {} })],
  ["a file from two places", "schedule", photo({ file: { object: "a", fileId: "b" } })],
  ["a file over plain HTTP", "schedule", photo({ file: { url: "http://clinic.example/a.jpg" } })],
  ["an object with a path", "schedule", photo({ file: { object: "../a" } })],
  ["a file name that would change the request", "schedule", photo({ name: 'a"\r\nb' })],
  ["a blank caption", "schedule", photo({ caption: " " })],
  ["a caption of 4097 code points", "schedule", photo({ caption: "a".repeat(4_097) })],
  ["a photo with a link preview", "schedule", photo({ linkPreview: true })],
  ["an album of one", "schedule", album(1)],
  ["an album of eleven", "schedule", album(11)],
  [
    "an album with buttons",
    "schedule",
    { ...small, content: { ...album(2).content, buttons: [[{ text: "a", reply: "b" }]] } }
  ],
  ["an album of voices", "schedule", content({ type: "album", items: [{ type: "voice" }, { type: "voice" }] })],
  ["a place that is nowhere", "schedule", content({ type: "location", latitude: 91, longitude: 0 })],
  ["a place with a caption", "schedule", content({ type: "location", latitude: 1, longitude: 0, caption: "here" })],
  ["no buttons", "schedule", buttons([])],
  ["a row without buttons", "schedule", buttons([[]])],
  ["nine buttons in a row", "schedule", buttons([Array.from({ length: 9 }, () => ({ text: "a", reply: "b" }))])],
  ["a button that does nothing", "schedule", buttons([[{ text: "a" }]])],
  ["a button that does two things", "schedule", buttons([[{ text: "a", reply: "b", url: "https://a.example" }]])],
  ["a button without a text", "schedule", buttons([[{ reply: "b" }]])],
  ["a reply that is a sentence", "schedule", buttons([[{ text: "a", reply: "yes please" }]])],
  ["a button that runs a script", "schedule", buttons([[{ text: "a", url: "javascript:alert(1)" }]])],
  ["a topic that is no number", "schedule", text("a", { topic: "7" })],
  ["a reply to something that is no id", "schedule", text("a", { replyTo: "the last one" })],
  ["seconds since 1970", "schedule", { ...small, dueAt: 1_800_000_000 }],
  ["a time that is too long", "schedule", { ...small, dueAt: `2026-12-01T09:00:00Z${" ".repeat(64)}` }],
  ["both deadlines", "schedule", { ...small, expiresAt: "2026-12-01T10:00:00Z", maxLatenessSeconds: 60 }],
  ["negative lateness", "schedule", { ...small, maxLatenessSeconds: -1 }],
  ["lateness of more than a year", "schedule", { ...small, maxLatenessSeconds: 31_536_001 }],
  ["no lateness at all", "schedule", { ...small, maxLatenessSeconds: 0 }],
  ["lateness in parts of a second", "schedule", { ...small, maxLatenessSeconds: 0.5 }],
  ["a priority nobody knows", "schedule", { ...small, priority: "high" }],
  ["an outcome nobody knows", "schedule", { ...small, unknownOutcome: "retry" }],
  ["null for what may be left out", "schedule", { ...small, priority: null }],
  ["33 labels", "schedule", { ...small, metadata: labels(33) }],
  ["a label with a space in its name", "schedule", { ...small, metadata: { "a b": "v" } }],
  ["a label without a name", "schedule", { ...small, metadata: { "": "v" } }],
  ["a label that is no text", "schedule", { ...small, metadata: { a: 1 } }],
  ["a label of 513 code points", "schedule", { ...small, metadata: { a: "a".repeat(513) } }],
  ["NUL in a label", "schedule", { ...small, metadata: { a: "\u0000" } }],
  ["a cancel of nothing", "cancel", {}],
  ["an empty reason", "cancel", { id: "a", reason: "" }],
  ["a long reason", "cancel", { id: "a", reason: "a".repeat(513) }],
  ["a cancel with a time", "cancel", { id: "a", dueAt: "2026-12-01T09:00:00Z" }],
  ["a reschedule to no time", "reschedule", { id: "a" }],
  ["a reschedule to somebody else", "reschedule", { ...small }],
  [
    "a reschedule with both deadlines",
    "reschedule",
    { id: "a", dueAt: "2026-12-01T09:00:00Z", expiresAt: "2026-12-01T10:00:00Z", maxLatenessSeconds: 60 }
  ],
  ["a series without an address", "schedule-series", { ...daily, recipient: undefined }],
  ["a series with an id of 97", "schedule-series", { ...daily, id: "a".repeat(97) }],
  ["a series with a time for one message", "schedule-series", { ...daily, dueAt: "2026-12-01T09:00:00Z" }],
  ["a series that never recurs", "schedule-series", { ...daily, recurrence: {} }],
  [
    "a series that recurs in two ways",
    "schedule-series",
    { ...daily, recurrence: { cron: "0 9 * * *", every: "P1D" } }
  ],
  ["a series that recurs in a way of tomorrow", "schedule-series", { ...daily, recurrence: { lunar: "full" } }],
  ["a rule that is too long", "schedule-series", { ...daily, recurrence: { cron: " ".repeat(201) } }],
  ["a series of nothing", "schedule-series", { ...daily, count: 0 }],
  ["a series without end", "schedule-series", { ...daily, count: 10_001 }],
  ["null for what may be left out of a series", "schedule-series", { ...daily, end: null }],
  ["a change of the id", "change-series", { id: "a", newId: "b" }],
  ["a skip by a date", "skip-occurrence", { id: "a", occurrence: "2026-12-24" }],
  ["a pause of nothing", "pause-series", {}]
]
