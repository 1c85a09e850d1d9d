// carillon cancel and carillon reschedule: change a message whose timer has not fired.
import { Effect } from "effect"
import { Command } from "effect/cli"
import { given, idArgument, jsonFlag, reasonFlag } from "../input/Flags.ts"
import { neverSent, timing, whenFlags } from "../input/When.ts"
import { submit } from "../Submit.ts"

export const cancelCommand = Command.make(
  "cancel",
  { id: idArgument, reason: reasonFlag, json: jsonFlag },
  Effect.fnUntraced(function* ({ id, reason, json }) {
    yield* submit("cancel", { id, ...given({ reason }) }, json, (reply) => {
      const inDoubt = reply.status === "cancelled" && reply.possiblyArrived
      return `${id}: cancelled${inDoubt ? "; an earlier try may have arrived" : ""}`
    })
  })
).pipe(
  Command.withDescription("Cancel a message, if its timer has not fired"),
  Command.withExamples([{ command: "carillon cancel appt-1 --reason moved", description: "Exit code 2: too late" }])
)

export const rescheduleCommand = Command.make(
  "reschedule",
  { id: idArgument, ...whenFlags, reason: reasonFlag, json: jsonFlag },
  Effect.fnUntraced(function* ({ id, reason, json, ...when }) {
    const command = { id, ...(yield* timing(when)), ...given({ reason }) }
    yield* submit("reschedule", command, json, (reply) =>
      reply.status === "rescheduled"
        ? `${id}: rescheduled for ${reply.dueAt}${reply.expired ? neverSent : ""}`
        : reply.status
    )
  })
).pipe(
  Command.withDescription("Send a waiting message at another time"),
  Command.withExamples([{ command: "carillon reschedule appt-1 --in 2h", description: "Two hours from now" }])
)
