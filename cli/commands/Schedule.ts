// carillon schedule: send this to that address at that time.
import { randomUUID } from "node:crypto"
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { toMillis } from "#shared/contract/fields/Instants.ts"
import type { Reply } from "#shared/contract/Replies.ts"
import { contentFlags, contentOf, readJson } from "../input/ContentFlags.ts"
import { given, jsonFlag, optional } from "../input/Flags.ts"
import { recipientFlags, recipientOf } from "../input/Recipient.ts"
import { neverSent, timing, whenFlags } from "../input/When.ts"
import { span } from "../output/Print.ts"
import { submit } from "../Submit.ts"

const flags = {
  id: optional("id", "Idempotency key, 1 to 128 of A-Za-z0-9_-; made up if not given"),
  platform: Flag.String("platform").pipe(Flag.withDescription("Default: telegram"), Flag.withDefault("telegram")),
  ...recipientFlags,
  ...contentFlags,
  ...whenFlags,
  sender: optional("sender", "Which of the platform's senders, by its name in the gateway's configuration"),
  kind: optional("kind", "What the message is for, for example medication: no personal data"),
  priority: optional("priority", "urgent, normal or bulk"),
  unknownOutcome: optional("unknown-outcome", "resend or hold, when nobody knows whether a send arrived"),
  retryFile: optional("retry-file", "A JSON file with tiers of retries of its own"),
  fallbackFile: optional("fallback-file", "A JSON file with further ways to the same person"),
  meta: Flag.KeyValuePair("meta").pipe(
    Flag.withDescription("A label of your own, key=value; repeatable"),
    Flag.optional
  ),
  json: jsonFlag
}

const fileOf = (file: Option.Option<string>) =>
  Option.isSome(file) ? Effect.asSome(readJson(file.value)) : Effect.succeedNone

/** What was scheduled before may have been sent in time, whatever the hour is now. */
export const whatIsScheduled = (
  { dueAt, duplicate, expired, expiresAt, id }: Extract<Reply, { readonly status: "accepted" }>,
  now: number
) => {
  const when = `${duplicate ? "was scheduled before" : "scheduled"} for ${dueAt}`
  const tooLate = !duplicate && (expired || now > toMillis(expiresAt))
  const how = tooLate ? neverSent : ` (in ${span(toMillis(dueAt) - now)})`
  return `${id}: ${when}${how}\nfollow it: carillon show ${id}`
}

export const scheduleCommand = Command.make(
  "schedule",
  flags,
  Effect.fnUntraced(function* (flags) {
    const command = {
      id: Option.getOrElse(flags.id, () => `cli-${randomUUID()}`),
      platform: flags.platform,
      recipient: yield* recipientOf(flags.platform, flags),
      content: yield* contentOf(flags),
      ...(yield* timing(flags)),
      ...given({
        sender: flags.sender,
        kind: flags.kind,
        priority: flags.priority,
        unknownOutcome: flags.unknownOutcome,
        retry: yield* fileOf(flags.retryFile),
        fallback: yield* fileOf(flags.fallbackFile),
        metadata: flags.meta
      })
    }
    yield* submit("schedule", command, flags.json, (reply) =>
      reply.status === "accepted" ? whatIsScheduled(reply, Date.now()) : reply.status
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
    },
    {
      command: 'carillon schedule --platform webhook --to https://clinic.example/in --text "Hello" --in 10s',
      description: "Posted to an address"
    },
    {
      command:
        'carillon schedule --to 123456789 --photo xray.jpg --caption "Your *X-ray*" --format markdown --button "Got it=reply:seen" --in 1h',
      description: "A file of this machine, with a caption and a button"
    }
  ])
)
