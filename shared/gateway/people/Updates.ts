// What follows from an update: an event for other systems, and what is remembered of the person. The platform may bring
// it again, and any line here may be the last of a process: it is done once all the same.
import { Effect, Option, Result, Schema } from "effect"
import { decodeWith } from "#shared/actor/Decode.ts"
import type { Event, EventOf } from "#shared/contract/Events.ts"
import type { Platform, Sender } from "#shared/contract/fields/Fields.ts"
import { fromMillis } from "#shared/contract/fields/Instants.ts"
import { Publisher } from "#shared/nats/messages/Publisher.ts"
import { Memory } from "#shared/nats/stores/Memory.ts"
import { idAsked } from "./Asked.ts"
import type { Contacts } from "./Contacts.ts"
import type { Heard, Said, Update } from "./Inbound.ts"
import { takeToken } from "./LinkTokens.ts"

/** Whom an update came in for. */
export interface Hearer {
  readonly platform: Platform
  readonly sender: Sender
  readonly contacts: Contacts
  /** Then an opt-out is remembered of everybody, not only of those who have a link. */
  readonly obeysOptOut: boolean
}

/** Longer than any platform brings an update again. */
const rememberedSeconds = 8 * 86_400

const Progress = Schema.Struct({ begunAt: Schema.Finite, done: Schema.Boolean })
const decodeProgress = decodeWith(Progress)

/** Ends when everything that the update leads to is stored. Nothing if it was heard before. */
export const hearUpdate = Effect.fnUntraced(function* (hearer: Hearer, update: Update) {
  const { append } = yield* Publisher
  const { recall, remember } = yield* Memory
  const key = `${hearer.platform}.${hearer.sender}.${update.id}`
  const progress = (value: typeof Progress.Type, expected?: number) =>
    remember("update", key, JSON.stringify(value), {
      seconds: rememberedSeconds,
      ...(expected === undefined ? {} : { expected })
    })

  const now = Date.now()
  const begun = yield* progress({ begunAt: now, done: false }, 0)
  // Begun before: its event may stand in the log since then.
  const before =
    begun === "stored"
      ? Option.none()
      : Option.flatMap(yield* recall("update", key), ({ value }) => Result.getSuccess(decodeProgress(value)))
  if (Option.exists(before, ({ done }) => done)) return Option.none<Heard>()
  const since = Option.getOrUndefined(Option.map(before, ({ begunAt }) => begunAt))

  const { event, heard } = yield* carryOut(hearer, update)
  yield* append(event ? [event] : [], since)
  yield* progress({ begunAt: since ?? now, done: true })
  return Option.some<Heard>(heard)
})

interface CarriedOut {
  readonly event?: Event
  readonly heard: Heard
}

const carryOut = (hearer: Hearer, update: Update): Effect.Effect<CarriedOut, Failure, Memory> => {
  const { said } = update
  switch (said._tag) {
    case "LinkOpened":
      return openLink(hearer, update, said.token)
    case "Replied":
      return reply(hearer, update, said)
    case "Blocked":
      return marking(hearer, update, "recipient-blocked")
    case "Unblocked":
      return marking(hearer, update, "recipient-unblocked")
    case "OptedOut":
      return marking(hearer, update, "opted-out")
    case "OptedIn":
      return marking(hearer, update, "opted-in")
  }
}
type Failure = Effect.Error<ReturnType<Contacts["find"]>>

const causeOf = ({ id }: Update) => `update-${id}`

