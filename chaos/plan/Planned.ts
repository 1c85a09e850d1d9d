// A message of a plan, and what the platform does when it is sent.

export interface Planned {
  readonly id: string
  readonly chatId: string
  /** From the start of the run. */
  readonly dueAfterMillis: number
  /** When it is asked for: before the run for half of them, in the middle of it for the others. */
  readonly askedAfterMillis: number
  readonly maxLatenessSeconds: number
  readonly priority: "urgent" | "normal" | "bulk"
  readonly unknownOutcome: "resend" | "hold"
}

export type Fault = "none" | "throttled" | "reset" | "reset after delivery" | "half" | "html 502" | "slow" | "blocked"
