// carillon show: the whole story of one message, with instants and lateness.
import { Console, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { setting } from "#shared/service/Settings.ts"
import type { TimelineRow } from "../../services/ledger/projection/Rows.ts"
import { Reader, type Shown } from "../../services/ledger/Reader.ts"
import { idArgument, jsonFlag } from "../input/Flags.ts"
import { NotFound } from "../output/Exit.ts"
import { dash, offset, json as printJson, span, table } from "../output/Print.ts"

const contentFlag = Flag.Boolean("content").pipe(
  Flag.withDescription("Also the text and the address: personal data"),
  Flag.withDefault(false)
)

const doubtAbout = ({ possibleDuplicate, possiblyArrived }: Shown["message"]) =>
  `${possiblyArrived ? ", but an earlier try may have arrived" : ""}${possibleDuplicate ? ", possibly sent more than once" : ""}`

const head = ({ message, contents }: Shown): ReadonlyArray<string> => {
  const { dueAt, sentAt } = message
  const late = dueAt && sentAt ? `, ${span(Date.parse(sentAt) - Date.parse(dueAt))} after it was due` : ""
  return [
    `${message.id}  ${message.status}${doubtAbout(message)}`,
    `  platform ${dash(message.platform)}, priority ${dash(message.priority)}, attempts ${message.attempts}`,
    ...(message.seriesId ? [`  series   ${message.seriesId}`] : []),
    `  due      ${dash(dueAt)}   expires ${dash(message.expiresAt)}`,
    ...(sentAt ? [`  sent     ${sentAt}${late}`] : []),
    ...(message.nextAttemptAt ? [`  next try ${message.nextAttemptAt}`] : []),
    ...(message.errorCategory ? [`  error    ${message.errorCategory}: ${dash(message.errorDetail)}`] : []),
    ...Object.entries(message.metadata).map(([key, value]) => `  ${key} = ${value}`),
    ...(contents
      ? [`  to       ${JSON.stringify(contents.recipient)}`, `  text     ${JSON.stringify(contents.content)}`]
      : [])
  ]
}

const attemptsTable = ({ attempts }: Shown) =>
  table(
    ["attempt", "started", "took", "outcome", "why", "platform's id"],
    attempts.map((one) => [
      String(one.attempt),
      dash(one.startedAt),
      one.startedAt && one.endedAt ? span(Date.parse(one.endedAt) - Date.parse(one.startedAt)) : "-",
      dash(one.outcome),
      one.category ? `${one.category}: ${dash(one.reason)}` : "-",
      dash(one.providerMessageId)
    ])
  )

export const timelineTable = (timeline: ReadonlyArray<TimelineRow>, dueAt: string | null) =>
  table(
    ["at", "from due", "event", "attempt", "detail"],
    timeline.map(({ at, type, attempt, detail }) => [
      at,
      dueAt ? offset(dueAt, at) : "-",
      type,
      dash(attempt),
      Object.entries(detail)
        .filter(([key]) => key !== "traceId")
        .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
        .join(" ")
    ])
  )

/** The traces of its life, first to last, and where Grafana shows them. */
const tracesOf = ({ message, timeline }: Shown, grafana: Option.Option<URL>): string => {
  const ids = [
    ...new Set(timeline.flatMap(({ detail }) => (typeof detail.traceId === "string" ? [detail.traceId] : [])))
  ]
  const board = Option.map(grafana, (url) => new URL(`d/carillon-message?var-id=${message.id}`, url).href)
  return [...ids.map((id) => `trace    ${id}`), ...(Option.isSome(board) ? [`grafana  ${board.value}`] : [])].join("\n")
}

/** With a slash at its end, so that what follows is below it. */
const grafanaUrl = Effect.map(
  setting("GRAFANA_URL", Schema.URLFromString, {
    says: "Where Grafana is: `carillon show` prints the address of the message's page there",
    takes: "a URL"
  }).given,
  Option.map((url) => new URL(url.href.replace(/\/?$/, "/")))
)

/** Known to the log, and not yet in the tables. */
const unknown = Effect.fnUntraced(function* (id: string) {
  const log = yield* EventLog
  const logged = yield* Effect.orElseSucceed(log.last("EVENTS", Subject.scheduled("*", id)), () => Option.none())
  return yield* new NotFound({
    message: Option.isSome(logged)
      ? `${id} is scheduled, but the ledger has not recorded it yet: see carillon queues`
      : `no message ${id}`
  })
})

export const showCommand = Command.make(
  "show",
  { id: idArgument, content: contentFlag, json: jsonFlag },
  Effect.fnUntraced(function* ({ id, content, json }) {
    const reader = yield* Reader
    const shown = yield* reader.show(id, { contents: content })
    if (Option.isSome(shown)) {
      if (json) return yield* printJson(shown.value)
      const { attempts, timeline, message } = shown.value
      const parts = [
        head(shown.value).join("\n"),
        attempts.length > 0 ? attemptsTable(shown.value) : "",
        timelineTable(timeline, message.dueAt),
        tracesOf(shown.value, yield* grafanaUrl)
      ]
      return yield* Console.log(parts.filter((part) => part !== "").join("\n\n"))
    }
    const refusals = yield* reader.timeline(id)
    if (refusals.length > 0) {
      yield* json
        ? printJson({ timeline: refusals })
        : Console.log(`${id}: commands about it were refused\n\n${timelineTable(refusals, null)}`)
    }
    return yield* unknown(id)
  })
).pipe(
  Command.withDescription("Show what became of one message"),
  Command.withExamples([{ command: "carillon show appt-1 --json", description: "Exit code 3: there is none" }])
)