/** The token is taken first, in the name of the update: whoever finds it taken by this one goes on with the rest. */
const openLink = Effect.fnUntraced(function* (hearer: Hearer, update: Update, token: string) {
  const { contacts, platform, sender } = hearer
  const { recipient } = update
  const at = fromMillis(update.at)
  const cause = causeOf(update)
  const taken = yield* takeToken(platform, sender, { token, cause, chat: contacts.nameOf(recipient), at: update.at })
  switch (taken._tag) {
    case "Taken": {
      const { contact } = taken
      if (!(yield* contacts.link(contact, recipient, at, taken.madeAt))) {
        yield* Effect.logWarning(`a link of contact ${contact} was opened after a newer one, or after its removal`)
        return { heard: "link-refused" } satisfies CarriedOut as CarriedOut
      }
      const event: EventOf<"recipient-linked"> = {
        type: "recipient-linked",
        at,
        platform,
        sender,
        recipient,
        contact,
        cause
      }
      return { event, heard: "linked" } satisfies CarriedOut as CarriedOut
    }
    case "Before": {
      const still = (yield* contacts.whoHas(recipient)).includes(taken.contact)
      return { heard: still ? "linked" : "link-refused" } satisfies CarriedOut as CarriedOut
    }
    case "ByAnother":
      yield* Effect.logWarning(`a link of contact ${taken.contact} that was used already was opened in another chat`)
      return { heard: "link-refused" } satisfies CarriedOut as CarriedOut
    default:
      return { heard: "link-refused" } satisfies CarriedOut as CarriedOut
  }
})

const marks = {
  "recipient-blocked": ["blocked", true],
  "recipient-unblocked": ["blocked", false],
  "opted-out": ["optedOut", true],
  "opted-in": ["optedOut", false]
} as const

const marking = Effect.fnUntraced(function* (hearer: Hearer, update: Update, type: keyof typeof marks) {
  const { contacts, obeysOptOut } = hearer
  const [mark, is] = marks[type]
  const at = fromMillis(update.at)
  yield* contacts.mark(update.recipient, mark, is, at, mark === "optedOut" && obeysOptOut)
  return {
    event: { type, ...(yield* aboutChat(hearer, update)) },
    heard: "received"
  } satisfies CarriedOut as CarriedOut
})

const reply = Effect.fnUntraced(function* (hearer: Hearer, update: Update, said: Extract<Said, { _tag: "Replied" }>) {
  const { recall } = yield* Memory
  const { contacts, platform, sender } = hearer
  const chats = [update.recipient, ...(said.alias ? [said.alias] : [])].map(contacts.nameOf)
  const id = Option.flatMap(yield* recall("button", `${platform}.${sender}.${said.button}`), ({ value }) =>
    idAsked(value, said.reply, chats)
  )
  const event: EventOf<"reply-received"> = {
    type: "reply-received",
    ...(yield* aboutChat(hearer, update)),
    reply: said.reply,
    ...(Option.isSome(id) ? { id: id.value } : {}),
    providerMessageId: said.providerMessageId
  }
  return { event, heard: "received" } satisfies CarriedOut as CarriedOut
})

const aboutChat = ({ contacts, platform, sender }: Hearer, update: Update) =>
  Effect.map(contacts.whoHas(update.recipient), (whoHas) => ({
    at: fromMillis(update.at),
    platform,
    sender,
    recipient: update.recipient,
    contacts: whoHas,
    cause: causeOf(update)
  }))

/** A send was refused because its recipient has blocked the sender: those who have the chat are told so, once. */
export const hearRefusal = Effect.fnUntraced(function* (
  { contacts, platform, sender }: Hearer,
  refused: EventOf<"attempt-failed">,
  recipient: Update["recipient"]
) {
  const { append } = yield* Publisher
  const chat = yield* contacts.chat(recipient)
  if (Option.isNone(chat) || chat.value.blocked?.is) return
  const { at } = refused
  const cause = `${refused.message.id}.${refused.attempt}`
  const whoHas = yield* contacts.whoHas(recipient)
  yield* append([{ type: "recipient-blocked", at, platform, sender, recipient, contacts: whoHas, cause }])
  // As of what the platform said last: whatever it says next is newer, whichever clock runs ahead.
  yield* contacts.mark(recipient, "blocked", true, chat.value.blocked?.at ?? at, false)
})
