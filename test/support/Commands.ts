// Commands as a scheduler has them in hand, for its steps without the service around them.
import type { Rules } from "#shared/contract/Submission.ts"
import type { Delivery } from "#shared/nats/messages/Mailbox.ts"

export const hour = 3_600_000

export const rulesNow = (): Rules => ({
  now: Date.now(),
  maxLateness: () => hour,
  settled: (message) => message,
  unsendable: () => []
})

export interface Given {
  /** The first command has place 1. */
  readonly seq: number
  readonly looks: number
  readonly ageMillis?: number
}

export const delivered = (subject: string, payload: string, { ageMillis = 0, looks, seq }: Given) =>
  ({
    ...{ subject, seq, headers: undefined, redelivered: looks > 1, info: { deliveryCount: looks } },
    ...{ time: new Date(Date.now() - ageMillis), data: Buffer.from(payload) }
  }) as unknown as Delivery
