// carillon link: links by which people become contacts, who has one, and the end of it.
import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { defaultSender, platforms } from "#shared/contract/fields/Fields.ts"
import { contactsOf } from "#shared/gateway/people/Contacts.ts"
import { request } from "#shared/nats/messages/Requests.ts"
import { given, jsonFlag, reasonFlag } from "../input/Flags.ts"
import { parseSpan } from "../input/When.ts"
import { Refused } from "../output/Exit.ts"
import { json as printJson, table } from "../output/Print.ts"
import { listProblems, submit } from "../Submit.ts"

const contactArgument = Argument.String("contact").pipe(
  Argument.withDescription("Your own id of the person: opaque, no name, no number")
)

const about = {
  platform: Flag.Literals("platform", platforms).pipe(
    Flag.withDescription("Default: telegram"),
    Flag.withDefault("telegram" as const)
  ),
  sender: Flag.String("sender").pipe(
    Flag.withDescription("Whose bot; the default one if left out"),
    Flag.withDefault(defaultSender)
  ),
  json: jsonFlag
}

const create = Command.make(
  "create",
  {
    contact: contactArgument,
    ...about,
    expires: Flag.String("expires").pipe(
      Flag.withDescription("How long it may be used: 30m, 12h, 7d; at most 90d"),
      Flag.withDefault("7d")
    )
  },
  Effect.fnUntraced(function* ({ contact, expires, json, platform, sender }) {
    const expiresInSeconds = Math.round((yield* parseSpan("expires", expires)) / 1_000)
    // Never stored for later: the token would have nobody to go to.
    const reply = yield* request("create-link", { contact, platform, sender, expiresInSeconds })
    if (json) yield* printJson(reply)
    if (reply.status === "rejected") return yield* new Refused({ message: `refused:\n${listProblems(reply.problems)}` })
    if (json || reply.status !== "link-created") return
    yield* Console.log(reply.url ?? reply.token)
    if (reply.url === undefined)
      yield* Console.error("This is the token alone: no gateway of this sender has told the address of its links yet.")
    yield* Console.error(`For ${contact} only, once, until ${reply.expiresAt}. Whoever opens it becomes this contact.`)
  })
).pipe(
  Command.withDescription("Make a link that a person opens to become a contact; it is shown once"),
  Command.withExamples([
    { command: "carillon link create p-7f3a9c", description: "For the person whom your system knows as p-7f3a9c" },
    { command: "carillon link create p-7f3a9c --expires 1h --json", description: "For a program that prints a QR code" }
  ])
)

const contentFlag = Flag.Boolean("content").pipe(
  Flag.withDescription("Also the chat: personal data"),
  Flag.withDefault(false)
)

const list = Command.make(
  "list",
  { ...about, content: contentFlag },
  Effect.fnUntraced(function* ({ content, json, platform, sender }) {
    const contacts = yield* contactsOf(platform, sender)
    const found = yield* Effect.forEach(
      yield* contacts.all,
      ({ contact, linkedAt, recipient }) =>
        Effect.map(contacts.chat(recipient), (chat) => ({
          contact,
          platform,
          sender,
          linkedAt,
          blocked: Option.exists(chat, ({ blocked }) => blocked?.is === true),
          optedOut: Option.exists(chat, ({ optedOut }) => optedOut?.is === true),
          ...(content ? { recipient } : {})
        })),
      { concurrency: 20 }
    )
    if (json) return yield* Effect.forEach(found, printJson, { discard: true })
    if (found.length === 0) return yield* Console.log("none")
    yield* Console.log(
      table(
        ["contact", "platform", "sender", "since", "state", ...(content ? ["chat"] : [])],
        found.map(({ blocked, contact, linkedAt, optedOut, recipient }) => [
          contact,
          platform,
          sender,
          linkedAt,
          [...(blocked ? ["blocked"] : []), ...(optedOut ? ["opted out"] : [])].join(", ") || "linked",
          ...(recipient ? [recipient.chatId ?? ""] : [])
        ])
      )
    )
  })
).pipe(Command.withDescription("List the contacts of a sender"))

const remove = Command.make(
  "remove",
  { contact: contactArgument, ...about, reason: reasonFlag },
  Effect.fnUntraced(function* ({ contact, json, platform, reason, sender }) {
    const command = { contact, platform, sender, ...given({ reason }) }
    yield* submit("remove-link", command, json, () => `${contact}: forgotten`)
  })
).pipe(
  Command.withDescription("Forget the chat of a contact, and end its links: messages to it are refused from now on")
)

export const linkCommand = Command.make("link").pipe(
  Command.withDescription("Contacts: the people who have opened a link"),
  Command.withSubcommands([create, list, remove])
)
