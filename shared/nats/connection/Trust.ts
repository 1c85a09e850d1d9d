// Whom we trust as NATS, and the certificate by which it may know us: TLS, as the `nats` command line has it.
import { checkServerIdentity, type PeerCertificate } from "node:tls"
import type { TlsOptions } from "@nats-io/transport-node"
import { Effect, Option, Schema } from "effect"
import { contentOf } from "#shared/service/SecretFiles.ts"
import { flag, type Meaning, setting } from "#shared/service/Settings.ts"

/** What was given cannot be used: names the setting and its file, never what is in it. */
export class BadCredentials extends Schema.TaggedError<BadCredentials>()("BadCredentials", {
  problem: Schema.String
}) {
  override get message() {
    return this.problem
  }
}

export const text = (key: string, meaning: Meaning) =>
  Effect.map(setting(key, Schema.String, meaning).given, Option.getOrUndefined)

export const trustSettings = Effect.all({
  ca: text("NATS_CA", {
    takes: "a path",
    says: "A file with the certificates of the authority that NATS is to be known by; TLS is a must then"
  }),
  cert: text("NATS_CERT", {
    takes: "a path",
    says: "A file with our own certificate, where NATS wants to see one; with `NATS_KEY`"
  }),
  key: text("NATS_KEY", { takes: "a path", says: "The file with the key of `NATS_CERT`" }),
  tlsFirst: flag("NATS_TLS_FIRST", {
    says: "Whether TLS begins before NATS says a word: where the server has `handshake_first`"
  })
})
type TrustSettings = Effect.Success<typeof trustSettings>

/**
 * Of a server that is named by its IP address the client asks for the name `localhost`: any certificate of the authority
 * for that would do. It is to be valid for one of the addresses that we were given.
 */
const checkIdentity = (hosts: ReadonlyArray<string>) => (asked: string, certificate: PeerCertificate) => {
  const names = asked === "localhost" && !hosts.includes(asked) ? hosts : [asked]
  const problems = names.map((name) => checkServerIdentity(name, certificate))
  return problems.includes(undefined) ? undefined : problems[0]
}

export const trust = (
  { ca, cert, key, tlsFirst }: TrustSettings,
  hosts: ReadonlyArray<string>,
  secured: boolean
): TlsOptions | undefined => {
  const files = { NATS_CA: ca, NATS_CERT: cert, NATS_KEY: key }
  for (const [setting, path] of Object.entries(files)) if (path !== undefined) contentOf(setting, path)
  if ((cert === undefined) !== (key === undefined))
    throw new BadCredentials({ problem: "NATS_CERT and NATS_KEY belong together: give both, or neither." })
  const identity = { checkServerIdentity: checkIdentity(hosts) } as TlsOptions
  // Without a wish for TLS there may be none; where a server wants it, who it is counts all the same.
  if (!secured && !tlsFirst && ca === undefined && cert === undefined) return undefined
  return {
    ...identity,
    ...(ca === undefined ? {} : { caFile: ca }),
    ...(cert === undefined || key === undefined ? {} : { certFile: cert, keyFile: key }),
    ...(tlsFirst ? { handshakeFirst: true } : {})
  }
}
