// What a reply button carries: Telegram gives it back, at most 64 bytes, when it is pressed. The message's id is too long
// for that: a name made from it stands there, and what it stands for is remembered by the gateway.
import { createHash } from "node:crypto"
import type { MessageId } from "#shared/contract/fields/Fields.ts"

/** 16 of A-Z a-z 0-9 _ -: the same for the same message. */
export const buttonName = (id: MessageId): string => createHash("sha256").update(id).digest("base64url").slice(0, 16)

/** How long a button that was sent is understood. */
export const buttonSeconds = 90 * 86_400

/** A reply is a code of at most 40 of A-Z a-z 0-9 _ -, chosen by the publisher. */
export const callbackData = (id: MessageId, reply: string): string => `${buttonName(id)}.${reply}`

/** Nothing if it is no button of ours. */
export const readCallbackData = (data: string): { readonly name: string; readonly reply: string } | undefined => {
  const [, name, reply] = /^([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{1,40})$/.exec(data) ?? []
  return name && reply ? { name, reply } : undefined
}

/** A public name is the same in any case. */
export const sameCase = (chatId: string): string => chatId.toLowerCase()
