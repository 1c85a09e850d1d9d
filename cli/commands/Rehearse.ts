// carillon rehearse: all of it but the sending. Schedules a message that is due in a month, cancels it, and waits until the
// event log and the ledger have both.
import { randomUUID } from "node:crypto"
import { Clock, Console, Effect, Option, Schedule, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import type { CommandName } from "#shared/contract/Commands.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { request } from "#shared/nats/messages/Requests.ts"
import { EventLog } from "#shared/nats/stores/EventLog.ts"
import { Reader } from "../../services/ledger/Reader.ts"
import { exitCodes, Refused } from "../output/Exit.ts"
import { listProblems } from "../Submit.ts"

class NotYet extends Schema.TaggedError<NotYet>()("NotYet", { message: Schema.String }) {
  readonly exitCode = exitCodes.problems
}

const monthMillis = 30 * 86_400_000

/** Were it sent after all, it would reach nobody: no name ends with `.invalid` (RFC 2606). */
const messageOf = (id: string, now: number) => ({
  id,
  platform: "webhook",
  recipient: { url: "https://rehearsal.invalid/" },
  content: { type: "text", text: "A rehearsal." },
  dueAt: fromMillis(now + monthMillis),
  kind: "rehearsal"
})

const submit = (name: CommandName, command: object) =>
  request(name, command).pipe(
    Effect.flatMap((reply) =>
      reply.status === "rejected"
        ? Effect.fail(new Refused({ message: `refused:\n${listProblems(reply.problems)}` }))
        : Effect.void
    )
  )

const logged = Effect.fnUntraced(function* (id: string, since: number) {
  const log = yield* EventLog
  const heard = yield* log.about(new Set([id as never]), ["scheduled", "cancelled"], since)
  const types = new Set(heard.map(({ type }) => type))
  if (types.size < 2) return yield* new NotYet({ message: "the event log does not have both" })
})

const recorded = Effect.fnUntraced(function* (id: string) {
  const reader = yield* Reader
  const shown = yield* reader.show(id)
  const status = Option.match(shown, { onNone: () => "nothing", onSome: ({ message }) => message.status })
  if (status !== "cancelled") return yield* new NotYet({ message: `the ledger has ${status}` })
})

export const rehearseCommand = Command.make(
  "rehearse",
  {
    timeout: Flag.Int("timeout").pipe(Flag.withDescription("Seconds for all of it; default 60"), Flag.withDefault(60)),
    logOnly: Flag.Boolean("log-only").pipe(
      Flag.withDescription("Without the ledger, and so without Postgres"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* ({ logOnly, timeout }) {
    const startedAt = yield* Clock.currentTimeMillis
    const id = `rehearsal-${randomUUID()}`
    let why = "nothing was tried"
    // Services may just be starting. Only a refusal ends it before its time.
    const step = <E extends Error, R>(name: string, one: Effect.Effect<void, E, R>) =>
      one.pipe(
        Effect.tapError((error) => Effect.sync(() => (why = error.message || error.name))),
        Effect.retry({ schedule: Schedule.spaced("500 millis"), while: (error) => !(error instanceof Refused) }),
        Effect.andThen(Console.log(`${name}: yes`))
      )
    yield* Effect.gen(function* () {
      yield* step("scheduled", submit("schedule", messageOf(id, startedAt)))
      yield* step("cancelled", submit("cancel", { id, reason: "rehearsal" }))
      // The clock of the server may be behind ours.
      yield* step("in the event log", logged(id, startedAt - 60_000))
      if (!logOnly) yield* step("recorded by the ledger", recorded(id))
    }).pipe(
      Effect.timeoutOrElse({
        duration: timeout * 1_000,
        orElse: () => Effect.fail(new NotYet({ message: `not within ${timeout} s: ${why}` }))
      })
    )
  })
).pipe(
  Command.withDescription("Schedule a message for next month, cancel it, and see both recorded: nothing is sent"),
  Command.withExamples([{ command: "carillon rehearse", description: "Exit code 4: not in time, and which step" }])
)
