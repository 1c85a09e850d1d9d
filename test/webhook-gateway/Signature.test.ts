// Posts are signed as Standard Webhooks has it: receivers verify them with any library for it.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { signer, WebhookSecret } from "../../services/webhook-gateway/Signature.ts"

// The example that the scheme's own libraries are tested with.
const example = {
  secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  timestamp: 1_614_265_330,
  body: '{"test": 2432232314}',
  signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
}
const other = `whsec_${Buffer.alloc(64, 7).toString("base64")}`

describe("a signature", () => {
  it("is that of the scheme's own example", () => {
    assert.strictEqual(signer(example.secret)(example), example.signature)
  })

  it("is given for each of two secrets while they are changed", () => {
    assert.strictEqual(
      signer(`${other}:${example.secret}`)(example),
      `${signer(other)(example)} ${signer(example.secret)(example)}`
    )
  })

  it("covers id, time and body", () => {
    const sign = signer(example.secret)
    const { body, id, timestamp } = example
    for (const changed of [
      { id: `${id}x`, timestamp, body },
      { id, timestamp: timestamp + 1, body },
      { id, timestamp, body: `${body} ` }
    ])
      assert.notStrictEqual(sign(changed), example.signature)
  })
})

describe("a secret", () => {
  const isSecret = Schema.is(WebhookSecret)
  const ofBytes = (count: number) => `whsec_${Buffer.alloc(count, 1).toString("base64")}`
  it("has 24 to 64 bytes", () => {
    for (const count of [24, 25, 32, 64]) assert.isTrue(isSecret(ofBytes(count)), String(count))
    for (const count of [0, 1, 23, 65]) assert.isFalse(isSecret(ofBytes(count)), String(count))
  })
  it("is not something else", () => {
    for (const text of ["", "whsec_", `${example.secret}\n`, `${example.secret}:`, example.secret.replace("c_", "k_")])
      assert.isFalse(isSecret(text))
  })
})
