// carillon rearm: takes up again a message that was lost on its way.
import { Effect } from "effect"
import { Command } from "effect/cli"
import type { Rearmed } from "#shared/contract/Replies.ts"
import { given, idArgument, jsonFlag, reasonFlag } from "../input/Flags.ts"
import { submit } from "../Submit.ts"

const said: Readonly<Record<Rearmed, string>> = {
  armed: "its timer stands again, or it is on its way",
  redecided: "what follows its failed attempt is decided again",
  unknown: "a send without an outcome is recorded as unknown, and its own policy follows",
  waits: "nothing to do: its timer stands",
  "under-way": "nothing done: a service may still have it in hand",
  ended: "nothing to do: it has ended"
}

export const rearmCommand = Command.make(
  "rearm",
  { id: idArgument, reason: reasonFlag, json: jsonFlag },
  Effect.fnUntraced(function* ({ id, reason, json }) {
    yield* submit("rearm", { id, ...given({ reason }) }, json, (reply) =>
      reply.status === "rearmed" ? `${id}: ${said[reply.what]}` : reply.status
    )
  })
).pipe(
  Command.withDescription("Take up again a message that was lost on its way; harmless otherwise"),
  Command.withExamples([{ command: "carillon rearm appt-1", description: "As the watchdog does by itself" }])
)
