// Posts messages to the addresses that publishers name, signed by their sender.
import { Context, Effect, Layer, Redacted } from "effect"
import type { Attempt } from "#shared/contract/Events.ts"
import { addressOf, type Sender } from "#shared/contract/fields/Fields.ts"
import { webhookId, webhookPost } from "#shared/contract/WebhookPost.ts"
import { guardedConnect } from "#shared/gateway/http/GuardedConnect.ts"
import { connectTimeoutMs, httpCalls, isCallFailure } from "#shared/gateway/http/HttpCall.ts"
import { Outcome } from "#shared/gateway/Outcome.ts"
import { setting, whole } from "#shared/service/Settings.ts"
import { version } from "#shared/service/Version.ts"
import { reachable } from "./Reachable.ts"
import { signer } from "./Signature.ts"
import { ofAnswer, ofFailure } from "./WebhookOutcomes.ts"
import { secrets } from "./WebhookSecrets.ts"

/** Posts once and never fails: what happened is the outcome. Interruption drops the call, which may have arrived. */
export type Post = (attempt: Attempt) => Effect.Effect<Outcome>

/** Every configured sender, by its name. */
export class Webhooks extends Context.Service<Webhooks, ReadonlyMap<Sender, Post>>()("webhook-gateway/Webhooks") {
  static readonly layer = Layer.effect(
    Webhooks,
    Effect.gen(function* () {
      const { connections, timeoutSeconds } = yield* config
      const { mayConnect, refusal } = yield* reachable
      const connect = guardedConnect(mayConnect, connectTimeoutMs)
      const call = yield* httpCalls({ connections, timeoutMs: timeoutSeconds * 1_000, connect })

      const postAs = (secret: string): Post => {
        const sign = signer(secret)
        return Effect.fnUntraced(function* (attempt) {
          const { id, recipient } = attempt.message
          const address = addressOf(recipient)
          if (!URL.canParse(address)) return Outcome.RejectedRecipient({ reason: "bad-address" })
          const url = new URL(address)
          const refused = refusal(url)
          if (refused) return refused
          const body = JSON.stringify(webhookPost(attempt))
          const postId = webhookId(attempt.message)
          const timestamp = Math.floor(Date.now() / 1_000)
          const headers = {
            "content-type": "application/json",
            "user-agent": `carillon/${version}`,
            "webhook-id": postId,
            "webhook-timestamp": String(timestamp),
            "webhook-signature": sign({ id: postId, timestamp, body })
          }
          const request = {
            origin: url.origin,
            path: url.pathname + url.search,
            method: "POST",
            headers,
            body
          } as const
          return yield* Effect.promise((signal) =>
            call(request, signal).then(
              (answer) => ofAnswer(answer, id, Date.now()),
              (error) => (isCallFailure(error) ? ofFailure(error) : Outcome.Unknown({ reason: "unexpected-failure" }))
            )
          )
        })
      }
      return Webhooks.of(new Map([...(yield* secrets)].map(([name, secret]) => [name, postAs(Redacted.value(secret))])))
    })
  )
}

export const connections = setting("WEBHOOK_CONNECTIONS", whole(1, 10_000), {
  says: "The most posts of a sender that are under way at once",
  byDefault: 100
})

const config = Effect.all({
  timeoutSeconds: setting("WEBHOOK_TIMEOUT_SECONDS", whole(1, 600), {
    says: "How long a post may take, from connecting to the end of the answer",
    unit: "seconds",
    byDefault: 30
  }),
  connections
})
