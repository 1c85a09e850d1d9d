// The webhook gateway's way of posting, as it is configured for one test.
import { ConfigProvider, Context, Effect, Layer } from "effect"
import type { Attempt } from "#shared/contract/Events.ts"
import { type Post, Webhooks } from "../../services/webhook-gateway/Webhooks.ts"

export const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
export const text = "Mrs Example: your metformin, at noon"

export const attemptTo = (url: string, more: Partial<Attempt["message"]> = {}): Attempt => ({
  message: {
    id: "appt-1",
    platform: "webhook",
    sender: "default",
    recipient: { url },
    content: { type: "text", text },
    dueAt: "2026-12-01T09:00:00.000Z",
    expiresAt: "2026-12-01T10:00:00.000Z",
    priority: "normal",
    unknownOutcome: "resend",
    metadata: { ward: "7" },
    ...more
  },
  attempt: 2,
  failures: 1,
  sendAt: "2026-12-01T09:00:01.000Z",
  possibleDuplicate: true
})

/** So that receivers on this machine are reached. */
const open = { WEBHOOK_ALLOW_PRIVATE: "true", WEBHOOK_ALLOW_HTTP: "true" }
export const configured = (settings: Readonly<Record<string, string>> = {}) =>
  Layer.build(Webhooks.layer).pipe(
    Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ WEBHOOK_SECRET: secret, ...open, ...settings }))),
    Effect.map((context) => Context.get(context, Webhooks))
  )
export const postAs = (sender: string, settings?: Readonly<Record<string, string>>) =>
  Effect.map(configured(settings), (all) => all.get(sender) as Post)
