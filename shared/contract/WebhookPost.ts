// What the webhook gateway posts to a receiver: the message, and which try of it this is.
import { Result, Schema } from "effect"
import { Attempt, Message } from "./Events.ts"
import { decoderOf } from "./fields/Exact.ts"

/** Ours to know: where it goes, by whom, and what follows if it fails. All else of a message is told, also what it gains. */
const { platform, sender, recipient, unknownOutcome, retry, fallback, ...told } = Message.fields

export const WebhookPost = Schema.Struct({
  type: Schema.Literal("message"),
  ...told,
  attempt: Attempt.fields.attempt,
  possibleDuplicate: Attempt.fields.possibleDuplicate
}).annotate({
  identifier: "WebhookPost",
  description: "What a webhook receives: the message, and which try of it this is. Fields are added, never changed"
})
export type WebhookPost = typeof WebhookPost.Type

/**
 * The same for every post of what stays as it was, and another one for what was changed: receivers take each once. A colon is in no
 * message's id, so it is nobody else's.
 */
export const webhookId = ({ id, revision }: Message): string => (revision === undefined ? id : `${id}:${revision}`)

const onlyKnown = decoderOf(WebhookPost)

/** What a newer service wrote of a message is not ours to tell: it may be for nobody else to know. */
export const webhookPost = ({ message, attempt, possibleDuplicate }: Attempt): WebhookPost => {
  const { platform, sender, recipient, unknownOutcome, retry, fallback, ...told } = message
  const post: WebhookPost = { type: "message", ...told, attempt, possibleDuplicate }
  return Result.getOrElse(onlyKnown(post), () => post)
}
