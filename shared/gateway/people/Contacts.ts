// The people whom a sender can write to, as NATS remembers them: looked up whenever it matters, never held here, so that
// every replica knows of a link, and of its end, at once. Written so that whatever was interrupted may be done again.
import { createHmac, randomBytes } from "node:crypto"
import { Effect, Option, Result } from "effect"
import { decodeWith } from "#shared/actor/Decode.ts"
import { longestLink } from "#shared/contract/Commands.ts"
import { Chat, type Contact, Standing } from "#shared/contract/Contacts.ts"
import {
  addressOf,
  type ContactId,
  type Instant,
  type Platform,
  type Recipient,
  type Sender
} from "#shared/contract/fields/Fields.ts"
import type { NatsError } from "#shared/nats/connection/Nats.ts"
import { Memory } from "#shared/nats/stores/Memory.ts"
import { hasChat, isLinked, offered, opened, removed } from "./LinkRules.ts"

/** What the owner of a chat may have said, and may take back. */
export type Mark = "blocked" | "optedOut"

export interface Contacts {
  readonly find: (contact: ContactId) => Effect.Effect<Option.Option<Contact>, NatsError>
  /** Names a chat where it must not be known: without the salt, which lies in NATS, it cannot be guessed. */
  readonly nameOf: (recipient: Recipient) => string
  readonly chat: (recipient: Recipient) => Effect.Effect<Option.Option<Chat>, NatsError>
  /** Those who have this chat now. */
  readonly whoHas: (recipient: Recipient) => Effect.Effect<ReadonlyArray<ContactId>, NatsError>
  /** A link was made for it. */
  readonly offer: (contact: ContactId, at: Instant) => Effect.Effect<void, NatsError>
  /**
   * Whether this is the contact's chat now: the link that was made last holds, if that was after the last removal. It takes
   * back what was marked: its owner wants to be written to.
   */
  readonly link: (
    contact: ContactId,
    recipient: Recipient,
    at: Instant,
    madeAt?: Instant
  ) => Effect.Effect<boolean, NatsError>
  /** The newest word holds. A chat that nobody has linked is remembered only if `unlinkedToo`. */
  readonly mark: (
    recipient: Recipient,
    mark: Mark,
    is: boolean,
    at: Instant,
    unlinkedToo: boolean
  ) => Effect.Effect<void, NatsError>
  /**
   * Ends the links that were made before it, opened or not; fails with what is wrong if there is nothing to forget. What the
   * chat's owner said of messages stays, without a name. The same one again succeeds again.
   */
  readonly remove: (contact: ContactId, at: Instant) => Effect.Effect<Result.Result<unknown, string>, NatsError>
  readonly all: Effect.Effect<ReadonlyArray<Contact & { readonly contact: ContactId }>, NatsError>
}

/** As long as a platform may still bring what was said before. */
const forgottenAfterSeconds = 2 * 86_400

/** As long as a link may be open, and a day in which a platform may bring it. */
const unlinkedSeconds = longestLink + 86_400

const decodeStanding = decodeWith(Standing)
const decodeChat = decodeWith(Chat)

