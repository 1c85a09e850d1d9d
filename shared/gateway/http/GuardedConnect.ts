// Opens connections only to addresses that are allowed. What counts is the address that is really connected to, after the
// name was resolved: a name may mean another address each time it is asked for.
import { type LookupAddress, type LookupOptions, lookup } from "node:dns"
import { isIP } from "node:net"
import { buildConnector } from "undici"

/** The code of a `NotWritten` whose host has no address that is allowed. */
export const addressForbidden = "ADDRESS_FORBIDDEN"

class AddressForbidden extends Error {
  readonly code = addressForbidden
}

/** `host` as it stands in the URL, without brackets. */
export type MayConnect = (address: string, host: string) => boolean

type Found = (error: Error | null, found: string | ReadonlyArray<LookupAddress>, family?: number) => void

const allowedLookup =
  (mayConnect: MayConnect) =>
  (host: string, options: LookupOptions, found: Found): void =>
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error) return found(error, [])
      const allowed = addresses.filter(({ address }) => mayConnect(address, host))
      const [first] = allowed
      if (!first) return found(new AddressForbidden(), [])
      return options.all ? found(null, allowed) : found(null, first.address, first.family)
    })

export const guardedConnect = (mayConnect: MayConnect, timeoutMs: number): buildConnector.connector => {
  const connect = buildConnector({
    allowH2: false,
    timeout: timeoutMs,
    lookup: allowedLookup(mayConnect) as never
  } as buildConnector.BuildOptions)
  // An address that stands in the URL itself is never looked up.
  return (options, done) =>
    isIP(options.hostname) && !mayConnect(options.hostname, options.hostname)
      ? queueMicrotask(() => done(new AddressForbidden(), null))
      : connect(options, done)
}
