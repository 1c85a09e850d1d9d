// An attempt to send a plain message, for rules that look at few of its fields.
import type { Attempt, Message } from "#shared/contract/Events.ts"

/** Sent when it is due. */
export const attemptOf = (
  message: Pick<Message, "dueAt" | "expiresAt"> & Partial<Message>,
  more: Partial<Omit<Attempt, "message">> = {}
): Attempt => ({
  message: {
    id: "m",
    platform: "telegram",
    sender: "default",
    recipient: { chatId: "1" },
    content: { type: "text", text: "hello" },
    priority: "normal",
    unknownOutcome: "resend",
    metadata: {},
    ...message
  },
  attempt: 1,
  failures: 0,
  sendAt: message.dueAt,
  possibleDuplicate: false,
  ...more
})
