// What a receiver's answers mean: one table, by status. Why each means that stands in the README. Pure.
import { ofCallFailure } from "#shared/gateway/http/CallOutcomes.ts"
import { addressForbidden } from "#shared/gateway/http/GuardedConnect.ts"
import type { Answer, CallFailure } from "#shared/gateway/http/HttpCall.ts"
import { type NotAccepted, Outcome } from "#shared/gateway/Outcome.ts"

const { Accepted, RejectedContent, RejectedRecipient, RejectedSender, Throttled, Transient, Unknown } = Outcome

const byStatus: Readonly<Record<number, NotAccepted>> = {
  400: RejectedContent({ reason: "bad-request" }),
  401: RejectedSender({ reason: "unauthorized" }),
  403: RejectedSender({ reason: "forbidden" }),
  404: RejectedRecipient({ reason: "no-such-receiver" }),
  405: RejectedRecipient({ reason: "no-such-receiver" }),
  407: RejectedSender({ reason: "not-the-platform" }),
  408: Transient({ reason: "asked-to-retry" }),
  410: RejectedRecipient({ reason: "gone" }),
  413: RejectedContent({ reason: "message-too-long" }),
  421: Transient({ reason: "asked-to-retry" }),
  425: Transient({ reason: "asked-to-retry" }),
  501: RejectedRecipient({ reason: "no-such-receiver" }),
  502: Unknown({ reason: "bad-gateway" }),
  503: Unknown({ reason: "service-unavailable" }),
  504: Unknown({ reason: "gateway-timeout" })
}

const byClass: Readonly<Record<number, NotAccepted>> = {
  3: RejectedRecipient({ reason: "redirected" }),
  4: RejectedContent({ reason: "bad-request" }),
  5: Unknown({ reason: "server-error" })
}

/** `id` of the message: what it is called where the receiver gives it no other name. */
export const ofAnswer = (answer: Answer, id: string, now: number): Outcome => {
  const { header, status } = answer
  if (status >= 200 && status < 300) return Accepted({ providerMessageId: givenId(answer) ?? id })
  const wait = retryAfterMillis(header("retry-after"), now)
  if (status === 429 || (status === 503 && wait !== undefined))
    return Throttled({ retryAfterMs: wait ?? unsaidWait, scope: "recipient" })
  return byStatus[status] ?? byClass[Math.floor(status / 100)] ?? Unknown({ reason: "unreadable-answer" })
}

export const ofFailure = (failure: CallFailure): NotAccepted =>
  failure._tag === "NotWritten" && failure.code === addressForbidden
    ? RejectedRecipient({ reason: "address-forbidden" })
    : ofCallFailure(failure)

const unsaidWait = 5_000
const shortestWait = 1_000
const longestWait = 86_400_000

/** Seconds or a date, as HTTP has it, within reason: nobody is held for ever, nor asked again at once. */
export const retryAfterMillis = (value: string | undefined, now: number): number | undefined => {
  if (value === undefined) return undefined
  const millis = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now
  return Number.isNaN(millis) ? undefined : Math.min(longestWait, Math.max(shortestWait, millis))
}

/** The receiver's own name for it: in a header, or as `id` of a JSON answer. Kept with the record: no free text. */
const givenId = ({ body, header }: Answer): string | undefined =>
  [header("x-message-id"), idIn(body)].find((id) => id !== undefined && /^[A-Za-z0-9._:-]{1,128}$/.test(id))

const idIn = (body: Buffer): string | undefined => {
  try {
    const { id } = JSON.parse(body.toString()) as { readonly id?: unknown }
    return typeof id === "string" || Number.isSafeInteger(id) ? String(id) : undefined
  } catch {
    return undefined
  }
}
