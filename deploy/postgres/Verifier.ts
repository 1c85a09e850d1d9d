// A password as Postgres keeps it (SCRAM-SHA-256, RFC 5803): who sets it so sends no password, and none is in the server's log.
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto"
import { text } from "node:stream/consumers"

/** As many as Postgres takes itself. */
const iterations = 4_096

/** Of a password in ASCII. In place of it in ALTER ROLE … PASSWORD. */
export const verifier = (password: string): string => {
  const salt = randomBytes(16)
  const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256")
  const key = (name: string) => createHmac("sha256", salted).update(name).digest()
  const stored = createHash("sha256").update(key("Client Key")).digest("base64")
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${stored}:${key("Server Key").toString("base64")}`
}

if (import.meta.main) console.log(verifier((await text(process.stdin)).trim()))
