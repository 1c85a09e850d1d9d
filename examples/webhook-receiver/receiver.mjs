// Receives Carillon's webhooks: verifies the signature, takes each message once, answers 204. Node's own modules only.
import { createHmac, timingSafeEqual } from "node:crypto"
import { createServer } from "node:http"

const key = Buffer.from((process.env.WEBHOOK_SECRET ?? "").replace(/^whsec_/, ""), "base64")
if (key.length < 24) {
  // With an empty key anybody could sign.
  console.error("WEBHOOK_SECRET must be that of the sender: whsec_ and 24 bytes or more in base64")
  process.exit(2)
}
const toleranceSeconds = 300
// Far more than any message has.
const mostBytes = 1_048_576

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

/** Nothing if it is too much, which is read to its end and not kept: the sender hears the answer then. */
const bodyOf = async (request) => {
  const chunks = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes <= mostBytes) chunks.push(chunk)
  }
  return bytes <= mostBytes ? Buffer.concat(chunks) : undefined
}

/** Nothing if it is no message. */
const typeIn = (raw) => {
  try {
    return JSON.parse(raw).content.type
  } catch {
    return undefined
  }
}

/** The status to answer with. */
const take = async (request) => {
  const raw = await bodyOf(request)
  if (!raw) return 413
  if (!verified(request.headers, raw)) return 401
  const id = request.headers["webhook-id"]
  const type = typeIn(raw)
  if (!type) return 400
  if (!seen.has(id)) {
    console.log(`took ${id}: ${type}`)
    seen.add(id)
  }
  // Also when it was here before: that is what makes a second post harmless.
  return 204
}

const server = createServer((request, response) => {
  // Who leaves in the middle ends nobody else's post. Of what fails here the sender hears 500, and posts it again.
  take(request)
    .catch(() => 500)
    .then((status) => response.writeHead(status).end())
})
server.listen(Number(process.env.PORT ?? 9000), () => console.log(`listening on ${server.address().port}`))
