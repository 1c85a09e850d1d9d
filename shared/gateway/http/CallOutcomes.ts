// What an HTTP call means that brought no answer, whatever the platform: one table. Pure.
import { type NotAccepted, Outcome } from "../Outcome.ts"
import type { CallFailure } from "./HttpCall.ts"

const { Transient, Unknown } = Outcome

// Failures before the request was written, by the code of Node or undici.
const notWritten: ReadonlyArray<readonly [outcome: NotAccepted, code: RegExp]> = [
  [Transient({ reason: "connection-refused" }), /^ECONNREFUSED$/],
  [Transient({ reason: "dns-failed" }), /^(ENOTFOUND|EAI_)/],
  [Transient({ reason: "connect-timed-out" }), /^(UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT)$/],
  [Transient({ reason: "timed-out-before-sending" }), /^TIMED_OUT$/],
  [Transient({ reason: "unreachable" }), /^E(HOST|NET)(UNREACH|DOWN)$/],
  [Transient({ reason: "tls-failed" }), /TLS|SSL|CERT|SIGNATURE|^EPROTO$/]
]

export const ofCallFailure = (failure: CallFailure): NotAccepted => {
  if (failure._tag === "NotWritten")
    return notWritten.find(([, code]) => code.test(failure.code))?.[0] ?? Transient({ reason: "connect-failed" })
  if (failure.code === "TIMED_OUT") return Unknown({ reason: "timed-out" })
  return Unknown({ reason: failure.stage === "answering" ? "answer-cut-short" : "connection-reset" })
}
