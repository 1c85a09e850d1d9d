// Who we are to NATS: by the same variables as the `nats` command line. Files are read again whenever
// a connection is made, so that what was renewed counts from the next one on.
import {
  type Authenticator,
  type ConnectionOptions,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator
} from "@nats-io/transport-node"
import { Effect, Option, Redacted, Schema } from "effect"
import { contentOf, renewing, UnreadableFile } from "#shared/service/SecretFiles.ts"
import { secret, setting } from "#shared/service/Settings.ts"
import { addressesIn, unreadable } from "./Addresses.ts"
import { BadCredentials, text, trust, trustSettings } from "./Trust.ts"

/** Where NATS is. */
export const natsUrl = secret("NATS_URL", {
  says: "Where NATS is, several addresses with commas between; may hold the user and password, or the token",
  takes: "`nats://` or, for TLS or nothing, `tls://`",
  byDefault: "nats://127.0.0.1:4222"
})
const passwordSetting = secret("NATS_PASSWORD", {
  says: "The password of `NATS_USER`; its file is read anew for each connection"
})
const tokenSetting = secret("NATS_TOKEN", {
  says: "A token instead of a user, where NATS wants one; its file is read anew for each connection"
})

const valueOf = Effect.map((found: Option.Option<Redacted.Redacted<string>>) =>
  Option.getOrUndefined(Option.map(found, Redacted.value))
)
const pathOf = Effect.map(Option.getOrUndefined<string>)

const settings = Effect.all({
  url: natsUrl,
  creds: text("NATS_CREDS", {
    takes: "a path",
    says: "A file with a JWT and its key, as `nsc` makes it: who we are to NATS; read anew for each connection"
  }),
  nkey: text("NATS_NKEY", {
    takes: "a path",
    says: "A file with a seed, as `carillon nats users` makes it: who we are to NATS; read anew for each connection"
  }),
  user: text("NATS_USER", { says: "Who we are to NATS, with `NATS_PASSWORD`" }),
  password: valueOf(passwordSetting.given),
  passwordFile: pathOf(passwordSetting.file),
  token: valueOf(tokenSetting.given),
  tokenFile: pathOf(tokenSetting.file),
  trusting: trustSettings,
  inboxPrefix: setting(
    "NATS_INBOX_PREFIX",
    Schema.String.check(
      Schema.isPattern(/^_INBOX[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$/, { message: "must be like _INBOX.scheduler" })
    ),
    {
      says: "Where answers of NATS come to: one of its own where permissions are narrow",
      takes: "like `_INBOX.scheduler`",
      otherwise: "`_INBOX`"
    }
  ).given
})
type Settings = Effect.Success<typeof settings>

interface Secret {
  readonly setting: string
  readonly file?: string | undefined
  readonly value?: string | undefined
}

/** What it is now, once it is known to be usable. */
const current = ({ file, setting, value = "" }: Secret, use: (content: string) => unknown = () => {}) =>
  renewing(() => {
    const content = file === undefined ? value : contentOf(setting, file)
    use(content)
    return content
  })

const bytes = (content: string) => new TextEncoder().encode(content)

/** A file with a key in it, which is proved with what the server would ask to be signed. */
const signing = (setting: string, file: string, kind: (content: () => string) => Authenticator) => {
  const provable = (content: string) => {
    try {
      kind(() => content)("nonce")
    } catch {
      throw new UnreadableFile({ setting, path: file, code: "no credentials in it" })
    }
  }
  return kind(current({ setting, file }, provable))
}

const bySeed = (content: () => string) => nkeyAuthenticator(() => bytes(content()))
/** The client finds the end of a creds file by its last line break. */
const byCreds = (content: () => string) => credsAuthenticator(() => bytes(`${content()}\n`))

const ofUrl = ({ password, username }: URL) =>
  password
    ? usernamePasswordAuthenticator(decodeURIComponent(username), decodeURIComponent(password))
    : tokenAuthenticator(decodeURIComponent(username))

const authenticators = (given: Settings, url: URL | undefined) => {
  const { creds, nkey, password, passwordFile, token, tokenFile, user } = given
  const ways: ReadonlyArray<false | readonly [string, () => Authenticator]> = [
    creds !== undefined && ["NATS_CREDS", () => signing("NATS_CREDS", creds, byCreds)],
    nkey !== undefined && ["NATS_NKEY", () => signing("NATS_NKEY", nkey, bySeed)],
    user !== undefined && [
      "NATS_USER",
      () =>
        usernamePasswordAuthenticator(
          user,
          current({ setting: "NATS_PASSWORD_FILE", file: passwordFile, value: password })
        )
    ],
    (token ?? tokenFile) !== undefined && [
      "NATS_TOKEN",
      () => tokenAuthenticator(current({ setting: "NATS_TOKEN_FILE", file: tokenFile, value: token }))
    ],
    url?.username ? ["the user in NATS_URL", () => ofUrl(url)] : false
  ]
  return ways.filter((way) => way !== false)
}

const optionsOf = (given: Settings) => {
  const { urls, shown } = addressesIn(Redacted.value(given.url))
  const [way, another] = authenticators(given, urls[0])
  if (way && another)
    throw new BadCredentials({ problem: `Give one of ${way[0]} and ${another[0]}: both say who we are to NATS.` })
  const hosts = urls.map(({ hostname }) => hostname.replace(/^\[|\]$/g, ""))
  const tls = trust(
    given.trusting,
    hosts,
    urls.some(({ protocol }) => protocol === "tls:")
  )
  return {
    servers: shown,
    ...(way ? { authenticator: way[1]() } : {}),
    ...(tls ? { tls } : {}),
    ...(Option.isSome(given.inboxPrefix) ? { inboxPrefix: given.inboxPrefix.value } : {})
  } satisfies ConnectionOptions
}

export const credentials = Effect.flatMap(settings, (given) =>
  Effect.try({
    try: () => optionsOf(given),
    catch: (error) =>
      error instanceof BadCredentials || error instanceof UnreadableFile
        ? new BadCredentials({ problem: error.message })
        : unreadable()
  })
)
