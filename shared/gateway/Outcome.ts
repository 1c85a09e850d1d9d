// What became of one send, in the same words for every platform.
import { Data } from "effect"
import type { ErrorCategory, Recipient } from "#shared/contract/fields/Fields.ts"

/**
 * The result of one call to a platform. `Throttled`, `Postponed`, `Transient` and the three `Rejected…` are refusals: each proves
 * that nothing was sent. `Unknown` proves nothing. Reasons are codes from closed sets: what a platform wrote may hold
 * an address or the text, and never travels.
 */
export type Outcome = Data.TaggedEnum<{
  /** The platform took the message and named it: it was sent, once. */
  Accepted: { readonly providerMessageId: string }
  /** Refused for its rate. Nothing was sent. Wait this long, for this recipient or for the whole sender. */
  Throttled: { readonly retryAfterMs: number; readonly scope: "recipient" | "sender" }
  /** Not sent, and nothing is wrong with it or with the platform: it comes again at once, as if it had not been tried. */
  Postponed: { readonly reason: PostponedReason }
  /** Refused or never handed over, by no fault of the message. Nothing was sent. Trying again may help. */
  Transient: { readonly reason: TransientReason }
  /** Refused for what the message says. Nothing was sent; the same content will always be refused. */
  RejectedContent: { readonly reason: ContentReason }
  /** Refused for whom it is for. Nothing was sent. `movedTo` is the recipient's new address, where there is one. */
  RejectedRecipient: { readonly reason: RecipientReason; readonly movedTo?: Recipient }
  /** Refused for who sends. Nothing was sent, and no other message of this sender would be. */
  RejectedSender: { readonly reason: SenderReason }
  /** The platform may have sent it or not. Only the message's own policy may send again. */
  Unknown: { readonly reason: UnknownReason }
}>
export const Outcome = Data.taggedEnum<Outcome>()

export type Accepted = Data.TaggedEnum.Value<Outcome, "Accepted">
export type NotAccepted = Exclude<Outcome, Accepted>

export type TransientReason =
  | "asked-to-retry"
  | "connection-refused"
  | "connect-failed"
  | "connect-timed-out"
  | "dns-failed"
  | "tls-failed"
  | "unreachable"
  | "timed-out-before-sending"
  | "media-not-fetched"
  | "store-unreachable"
  | "lease-lost"

export type PostponedReason = "file-id-forgotten" | "paused"

export type ContentReason =
  | "bad-markup"
  | "message-empty"
  | "message-too-long"
  | "not-utf-8"
  | "bad-button"
  | "bad-file"
  | "file-missing"
  | "file-too-big"
  | "bad-request"

export type RecipientReason =
  | "address-forbidden"
  | "bad-address"
  | "gone"
  | "insecure-address"
  | "no-such-receiver"
  | "redirected"
  | "bot-blocked"
  | "user-deactivated"
  | "never-started"
  | "recipient-is-a-bot"
  | "bot-removed"
  | "chat-deleted"
  | "chat-not-found"
  | "chat-moved"
  | "no-rights"
  | "forbidden"
  | "not-linked"
  | "opted-out"

export type SenderReason =
  | "forbidden"
  | "unauthorized"
  | "logged-out"
  | "account-frozen"
  | "no-such-sender"
  | "no-such-method"
  | "wrong-server"
  | "conflict"
  | "not-the-platform"

export type UnknownReason =
  | "timed-out"
  | "connection-reset"
  | "answer-cut-short"
  | "unreadable-answer"
  | "server-error"
  | "bad-gateway"
  | "service-unavailable"
  | "gateway-timeout"
  | "unexpected-failure"
  | "partly-sent"
  | "interrupted"

/** The category under which an outcome that is not `Accepted` is recorded. */
export const errorCategory: (outcome: NotAccepted) => ErrorCategory = (outcome) => categories[outcome._tag]

const categories = {
  Throttled: "throttled",
  Postponed: "throttled",
  Transient: "transient",
  RejectedContent: "content",
  RejectedRecipient: "recipient",
  RejectedSender: "sender",
  Unknown: "unknown"
} as const satisfies Record<NotAccepted["_tag"], ErrorCategory>

/** Why it was not accepted, as one code for records and metrics. */
export const reasonOf = (outcome: NotAccepted) => (outcome._tag === "Throttled" ? "throttled" : outcome.reason)
