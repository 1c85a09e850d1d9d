// Where webhooks may go: publishers choose the addresses, so by default only to the public internet, and only encrypted.
import { Effect, Option, Schema } from "effect"
import type { MayConnect } from "#shared/gateway/http/GuardedConnect.ts"
import { type NotAccepted, Outcome } from "#shared/gateway/Outcome.ts"
import { flag, setting } from "#shared/service/Settings.ts"
import { isPublicAddress } from "./PublicAddress.ts"

export interface Reachable {
  /** Why an address is refused before anything is connected; nothing if it is not. */
  readonly refusal: (url: URL) => NotAccepted | undefined
  readonly mayConnect: MayConnect
}

/** WEBHOOK_ALLOW_HOSTS is wrong. */
export class BadHosts extends Schema.TaggedError<BadHosts>()("BadHosts", { entry: Schema.Int }) {
  override get message() {
    return `WEBHOOK_ALLOW_HOSTS has no name of a host in entry ${this.entry}: write clinic.internal,10.0.0.7`
  }
}

const hostOf = (text: string) =>
  text
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")

const isHost = (text: string) => /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/.test(text) || /^[0-9a-f:]+$/.test(text)

const hostsSetting = setting("WEBHOOK_ALLOW_HOSTS", Schema.String, {
  says: "Hosts that may have private addresses, and be reached by `http://`",
  takes: "names and addresses with commas between: `clinic.internal,10.0.0.7`"
})
const privateSetting = flag("WEBHOOK_ALLOW_PRIVATE", {
  says: "Whether any host may have a private address"
})
const httpSetting = flag("WEBHOOK_ALLOW_HTTP", {
  says: "Whether any host may be reached by `http://`"
})

const allowedHosts = Effect.gen(function* () {
  const given = yield* hostsSetting.given
  const hosts = Option.isNone(given) ? [] : given.value.split(",").map((part) => hostOf(part.trim()))
  const wrong = hosts.findIndex((host) => !isHost(host))
  return wrong < 0 ? new Set(hosts) : yield* new BadHosts({ entry: wrong + 1 })
})

export const reachable = Effect.gen(function* () {
  const hosts = yield* allowedHosts
  const allowPrivate = yield* privateSetting
  const allowHttp = yield* httpSetting
  return {
    refusal: ({ hostname, protocol }) =>
      protocol === "https:" || allowHttp || hosts.has(hostOf(hostname))
        ? undefined
        : Outcome.RejectedRecipient({ reason: "insecure-address" }),
    mayConnect: (address, host) => allowPrivate || isPublicAddress(address) || hosts.has(hostOf(host))
  } satisfies Reachable as Reachable
})
