// carillon schedule: send this text to that chat at that time.
import { randomUUID } from "node:crypto"
import { readFile } from "node:fs/promises"
import { text as readAll } from "node:stream/consumers"
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { Refused } from "../Exit.ts"
import { jsonFlag } from "../Flags.ts"
import { span } from "../Print.ts"
import { submit } from "../Submit.ts"
import { timing, whenFlags } from "../When.ts"

export const optional = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional)

const flags = {
  id: optional("id", "Idempotency key, 1 to 128 of A-Za-z0-9_-; made up if not given"),
  platform: Flag.String("platform").pipe(Flag.withDescription("Default: telegram"), Flag.withDefault("telegram")),
  to: Flag.String("to").pipe(Flag.withDescription("Telegram chat id, or @channel"), Flag.withAlias("chat")),
  text: optional("text", "What to send; - reads it from standard input"),
  textFile: optional("text-file", "A file with what to send"),
  ...whenFlags,
  priority: optional("priority", "urgent, normal or bulk"),
  unknownOutcome: optional("unknown-outcome", "resend or hold, when nobody knows whether a send arrived"),
  format: optional("format", "plain, markdown or html"),
  meta: Flag.KeyValuePair("meta").pipe(
    Flag.withDescription("A label of your own, key=value; repeatable"),
    Flag.optional
  ),
  json: jsonFlag
}

export const readText = (given: Option.Option<string>, file: Option.Option<string>) => {
  if (Option.isSome(given) === Option.isSome(file)) {
    return new Refused({ message: "say what to send: give either --text or --text-file" })
  }
  if (Option.isSome(given) && given.value !== "-") return Effect.succeed(given.value)
  return Effect.tryPromise({
    try: () => (Option.isSome(file) ? readFile(file.value, "utf8") : readAll(process.stdin)),
    catch: () => new Refused({ message: `cannot read ${Option.getOrElse(file, () => "standard input")}` })
  }).pipe(Effect.map((text) => text.replace(/\n$/, "")))
}

export const some = <Key extends string, A>(key: Key, value: Option.Option<A>) =>
  (Option.isSome(value) ? { [key]: value.value } : {}) as { readonly [K in Key]?: A }

export const scheduleCommand = Command.make(
  "schedule",
  flags,
  Effect.fnUntraced(function* (given) {
    const command = {
      id: Option.getOrElse(given.id, () => `cli-${randomUUID()}`),
      platform: given.platform,
      recipient: { chatId: given.to },
      content: { type: "text", text: yield* readText(given.text, given.textFile), ...some("format", given.format) },
      ...(yield* timing(given)),
      ...some("priority", given.priority),
      ...some("unknownOutcome", given.unknownOutcome),
      ...some("metadata", given.meta)
    }
    yield* submit("schedule", command, given.json, (reply) =>
      reply.status === "accepted"
        ? `${reply.id}: ${reply.duplicate ? "was scheduled before" : "scheduled"} for ${reply.dueAt} (in ${span(Date.parse(reply.dueAt) - Date.now())})\nfollow it: carillon show ${reply.id}`
        : reply.status
    )
  })
).pipe(
  Command.withDescription("Schedule a message"),
  Command.withExamples([
    { command: 'carillon schedule --to 123456789 --text "Hello" --in 10s', description: "Ten seconds from now" },
    {
      command:
        "carillon schedule --id appt-1 --to 123456789 --text-file note.txt --at 2026-12-01T09:00 --time-zone Europe/Berlin",
      description: "At nine in Berlin, under an id of your own"
    }
  ])
)
