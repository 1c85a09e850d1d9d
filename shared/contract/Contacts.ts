// What is remembered of the people who can be written to: which chat a contact has, and what became of a link.
// A contact is an id that says nothing; a chat is personal data, and stands in the value of a contact only.
import { Schema } from "effect"
import { ContactId, Instant, Recipient } from "./fields/Fields.ts"

/** When a link was asked for. Left out of what was remembered before links said so. */
const madeAt = Schema.optionalKey(Instant)

/** Remembered as `link`, under the hash of its token: the token itself is nowhere. */
export const Link = Schema.Struct({
  contact: ContactId,
  expiresAt: Instant,
  madeAt,
  /** By whom it was used: the cause, and the hashed chat. */
  taken: Schema.optionalKey(Schema.Struct({ cause: Schema.String, chat: Schema.String }))
}).annotate({ identifier: "Link" })
export type Link = typeof Link.Type

/** Remembered as `contact`: where a message to this contact goes, since when, and when the link was made that it is by. */
export const Contact = Schema.Struct({ recipient: Recipient, linkedAt: Instant, madeAt }).annotate({
  identifier: "Contact"
})
export type Contact = typeof Contact.Type

/**
 * Remembered in its place while it has no chat, for as long as a link may be open: when its newest one was made that may be,
 * and when those before were ended. Nothing of the person.
 */
export const Unlinked = Schema.Struct({
  offeredAt: Schema.optionalKey(Instant),
  removedAt: Schema.optionalKey(Instant)
}).annotate({ identifier: "Unlinked" })
export type Unlinked = typeof Unlinked.Type

export const Standing = Schema.Union([Contact, Unlinked])
export type Standing = typeof Standing.Type

const since = Schema.optionalKey(Schema.Struct({ is: Schema.Boolean, at: Instant }))

/** Remembered as `chat`, under a keyed hash of the address: who has linked it, and what its owner wants. */
export const Chat = Schema.Struct({ contacts: Schema.Array(ContactId), blocked: since, optedOut: since }).annotate({
  identifier: "Chat"
})
export type Chat = typeof Chat.Type