export const contactsOf = Effect.fnUntraced(function* (platform: Platform, sender: Sender) {
  const memory = yield* Memory
  const keyOf = (name: string) => `${platform}.${sender}.${name}`
  const salt = yield* saltAt(keyOf("chats"))
  const nameOf = (recipient: Recipient) =>
    createHmac("sha256", salt).update(addressOf(recipient)).digest("base64url").slice(0, 32)

  /** Of what cannot be read the place is known, so that it can be replaced. */
  const recall = <A>(what: "contact" | "chat", name: string, decode: (text: string) => Result.Result<A, unknown>) =>
    Effect.map(
      memory.recall(what, keyOf(name)),
      Option.map(({ value, sequence }) => ({ value: Result.getOrUndefined(decode(value)), sequence }))
    )

  /** Until nobody else has changed it in between, `next` asked anew each time. The answer is what stood before. */
  const change = <A>(
    what: "contact" | "chat",
    name: string,
    decode: (text: string) => Result.Result<A, unknown>,
    next: (before: A | undefined) => Effect.Effect<A | undefined, NatsError>,
    seconds: (after: A) => number | undefined
  ): Effect.Effect<A | undefined, NatsError> =>
    Effect.gen(function* () {
      while (true) {
        const found = Option.getOrUndefined(yield* recall(what, name, decode))
        const after = yield* next(found?.value)
        if (after === undefined || after === found?.value) return found?.value
        if (found && found.value === undefined)
          yield* Effect.logWarning(`what is remembered of a ${what} cannot be read, and is replaced`)
        const keep = seconds(after)
        const fate = yield* memory.remember(what, keyOf(name), JSON.stringify(after), {
          expected: found?.sequence ?? 0,
          ...(keep === undefined ? {} : { seconds: keep })
        })
        if (fate === "stored") return found?.value
      }
    })

  const changeContact = (
    contact: ContactId,
    next: (before: Standing | undefined) => Effect.Effect<Standing | undefined, NatsError>
  ) => change("contact", contact, decodeStanding, next, (after) => (isLinked(after) ? undefined : unlinkedSeconds))

  const changeChat = (recipient: Recipient, next: (before: Chat | undefined) => Chat | undefined) =>
    change(
      "chat",
      nameOf(recipient),
      decodeChat,
      (before) => Effect.succeed(next(before)),
      ({ contacts, optedOut }) => (contacts.length === 0 && !optedOut?.is ? forgottenAfterSeconds : undefined)
    )
  const leave = (recipient: Recipient, contact: ContactId) =>
    changeChat(recipient, (chat) => chat && { ...chat, contacts: chat.contacts.filter((one) => one !== contact) })

  const rejoin = (recipient: Recipient, contact: ContactId) =>
    changeChat(recipient, (chat) => listing(chat ?? { contacts: [] }, contact))

  const find = (contact: ContactId) =>
    Effect.map(recall("contact", contact, decodeStanding), (found) =>
      Option.filter(Option.flatMap(found, valueOf), isLinked)
    )
  const chat = (recipient: Recipient) =>
    Effect.map(recall("chat", nameOf(recipient), decodeChat), Option.flatMap(valueOf))

  const whoHas = Effect.fnUntraced(function* (recipient: Recipient) {
    const found = yield* chat(recipient)
    const listed = Option.match(found, { onNone: () => [], onSome: ({ contacts }) => contacts })
    return yield* Effect.filter(listed, (contact) =>
      Effect.map(
        find(contact),
        Option.exists((one) => hasChat(one, recipient))
      )
    )
  })

  const offer = (contact: ContactId, at: Instant) =>
    Effect.asVoid(changeContact(contact, (found) => Effect.succeed(offered(found, at))))

  const link = Effect.fnUntraced(function* (contact: ContactId, recipient: Recipient, at: Instant, madeAt?: Instant) {
    const link: Contact = { recipient, linkedAt: at, ...(madeAt === undefined ? {} : { madeAt }) }
    const before = yield* changeContact(contact, (found) => Effect.succeed(opened(found, link)))
    if (!hasChat(opened(before, link), recipient)) return false
    yield* changeChat(recipient, (found) => joined(found, contact, at))
    if (isLinked(before) && !hasChat(before, recipient)) yield* leave(before.recipient, contact)
    return true
  })

  const mark = (recipient: Recipient, mark: Mark, is: boolean, at: Instant, unlinkedToo: boolean) =>
    changeChat(recipient, (found) => {
      if (!found && !unlinkedToo) return undefined
      return marked(found ?? { contacts: [] }, mark, is, at)
    }).pipe(Effect.asVoid)

  /** The chat is left before the contact is marked: afterwards nobody knows any more which it was. */
  const remove = Effect.fnUntraced(function* (contact: ContactId, at: Instant) {
    const before = yield* changeContact(
      contact,
      Effect.fnUntraced(function* (found) {
        const mark = removed(found, at)
        // Linked anew since the chat was left for it, here or by one that was broken off: whoever has it is asked of the chat.
        if (isLinked(found)) yield* (Result.isSuccess(mark) ? leave : rejoin)(found.recipient, contact)
        return Result.isSuccess(mark) ? mark.success : found
      })
    )
    return removed(before, at)
  })

  const all = Effect.map(memory.all("contact", keyOf("")), (found) =>
    found.flatMap(({ key, value }) =>
      Option.toArray(
        Option.map(Option.filter(Result.getSuccess(decodeStanding(value)), isLinked), (one) => ({
          ...one,
          contact: key.slice(keyOf("").length)
        }))
      )
    )
  )

  return { find, nameOf, chat, whoHas, offer, link, mark, remove, all } satisfies Contacts as Contacts
})

const valueOf = <A>({ value }: { readonly value: A | undefined }) => Option.fromUndefinedOr(value)

const joined = (chat: Chat = { contacts: [] }, contact: ContactId, at: Instant): Chat =>
  marked(marked(listing(chat, contact), "blocked", false, at), "optedOut", false, at)

const listing = (chat: Chat, contact: ContactId): Chat =>
  chat.contacts.includes(contact) ? chat : { ...chat, contacts: [...chat.contacts, contact] }

/** The newest word holds, also when an older one comes later. */
const marked = (chat: Chat, mark: Mark, is: boolean, at: Instant): Chat => {
  const before = chat[mark]
  return before && before.at > at ? chat : { ...chat, [mark]: { is, at } }
}

/** Made once for each sender, and never changed. */
const saltAt = Effect.fnUntraced(function* (key: string) {
  const memory = yield* Memory
  while (true) {
    const found = yield* memory.recall("salt", key)
    if (Option.isSome(found)) return found.value.value
    yield* memory.remember("salt", key, randomBytes(32).toString("base64url"), { expected: 0 })
  }
})
