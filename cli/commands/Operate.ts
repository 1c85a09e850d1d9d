// carillon pause, resume and drop: orders of operators for what waits at the gateways.
import type { Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { CommandName } from "#shared/contract/Commands.ts"
import { platforms } from "#shared/contract/fields/Fields.ts"
import type { Reply } from "#shared/contract/Replies.ts"
import type { Orders } from "#shared/contract/Senders.ts"
import { given, jsonFlag, reasonFlag } from "../input/Flags.ts"
import { submit } from "../Submit.ts"

const about = {
  platform: Argument.Literals("platform", platforms).pipe(Argument.withDescription("Which platform")),
  sender: Flag.String("sender").pipe(Flag.withDescription("Only this sender; all of them if left out"), Flag.optional),
  reason: reasonFlag,
  json: jsonFlag
}

interface About {
  readonly platform: string
  readonly sender: Option.Option<string>
  readonly reason: Option.Option<string>
  readonly json: boolean
}

type Ordered = Extract<Reply, { readonly status: "ordered" }>

const whom = ({ platform, sender }: Ordered) => `${platform}${sender === undefined ? ", all senders" : ` ${sender}`}`

const unheardOf = ({ hasRun }: Ordered) =>
  hasRun === false ? ["no gateway has run for this sender: is the name right?"] : []

const order = (
  name: CommandName,
  { platform, sender, reason, json }: About,
  more: object,
  say: (reply: Ordered) => string
) =>
  submit(name, { platform, ...given({ sender, reason }), ...more }, json, (reply) =>
    reply.status === "ordered"
      ? [`${whom(reply)}: ${say(reply)}`, ...stillStricter(reply), ...unheardOf(reply)].join("\n")
      : reply.status
  )

const pace = ({ perSecond }: Orders) => (perSecond === undefined ? "" : `at most ${perSecond} a second`)

/** What a sender's own orders make of an order for all. */
const stillStricter = ({ platform, stricter = [] }: Ordered) =>
  stricter.map(({ orders, sender }) =>
    orders.paused
      ? `${platform} ${sender}: still held by an order of its own; to let it go: carillon resume ${platform} --sender ${sender}`
      : `${platform} ${sender}: ${pace(orders)}, by an order of its own`
  )

/** What a sender's gateway obeys, which may be the order for all senders. */
const goes = ({ inEffect, orders, platform }: Ordered) =>
  inEffect?.paused
    ? `still held by the order for all senders; to let them go: carillon resume ${platform}`
    : ["sending", pace(inEffect ?? orders)].filter((part) => part !== "").join(", ")

export const pauseCommand = Command.make("pause", about, (flags) =>
  order("pause", flags, {}, () => "paused. Messages wait and lose no attempt; past their deadline they expire")
).pipe(
  Command.withDescription("Hold everything of a platform or sender"),
  Command.withExamples([
    { command: "carillon pause telegram --reason outage", description: "After an outage: look first" }
  ])
)

const rateFlag = Flag.Finite("rate").pipe(
  Flag.withDescription("At most so many sends a second, until resumed without it"),
  Flag.optional
)

export const resumeCommand = Command.make("resume", { ...about, rate: rateFlag }, ({ rate, ...flags }) =>
  order("resume", flags, given({ perSecond: rate }), goes)
).pipe(
  Command.withDescription("Let go what was held, at a rate if asked"),
  Command.withExamples([{ command: "carillon resume telegram --rate 5", description: "A backlog, slowly" }])
)

const laterFlag = Flag.Int("later-than").pipe(
  Flag.withDescription("Seconds: what was due longer ago than this and has not been sent")
)

export const dropCommand = Command.make("drop", { ...about, laterThan: laterFlag }, ({ laterThan, ...flags }) =>
  order(
    "drop",
    flags,
    { laterThanSeconds: laterThan },
    ({ orders }) => `what was due before ${orders.dropDueBefore} and waits is expired, not sent`
  )
).pipe(
  Command.withDescription("Expire what waits at a gateway and is stale"),
  Command.withExamples([{ command: "carillon drop telegram --later-than 3600", description: "Older than an hour" }])
)
