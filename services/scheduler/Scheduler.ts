// The scheduler: says when a message is due. Commands in; timers, events and replies out.
import { Effect, Schema } from "effect"
import { again, type Batch, done, redeliveredSince, runActor } from "#shared/actor/Actor.ts"
import { decoded, decodeToPassOn } from "#shared/actor/Decode.ts"
import { type Attempt, type EventOf, events } from "#shared/contract/Events.ts"
import { platforms } from "#shared/contract/fields/Fields.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import type { Rules } from "#shared/contract/Submission.ts"
import { isSeriesCommand } from "#shared/contract/series/SeriesCommands.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { commandOf, consumers } from "#shared/nats/layout/Topology.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { answer, serveApi } from "#shared/nats/messages/RequestReply.ts"
import { takenIds } from "#shared/nats/stores/TakenIds.ts"
import { settling, unsendable } from "#shared/platforms/Platforms.ts"
import { setting } from "#shared/service/Settings.ts"
import { version } from "#shared/service/Version.ts"
import { type Counted, countFromZero } from "#shared/telemetry/Metrics.ts"
import { processing } from "#shared/telemetry/Processing.ts"
import { type Answer, causeOf, refused } from "./commands/Answer.ts"
import { handleChanges } from "./commands/CarryingOut.ts"
import { changeTimers } from "./commands/Changing.ts"
import { maxLatenessByKind } from "./commands/MaxLateness.ts"
import { schedule } from "./commands/Scheduling.ts"
import { decideDeadLetters } from "./operators/Deciding.ts"
import { createLink, removeLink } from "./operators/Linking.ts"
import { operate } from "./operators/Operating.ts"
import { handleTicks, type Recurring, seriesLead, sweepSeries } from "./series/Recurring.ts"
import { changeSeries } from "./series/SeriesCommands.ts"
import { watchLeftovers } from "./timers/Leftovers.ts"
import { watchQueues } from "./timers/QueueMetrics.ts"
import { rearm } from "./timers/Rearming.ts"
import { Timers } from "./timers/Timers.ts"

/** Neighbours of one kind together: the order in which commands came is kept, and bursts of one kind stay batches. */
const runsOfOneKind = (batch: Batch): ReadonlyArray<ReadonlyArray<Delivery>> => {
  const runs: Array<Array<Delivery>> = []
  for (const delivery of batch) {
    const run = runs.at(-1)
    if (run?.[0]?.subject === delivery.subject) run.push(delivery)
    else runs.push([delivery])
  }
  return runs
}

const carryOut = Effect.fnUntraced(function* (run: ReadonlyArray<Delivery>, rules: Rules, seriesLead: number) {
  const name = run[0] && commandOf(run[0].subject)
  if (name && isSeriesCommand(name)) return yield* changeSeries(name, run, rules, seriesLead)
  switch (name) {
    case "schedule":
      return yield* schedule(run, rules)
    case "cancel":
    case "reschedule":
      return yield* changeTimers(name, run, rules)
    case "pause":
    case "resume":
    case "drop":
      return yield* Effect.forEach(run, (delivery) => operate(name, delivery, rules.now))
    case "redrive":
    case "discard":
    case "resolve":
      return yield* decideDeadLetters(name, run, rules.now)
    case "rearm":
      return yield* rearm(run, rules.now)
    case "create-link":
      return yield* Effect.forEach(run, (delivery) => createLink(delivery, rules.now))
    case "remove-link":
      return yield* Effect.forEach(run, (delivery) => removeLink(delivery, rules.now))
    default:
      return run.map((delivery) =>
        refused(
          "unknown",
          causeOf(delivery),
          { problems: [{ path: "", problem: "was published to a subject that is no command" }] },
          fromMillis(rules.now)
        )
      )
  }
})

