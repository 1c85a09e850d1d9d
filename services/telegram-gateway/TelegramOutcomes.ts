// What Telegram's refusals, and answers that are none of Telegram's, mean: one table for each. Pure.
import { ofCallFailure } from "#shared/gateway/http/CallOutcomes.ts"
import { type NotAccepted, Outcome } from "#shared/gateway/Outcome.ts"
import type { TransportFailure } from "./UndiciFetch.ts"

/** A refusal as the Bot API words it. Only the code is documented: descriptions and parameters may come and go. */
export interface Refusal {
  readonly error_code?: unknown
  readonly description?: unknown
  readonly parameters?: { readonly retry_after?: unknown; readonly migrate_to_chat_id?: unknown } | undefined
}

const { RejectedContent, RejectedRecipient, RejectedSender, Throttled, Transient, Unknown } = Outcome

/** An outcome, and how the descriptions begin that mean it. */
type Row = readonly [outcome: NotAccepted, ...begins: ReadonlyArray<string>]

// By code, then by the beginning of the description in lower case, less its "bad request: " or the like. The first row
// that fits; "" fits whatever is left.
const refusals: Readonly<Record<number, ReadonlyArray<Row>>> = {
  400: [
    [RejectedRecipient({ reason: "chat-not-found" }), "chat not found", "private chat not found", "chat_id is empty"],
    [RejectedRecipient({ reason: "chat-not-found" }), "chat identifier ", "user_id_invalid", "peer_id_invalid"],
    [RejectedRecipient({ reason: "chat-moved" }), "group chat was upgraded to a supergroup chat"],
    [RejectedRecipient({ reason: "no-rights" }), "chat_write_forbidden", "chat_restricted", "chat_admin_required"],
    [RejectedRecipient({ reason: "no-rights" }), "have no rights to send", "not enough rights to send"],
    [RejectedRecipient({ reason: "no-rights" }), "message thread not found"],
    [RejectedContent({ reason: "bad-markup" }), "can't parse entities"],
    [RejectedContent({ reason: "message-empty" }), "message text is empty", "text must be non-empty"],
    [RejectedContent({ reason: "message-too-long" }), "message is too long", "message_too_long", "text is too long"],
    [RejectedContent({ reason: "message-too-long" }), "message caption is too long"],
    [RejectedContent({ reason: "not-utf-8" }), "text must be encoded in utf-8", "strings must be encoded in utf-8"],
    [RejectedContent({ reason: "bad-button" }), "reply markup is too long", "inline keyboard button url"],
    [RejectedContent({ reason: "bad-button" }), "button_url_invalid", "button_data_invalid"],
    [RejectedContent({ reason: "bad-file" }), "wrong file identifier", "wrong remote file identifier", "wrong file_id"],
    [RejectedContent({ reason: "bad-file" }), "invalid remote file identifier", "invalid file http url"],
    [RejectedContent({ reason: "bad-file" }), "photo_invalid_dimensions", "image_process_failed"],
    [RejectedContent({ reason: "bad-file" }), "photo has unsupported extension", "can't use file of type "],
    [RejectedContent({ reason: "file-too-big" }), "file is too big", "request entity too large"],
    [Transient({ reason: "media-not-fetched" }), "failed to get http url content", "can't upload file by url"],
    [Transient({ reason: "media-not-fetched" }), "wrong type of the web page content", "wrong http url specified"],
    [RejectedSender({ reason: "logged-out" }), "logged out"],
    [RejectedSender({ reason: "account-frozen" }), "frozen_method_invalid"],
    [RejectedContent({ reason: "bad-request" }), ""]
  ],
  401: [[RejectedSender({ reason: "unauthorized" }), ""]],
  403: [
    [RejectedRecipient({ reason: "bot-blocked" }), "bot was blocked by the user"],
    [RejectedRecipient({ reason: "user-deactivated" }), "user is deactivated"],
    [RejectedRecipient({ reason: "never-started" }), "bot can't initiate conversation with a user"],
    [RejectedRecipient({ reason: "recipient-is-a-bot" }), "bot can't send messages to bots"],
    [RejectedRecipient({ reason: "bot-removed" }), "bot was kicked from the ", "bot is not a member of the "],
    [RejectedRecipient({ reason: "chat-deleted" }), "the group chat was deleted"],
    [RejectedRecipient({ reason: "forbidden" }), ""]
  ],
  404: [
    [RejectedSender({ reason: "no-such-method" }), "method not found"],
    [RejectedSender({ reason: "no-such-sender" }), ""]
  ],
  409: [[RejectedSender({ reason: "conflict" }), ""]],
  413: [[RejectedContent({ reason: "file-too-big" }), ""]],
  421: [[RejectedSender({ reason: "wrong-server" }), ""]]
}

