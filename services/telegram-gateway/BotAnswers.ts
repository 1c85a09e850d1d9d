// What of Telegram's answer to a send is kept: the message's id, and the ids of its files. Pure.
import type { FileKind } from "#shared/contract/Content.ts"
import { Outcome } from "#shared/gateway/Outcome.ts"
import type { BotRequest } from "./BotRequests.ts"

export interface Sent {
  readonly outcome: Outcome
  /** By which Telegram knows the files that were sent, in their order; nothing for one that it did not tell. */
  readonly fileIds: ReadonlyArray<string | undefined>
}

type Answered = Readonly<Record<string, unknown>> | null | undefined

/** An album is answered with a list of messages; its first stands for it. */
export const sentBy = ({ files, method }: BotRequest, answer: unknown): Sent => {
  const messages = (method === "sendMediaGroup" && Array.isArray(answer) ? answer : [answer]) as ReadonlyArray<Answered>
  const first = messages[0]?.message_id
  if (messages.length === 0 || !messages.every((message) => Number.isSafeInteger(message?.message_id)))
    return { outcome: Outcome.Unknown({ reason: "unreadable-answer" }), fileIds: [] }
  return {
    outcome: Outcome.Accepted({ providerMessageId: String(first) }),
    fileIds: files.map((kind, index) => fileIdIn(messages[index], kind))
  }
}

/** A photo comes in several sizes, the largest last. */
const fileIdIn = (message: Answered, kind: FileKind): string | undefined => {
  const found = message?.[kind]
  const file = Array.isArray(found) ? found.at(-1) : found
  const id = typeof file === "object" && file !== null ? (file as { readonly file_id?: unknown }).file_id : undefined
  return typeof id === "string" && id !== "" ? id : undefined
}
