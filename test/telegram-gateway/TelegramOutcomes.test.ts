// The tables of outcomes: what no list of examples shows.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { NoAnswer, NotWritten } from "#shared/gateway/http/HttpCall.ts"
import { Outcome } from "#shared/gateway/Outcome.ts"
import { ofRefusal, ofTransport } from "../../services/telegram-gateway/TelegramOutcomes.ts"

const { RejectedContent, RejectedRecipient, Throttled, Transient, Unknown } = Outcome
const proofs = ["Throttled", "Transient", "RejectedContent", "RejectedRecipient", "RejectedSender"]

describe("a refusal", () => {
  it("is known however its description is capitalised, and with or without its heading", () => {
    for (const description of [
      "Forbidden: bot was blocked by the user",
      "FORBIDDEN: Bot was BLOCKED by the user, says somebody",
      "bot was blocked by the user"
    ]) {
      assert.deepStrictEqual(ofRefusal({ error_code: 403, description }), RejectedRecipient({ reason: "bot-blocked" }))
    }
    assert.deepStrictEqual(
      ofRefusal({ error_code: 400, description: "Wrong remote file identifier specified: wrong padding" }),
      RejectedContent({ reason: "bad-file" })
    )
  })

  it("is not known by words in the middle of its description", () => {
    assert.deepStrictEqual(
      ofRefusal({ error_code: 400, description: "Bad Request: no button says 'chat not found'" }),
      RejectedContent({ reason: "bad-request" })
    )
  })

  it("with a new address is a move, whatever its description", () => {
    assert.deepStrictEqual(
      ofRefusal({
        error_code: 400,
        description: "Bad Request: chat not found",
        parameters: { migrate_to_chat_id: -100 }
      }),
      RejectedRecipient({ reason: "chat-moved", movedTo: { chatId: "-100" } })
    )
  })

  it("is never waited for in vain: not for no time, not for a time that is none", () => {
    for (const retry_after of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "soon", null, undefined, {}]) {
      assert.deepStrictEqual(
        ofRefusal({ error_code: 429, parameters: { retry_after } }),
        Throttled({ retryAfterMs: 5_000, scope: "recipient" })
      )
    }
  })

  it("is waited for a day at most, so that whoever is told how long can read it", () => {
    for (const retry_after of [86_401, 1e13, Number.MAX_VALUE]) {
      assert.deepStrictEqual(
        ofRefusal({ error_code: 429, parameters: { retry_after } }),
        Throttled({ retryAfterMs: 86_400_000, scope: "sender" })
      )
    }
  })

  it.prop(
    "of a server in trouble proves nothing",
    [Schema.Int.check(Schema.isBetween({ minimum: 500, maximum: 599 })), Schema.String],
    ([error_code, description]) => {
      assert.strictEqual(ofRefusal({ error_code, description })._tag, "Unknown")
    }
  )

  it.prop("carries nothing of what Telegram wrote", [Schema.Int, Schema.String], ([error_code, description]) => {
    const marked = `Bad Request: 48151623420 ${description}`
    const outcome = JSON.stringify(ofRefusal({ error_code, description: marked, parameters: { retry_after: marked } }))
    assert.notInclude(outcome, "48151623420")
  })
})

describe("a failed connection", () => {
  it.prop("proves that nothing was sent if, and only if, nothing was written", [Schema.String], ([code]) => {
    assert.include(proofs, ofTransport(new NotWritten({ code }))._tag)
    assert.strictEqual(ofTransport(new NoAnswer({ stage: "waiting", code }))._tag, "Unknown")
    assert.strictEqual(ofTransport(new NoAnswer({ stage: "answering", code }))._tag, "Unknown")
  })

  for (const [code, expected] of [
    ["ECONNREFUSED", "connection-refused"],
    ["ENOTFOUND", "dns-failed"],
    ["EAI_AGAIN", "dns-failed"],
    ["UND_ERR_CONNECT_TIMEOUT", "connect-timed-out"],
    ["ETIMEDOUT", "connect-timed-out"],
    ["EHOSTUNREACH", "unreachable"],
    ["ENETUNREACH", "unreachable"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "tls-failed"],
    ["CERT_HAS_EXPIRED", "tls-failed"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "tls-failed"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "tls-failed"],
    ["ECONNRESET", "connect-failed"]
  ] as const) {
    it(`with ${code} before anything was written is ${expected}`, () => {
      assert.deepStrictEqual(ofTransport(new NotWritten({ code })), Transient({ reason: expected }))
    })
  }

  it("with the same ECONNREFUSED after writing is Unknown all the same", () => {
    assert.deepStrictEqual(
      ofTransport(new NoAnswer({ stage: "waiting", code: "ECONNREFUSED" })),
      Unknown({ reason: "connection-reset" })
    )
  })
})
