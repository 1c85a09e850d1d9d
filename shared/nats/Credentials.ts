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
import { Config, Effect, Option, Redacted, Schema } from "effect"
import { contentOf, renewing, UnreadableFile } from "#shared/service/SecretFiles.ts"
import { BadCredentials, text, trust, trustSettings } from "./Trust.ts"

const secret = (name: string) =>
  Config.map(Config.option(Config.Redacted(name)), (found) => Option.getOrUndefined(Option.map(found, Redacted.value)))

const settings = Config.all({
  url: Config.Redacted("NATS_URL").pipe(Config.withDefault(Redacted.make("nats://127.0.0.1:4222"))),
  creds: text("NATS_CREDS"),
  nkey: text("NATS_NKEY"),
  user: text("NATS_USER"),
  password: secret("NATS_PASSWORD"),
  passwordFile: text("NATS_PASSWORD_FILE"),
  token: secret("NATS_TOKEN"),
  tokenFile: text("NATS_TOKEN_FILE"),
  trusting: trustSettings,
  inboxPrefix: Config.option(
    Config.schema(
      Schema.String.check(
        Schema.isPattern(/^_INBOX[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$/, { message: "must be like _INBOX.scheduler" })
      ),
      "NATS_INBOX_PREFIX"
    )
  )
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

const authenticators = (given: Settings, url: URL | null) => {
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
    Boolean(url?.username) && ["the user in NATS_URL", () => ofUrl(url as URL)]
  ]
  return ways.filter((way) => way !== false)
}

const withoutUser = (server: string) => server.replace(/^([a-z]+:\/\/)?[^@/]*@/, "$1")

const optionsOf = (given: Settings) => {
  const servers = Redacted.value(given.url)
    .split(",")
    .map((server) => server.trim())
  const [way, another] = authenticators(given, URL.parse(servers[0] ?? ""))
  if (way && another)
    throw new BadCredentials({ problem: `Give one of ${way[0]} and ${another[0]}: both say who we are to NATS.` })
  const hosts = servers.map((server) => URL.parse(server)?.hostname.replace(/^\[|\]$/g, "") ?? "")
  const tls = trust(
    given.trusting,
    hosts,
    servers.some((server) => server.startsWith("tls://"))
  )
  return {
    servers: servers.map(withoutUser),
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
        : new BadCredentials({ problem: "NATS_URL is not a list of addresses like nats://host:4222" })
  })
)
