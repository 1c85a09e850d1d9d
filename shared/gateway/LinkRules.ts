// What becomes of a contact when a link of it is opened. Pure. Links are told apart by when they were made: one that went
// to a wrong address takes nothing from whoever has a newer one, whenever it is opened.
import type { Contact } from "#shared/contract/Contacts.ts"
import { addressOf, type Recipient } from "#shared/contract/Fields.ts"

export const sameAddress = (one: Recipient, other: Recipient) => addressOf(one) === addressOf(other)

/** Of which it is not known, was made before links said so: before all others. */
const madeAt = (contact: Contact) => contact.madeAt ?? ""

/** The newest link holds; of those that cannot be told apart, the newest opening. Given back as it was if nothing changes. */
export const opened = (before: Contact | undefined, link: Contact): Contact => {
  if (!before) return link
  if (madeAt(link) !== madeAt(before)) return madeAt(link) > madeAt(before) ? link : before
  if (link.linkedAt !== before.linkedAt) return link.linkedAt > before.linkedAt ? link : before
  return sameAddress(link.recipient, before.recipient) ? before : link
}