// A server that is closing fails with a 500 what it may have sent already; a gateway cannot say what was done behind it.
const serverFailures: Readonly<Record<number, NotAccepted>> = {
  502: Unknown({ reason: "bad-gateway" }),
  503: Unknown({ reason: "service-unavailable" }),
  504: Unknown({ reason: "gateway-timeout" })
}

const heading = /^(bad request|forbidden|unauthorized|not found|too many requests|request entity too large): /

/**
 * What a refusal in the Bot API's own words means. Of an album it may speak of one item while others were sent,
 * whatever its code.
 */
export const ofRefusal = ({ description, error_code, parameters }: Refusal): NotAccepted => {
  if (typeof error_code !== "number") return Unknown({ reason: "unreadable-answer" })
  const words = typeof description === "string" ? description.toLowerCase().replace(heading, "") : ""
  if (words.startsWith("failed to send message #")) return Unknown({ reason: "partly-sent" })
  if (error_code === 429) return throttled(parameters?.retry_after)
  if (error_code >= 500) return serverFailure(error_code)
  const movedTo = parameters?.migrate_to_chat_id
  if (Number.isSafeInteger(movedTo))
    return RejectedRecipient({ reason: "chat-moved", movedTo: { chatId: String(movedTo) } })
  const row = refusals[error_code]?.find(([, ...begins]) => begins.some((begin) => words.startsWith(begin)))
  return row?.[0] ?? Unknown({ reason: "unreadable-answer" })
}

/** What a call means that brought no answer of the Bot API. */
export const ofTransport = (failure: TransportFailure): NotAccepted =>
  failure._tag === "OddAnswer" ? ofOddAnswer(failure.status, failure.retryAfter) : ofCallFailure(failure)

// Somebody on the way to Telegram answered, or a server in trouble. What was turned away outright (3xx, 4xx) never got
// to Telegram: a matter of configuration, for which no message should be burnt.
const ofOddAnswer = (status: number, retryAfter: string | undefined): NotAccepted => {
  if (status === 429) return throttled(retryAfter, "sender")
  if (status === 413) return RejectedContent({ reason: "file-too-big" })
  if (status >= 500) return serverFailure(status)
  return status >= 300 && status !== 408
    ? RejectedSender({ reason: "not-the-platform" })
    : Unknown({ reason: "unreadable-answer" })
}

const serverFailure = (status: number) => serverFailures[status] ?? Unknown({ reason: "server-error" })

/** Nobody is held for ever. */
const longestWaitSeconds = 86_400

// A wait past 30 s is no matter of one chat: 60 is the Bot API server under its own load, and hours are on record for a
// whole bot. (5 may also come from a server that is closing, which could in principle have sent; it cannot be told from
// an ordinary wait.)
const throttled = (retryAfter: unknown, scope?: "sender") => {
  const told = Number(retryAfter)
  const seconds = Number.isFinite(told) && told > 0 ? Math.min(told, longestWaitSeconds) : 5
  return Throttled({
    retryAfterMs: Math.ceil(seconds * 1_000),
    scope: scope ?? (seconds > 30 ? "sender" : "recipient")
  })
}