const handleCommands = ({ lead, maxLateness }: Recurring, settled: Rules["settled"]) =>
  Effect.fnUntraced(function* (batch: Batch) {
    const { append } = yield* Publisher
    const answers: Array<Answer> = []
    let unsaid: Array<Answer> = []
    const say = Effect.fnUntraced(function* () {
      const events = unsaid.flatMap(({ event }) => (event ? [event] : []))
      yield* append(events, redeliveredSince(batch))
      for (const { afterwards } of unsaid) if (afterwards) yield* afterwards
      unsaid = []
    })
    for (const run of runsOfOneKind(batch)) {
      const made: ReadonlyArray<Answer> = yield* carryOut(
        run,
        { now: Date.now(), maxLateness, settled, unsendable },
        lead
      )
      answers.push(...made)
      unsaid.push(...made)
      // A dead letter that is decided on must be gone before the next command looks for it.
      if (made.some(({ afterwards }) => afterwards)) yield* say()
    }
    yield* say()
    for (const [index, delivery] of batch.entries()) {
      const reply = answers[index]?.reply
      if (reply) yield* answer(delivery, reply)
    }
    return answers.map(({ reply, handedOn }) => (reply || handedOn ? done : again(500)))
  })

/** What follows a failed attempt, a change of channel or an operator's decision: each carries the next attempt. */
const decodeRetry = decodeToPassOn(Schema.Union([events["retry-scheduled"], events["fell-back"], events.redriven]))

const attemptIn = (event: EventOf<"retry-scheduled"> | EventOf<"fell-back"> | EventOf<"redriven">): Attempt => {
  const { message, attempt, failures, sendAt, possibleDuplicate, interruptedSince, partsSent, waits, moved } = event
  return {
    ...{ message, attempt, failures, sendAt, possibleDuplicate },
    ...(interruptedSince === undefined ? {} : { interruptedSince }),
    ...(partsSent === undefined ? {} : { partsSent }),
    ...(waits === undefined ? {} : { waits }),
    ...(moved === undefined ? {} : { moved })
  }
}

const handleRetries = decoded(decodeRetry, (retries, since) =>
  Effect.gen(function* () {
    const timers = yield* Timers
    const spans = retries.map(({ value: { message, attempt }, delivery }) =>
      processing(delivery, {
        destination: "carillon.event.retry-scheduled.{platform}",
        id: message.id,
        attempt,
        platform: message.platform
      })
    )
    yield* timers.arm(
      retries.map(({ value }, index) => ({
        attempt: attemptIn(value),
        trace: spans[index]?.headers
      })),
      since === undefined ? undefined : { since }
    )
    for (const span of spans) span.end()
  })
)

const longText = setting("TELEGRAM_LONG_TEXT", Schema.Literals(["refuse", "split"]), {
  says: "What becomes of a text over 4,096 characters that does not say it itself",
  byDefault: "refuse"
})

const counted: ReadonlyArray<Counted> = [
  ...platforms.map((platform) => ({ type: "scheduled", platform }) as const),
  ...[...platforms, "unknown"].map((platform) => ({ type: "rejected", platform }) as const)
]

export const run = Effect.gen(function* () {
  yield* countFromZero(counted)
  const recurring: Recurring = { lead: yield* seriesLead, maxLateness: yield* maxLatenessByKind }
  const settled = yield* Effect.map(longText, settling)
  yield* provision([
    consumers.schedulerCommands,
    consumers.schedulerChanges,
    consumers.schedulerRetries,
    consumers.schedulerTicks
  ])
  yield* serveApi(version)
  yield* Effect.all(
    [
      runActor(consumers.schedulerCommands, handleCommands(recurring, settled)),
      runActor(consumers.schedulerChanges, handleChanges(yield* takenIds)),
      runActor(consumers.schedulerRetries, handleRetries),
      runActor(consumers.schedulerTicks, handleTicks(recurring)),
      sweepSeries(recurring),
      watchLeftovers,
      watchQueues
    ],
    { concurrency: "unbounded" }
  )
})
