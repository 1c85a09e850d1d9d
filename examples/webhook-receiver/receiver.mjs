// Receives Carillon's webhooks: verifies the signature, takes each message once, answers 204. Node's own modules only.
import { createHmac, timingSafeEqual } from "node:crypto"
import { createServer } from "node:http"

const key = Buffer.from((process.env.WEBHOOK_SECRET ?? "").replace(/^whsec_/, ""), "base64")
const toleranceSeconds = 300

/** `raw` is the body as it came: parsed and written again it is another one. */
const verified = (headers, raw) => {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures = "" } = headers
  if (!(Math.abs(Date.now() / 1_000 - Number(timestamp)) <= toleranceSeconds)) return false
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(raw).digest()
  return signatures.split(" ").some((signature) => {
    const [version, value = ""] = signature.split(",")
    const given = Buffer.from(value, "base64")
    return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected)
  })
}

// Yours is a table with the id as its key, written in the same transaction as what the message sets off.
const seen = new Set()

const server = createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const raw = Buffer.concat(chunks)
  if (!verified(request.headers, raw)) return response.writeHead(401).end()
  const id = request.headers["webhook-id"]
  if (!seen.has(id)) {
    const { content } = JSON.parse(raw)
    console.log(`took ${id}: ${content.type}`)
    seen.add(id)
  }
  // Also when it was here before: that is what makes a second post harmless.
  response.writeHead(204).end()
})
server.listen(Number(process.env.PORT ?? 9000), () => console.log(`listening on ${server.address().port}`))
