// Hands a command to the scheduler and tells what came of it. Without a scheduler the command is stored for it.
import { Console, Effect } from "effect"
import type { CommandName } from "#shared/contract/Commands.ts"
import type { Problem } from "#shared/contract/fields/Fields.ts"
import type { Reply } from "#shared/contract/Replies.ts"
import type { NatsError } from "#shared/nats/connection/Nats.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { request } from "#shared/nats/messages/Requests.ts"
import { NotFound, Refused, Unanswered } from "./output/Exit.ts"
import { json } from "./output/Print.ts"

export const listProblems = (problems: ReadonlyArray<Problem>) =>
  problems.map(({ path, problem }) => `  ${path ? `${path}: ` : ""}${problem}`).join("\n")

const idOf = (command: object) => ("id" in command ? String(command.id) : undefined)

const store = Effect.fnUntraced(function* (name: CommandName, command: object) {
  const { publish } = yield* Publisher
  yield* publish([{ subject: Subject.command(name), payload: JSON.stringify(command), headers: {} }])
  const id = idOf(command)
  return { status: "stored" as const, ...(id === undefined ? {} : { id }) }
})

/** It lies in a stream by now, as a rule: who asks for a message again under another id would have it sent twice. */
const unanswered = (name: CommandName, command: object, { message }: NatsError) => {
  const id = idOf(command)
  const again = name === "schedule" ? ` To ask for it again, and have it once: --id ${id}` : ""
  return new Unanswered({ message: `${message}\n${id ?? name} may be carried out all the same.${again}` })
}

/** Ends with the reply for programs, or in the words of `say` for people. */
export const submit = Effect.fnUntraced(function* (
  name: CommandName,
  command: object,
  asJson: boolean,
  say: (reply: Exclude<Reply, { status: "rejected" }>) => string
) {
  const reply = yield* request(name, command).pipe(
    Effect.catchTag("NoScheduler", () => store(name, command)),
    Effect.catchTag("NatsError", (error) => unanswered(name, command, error))
  )
  if (reply.status === "rejected") {
    if (asJson) yield* json(reply)
    const message = `refused:\n${listProblems(reply.problems)}`
    return yield* reply.problems.some(({ problem }) => problem.startsWith("is unknown"))
      ? new NotFound({ message })
      : new Refused({ message })
  }
  if (asJson) return yield* json(reply)
  yield* Console.log(
    reply.status === "stored"
      ? `${reply.id ?? name}: stored; no scheduler is running, so it is not checked yet`
      : say(reply)
  )
})
