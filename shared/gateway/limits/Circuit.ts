// A circuit breaker: stops a sender that cannot send, probes it with single messages, and lets it go on. Pure.
import type { SenderState } from "#shared/contract/Senders.ts"
import { type ContentReason, type Outcome, type RecipientReason, reasonOf, type TransientReason } from "../Outcome.ts"

/** `failures` in a row; `openings` since it last was closed; while open, when a probe is let through. */
export type Circuit = SenderState["circuit"]

export interface CircuitPolicy {
  /** Failures in a row that open it; a failure of the sender itself opens it at once. */
  readonly failures: number
  /** How long it stays open at first; each further time twice as long, up to the longest. Milliseconds. */
  readonly firstWait: number
  readonly longestWait: number
}

export const closed: Circuit = { state: "closed", failures: 0, openings: 0, probeAt: 0, reason: "" }

/** What the platform was not asked, or could not help: it says nothing of the platform. */
const noWordOfIt: ReadonlySet<string> = new Set<TransientReason | ContentReason | RecipientReason>([
  "media-not-fetched",
  "lease-lost",
  "store-unreachable",
  "file-missing",
  "file-too-big",
  "opted-out"
])

/** After the outcome of one send. */
export const afterOutcome = (circuit: Circuit, outcome: Outcome, now: number, policy: CircuitPolicy): Circuit => {
  if (outcome._tag !== "Accepted" && noWordOfIt.has(reasonOf(outcome))) return circuit
  // The platform answered, and about this message only.
  const answered = circuit.state === "open" ? circuit : closed
  switch (outcome._tag) {
    case "Accepted":
    case "RejectedContent":
    case "RejectedRecipient":
    case "Throttled":
    case "Postponed":
      return answered
    case "RejectedSender":
      return fail(circuit, reasonOf(outcome), now, policy, true)
    case "Transient":
    case "Unknown":
      return outcome.reason === "partly-sent" ? answered : fail(circuit, outcome.reason, now, policy, false)
  }
}

const fail = (circuit: Circuit, reason: string, now: number, policy: CircuitPolicy, atOnce: boolean): Circuit => {
  const failures = circuit.failures + 1
  // What was under way when it opened says nothing new.
  if (circuit.state === "open") return { ...circuit, failures }
  const opens = atOnce || circuit.state === "half-open" || failures >= policy.failures
  if (!opens) return { ...circuit, failures, reason }
  const wait = Math.min(policy.longestWait, policy.firstWait * 2 ** circuit.openings)
  return { state: "open", failures, openings: circuit.openings + 1, probeAt: now + wait, reason }
}

/** How many sends may begin: any number, one as a probe, or none. */
export const allowance = (circuit: Circuit, now: number, underWay: number): number => {
  if (circuit.state === "closed") return Number.POSITIVE_INFINITY
  if (underWay > 0) return 0
  return circuit.state === "half-open" || now >= circuit.probeAt ? 1 : 0
}

/** The clock has jumped so far. */
export const moved = (circuit: Circuit, by: number): Circuit =>
  circuit.state === "closed" ? circuit : { ...circuit, probeAt: circuit.probeAt + by }

/** A probe is about to be sent. */
export const probing = (circuit: Circuit): Circuit =>
  circuit.state === "open" ? { ...circuit, state: "half-open" } : circuit
