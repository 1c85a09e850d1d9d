// carillon series list and show: how series stand, and what comes next.
import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { occurrenceMessageId, type Plan, type Series, SeriesStatus, upcoming } from "#shared/contract/series/Series.ts"
import { SeriesStore } from "#shared/nats/stores/SeriesStore.ts"
import { jsonFlag } from "../input/Flags.ts"
import { NotFound } from "../output/Exit.ts"
import { dash, json as printJson, span, table } from "../output/Print.ts"

export const seriesId = Argument.String("id").pipe(Argument.withDescription("The series' id, 1 to 96 of A-Za-z0-9_-"))

const recurs = ({ recurrence }: Plan) => Object.entries(recurrence).map((pair) => pair.join(" "))[0] ?? "-"

/** Without address and text, which are shown only when asked for. */
const withoutContent = ({ original: _, outbox: __, template, ...series }: Series) => {
  if (!template) return series
  const { recipient: ___, content: ____, fallback: _____, ...rest } = template
  return { ...series, template: rest }
}

export const listSeries = Command.make(
  "list",
  {
    status: Flag.Literals("status", SeriesStatus.literals).pipe(Flag.withDescription("Only these"), Flag.optional),
    json: jsonFlag
  },
  Effect.fnUntraced(function* ({ json, status }) {
    const { all } = yield* SeriesStore
    const now = Date.now()
    const found = (yield* all).filter((one) => Option.isNone(status) || status.value === one.status)
    if (json) return yield* Effect.forEach(found, (one) => printJson(withoutContent(one)), { discard: true })
    if (found.length === 0) return yield* Console.log("none")
    yield* Console.log(
      table(
        ["id", "status", "recurs", "zone", "platform", "next", "left"],
        found.map((one) => [
          one.id,
          one.status,
          recurs(one.plan),
          one.plan.timeZone,
          one.platform,
          dash(one.status === "active" ? upcoming(one, now, 1)[0]?.name : undefined),
          dash(one.left)
        ])
      )
    )
  })
).pipe(Command.withDescription("List series; --json prints one a line"))

const shown = 5

const head = (series: Series, content: boolean): ReadonlyArray<string> => {
  const { left, plan, platform, revision, skips, status, template, last } = series
  const bounds = [
    ...(plan.start === undefined ? [] : [`from ${plan.start}`]),
    ...(plan.end === undefined ? [] : [`to ${plan.end}`]),
    ...(plan.count === undefined ? [] : [`${dash(left)} of ${plan.count} left`])
  ]
  return [
    `${series.id}  ${status}, revision ${revision}`,
    `  recurs   ${recurs(plan)}, in ${plan.timeZone}`,
    ...(bounds.length > 0 ? [`  bounds   ${bounds.join(", ")}`] : []),
    `  platform ${platform}, sender ${dash(template?.sender)}, priority ${dash(template?.priority)}, kind ${dash(template?.kind)}`,
    ...(last ? [`  last     ${last.name}, message ${occurrenceMessageId(series, last.name)}`] : []),
    ...(skips.length > 0 ? [`  skips    ${skips.map(({ name }) => name).join(", ")}`] : []),
    ...Object.entries(template?.metadata ?? {}).map(([key, value]) => `  ${key} = ${value}`),
    ...(content && template
      ? [`  to       ${JSON.stringify(template.recipient)}`, `  text     ${JSON.stringify(template.content)}`]
      : [])
  ]
}

const inZone = (at: string, timeZone: string) =>
  Temporal.Instant.from(at).toZonedDateTimeISO(timeZone).toString({ timeZoneName: "never", smallestUnit: "second" })

export const showSeries = Command.make(
  "show",
  {
    id: seriesId,
    content: Flag.Boolean("content").pipe(
      Flag.withDescription("Also the text and the address: personal data"),
      Flag.withDefault(false)
    ),
    json: jsonFlag
  },
  Effect.fnUntraced(function* ({ content, id, json }) {
    const { find } = yield* SeriesStore
    const found = yield* find(id)
    if (Option.isNone(found)) return yield* new NotFound({ message: `${id}: there is no series with this id` })
    const { series } = found.value
    const now = Date.now()
    const next = upcoming(series, now, shown)
    if (json) return yield* printJson({ ...(content ? series : withoutContent(series)), upcoming: next })
    yield* Console.log(head(series, content).join("\n"))
    if (next.length === 0) return
    yield* Console.log(
      `\n${table(
        [series.status === "paused" ? "if resumed" : "next", `in ${series.plan.timeZone}`, "in UTC", "from now"],
        next.map(({ at, name }) => [name, inZone(at, series.plan.timeZone), at, span(Date.parse(at) - now)])
      )}`
    )
  })
).pipe(
  Command.withDescription("Show one series, and what comes next"),
  Command.withExamples([{ command: "carillon series show medicine-4711", description: "Exit code 3: there is none" }])
)
