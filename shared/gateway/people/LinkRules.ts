// What becomes of a contact when a link of it is made or opened, or it is removed. Pure. Links are told apart by when they were
// made: one that went to a wrong address takes nothing from whoever has a newer one, and a removal ends all before it.
import { Result } from "effect"
import type { Contact, Standing, Unlinked } from "#shared/contract/Contacts.ts"
import { addressOf, type Instant, type Recipient } from "#shared/contract/fields/Fields.ts"

export const sameAddress = (one: Recipient, other: Recipient) => addressOf(one) === addressOf(other)

export const isLinked = (standing: Standing | undefined): standing is Contact =>
  standing !== undefined && "recipient" in standing

export const hasChat = (standing: Standing | undefined, recipient: Recipient) =>
  isLinked(standing) && sameAddress(standing.recipient, recipient)

/** Of which it is not known, was made before links said so: before all others. */
const madeAt = (contact: Contact) => contact.madeAt ?? ""

/** So that a link can be taken back before anybody has opened it. A contact that has a chat can be removed in any case. */
export const offered = (before: Standing | undefined, at: Instant): Standing =>
  isLinked(before) ? before : { ...before, offeredAt: at }

/** The newest link holds; of those that cannot be told apart, the newest opening. Given back as it was if nothing changes. */
export const opened = (before: Standing | undefined, link: Contact): Standing => {
  if (!isLinked(before)) return before?.removedAt !== undefined && madeAt(link) <= before.removedAt ? before : link
  if (madeAt(link) !== madeAt(before)) return madeAt(link) > madeAt(before) ? link : before
  if (link.linkedAt !== before.linkedAt) return link.linkedAt > before.linkedAt ? link : before
  return hasChat(before, link.recipient) ? before : link
}

/** What takes the contact's place, or why nothing does. */
export const removed = (before: Standing | undefined, at: Instant): Result.Result<Unlinked, string> => {
  if (isLinked(before))
    return (before.madeAt ?? before.linkedAt) > at
      ? Result.fail("was linked anew since")
      : Result.succeed({ removedAt: at })
  // By this very removal, which has come back, or by one that was asked for after it.
  if (before?.removedAt !== undefined && before.removedAt >= at) return Result.succeed(before)
  if (before?.offeredAt === undefined)
    return Result.fail("is unknown: it has no chat with this sender, and no link that could be opened")
  // A link that was made since may be opened.
  return Result.succeed({ removedAt: at, ...(before.offeredAt > at ? { offeredAt: before.offeredAt } : {}) })
}
