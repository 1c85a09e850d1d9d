// Signs a post by the Standard Webhooks scheme, version v1: HMAC-SHA256 over id, time and body. Pure.
import { createHmac } from "node:crypto"
import { Schema } from "effect"

const one = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/

const keyOf = (secret: string): Buffer | undefined => {
  const key = Buffer.from(one.exec(secret)?.[1] ?? "", "base64")
  return key.length >= 24 && key.length <= 64 ? key : undefined
}

/** One secret, or two with a colon between while receivers change from one to the other: posts are signed with both. */
export const WebhookSecret = Schema.String.check(
  Schema.makeFilter((text) => {
    const parts = text.split(":")
    return (
      (parts.length <= 2 && parts.every((part) => keyOf(part) !== undefined)) ||
      "must be whsec_ and 24 to 64 bytes in base64; two with a colon between while they are changed"
    )
  })
)

export interface Signed {
  readonly id: string
  /** Seconds since the epoch. */
  readonly timestamp: number
  readonly body: string
}

/** The value of `webhook-signature`: one signature for each secret, so that a receiver may know either. */
export const signer = (secret: string): ((signed: Signed) => string) => {
  const keys = secret.split(":").flatMap((part) => keyOf(part) ?? [])
  return ({ body, id, timestamp }) =>
    keys
      .map((key) => createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64"))
      .map((signature) => `v1,${signature}`)
      .join(" ")
}
