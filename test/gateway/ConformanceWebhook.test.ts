// The webhook gateway does what any gateway must.
import { Effect } from "effect"
import { type Posted, Reply, webhookReceiver } from "../support/platforms/WebhookReceiver.ts"
import { conforms } from "./Conformance.ts"
import { type Arrival, Fault } from "./conformance/Platform.ts"

const answer = (status: number, headers: Readonly<Record<string, string>> = {}) => Reply.Answer({ status, headers })

const say = Fault.$match({
  Slow: ({ millis }) => Reply.Delay({ ms: millis }),
  ThrottlesRecipient: ({ seconds }) => answer(429, { "retry-after": String(seconds) }),
  // One receiver speaks for itself only: left out below.
  ThrottlesSender: () => answer(500),
  RefusesForNow: () => answer(425),
  RejectsContent: () => answer(422),
  RejectsRecipient: () => answer(410),
  RejectsSender: () => answer(401),
  LosesAnswer: () => Reply.Reset({ taken: true }),
  Hangs: () => Reply.Hang({ taken: true })
})

const arrivalAt =
  (root: string) =>
  ({ at, path, post }: Posted): Arrival => ({
    at,
    to: root + path,
    text: post.content.type === "text" ? post.content.text : ""
  })

conforms({
  platform: "webhook",
  gateway: "webhook-gateway",
  start: (plan) =>
    Effect.gen(function* () {
      const receiver: { root: string } = { root: "" }
      const { requests, root, taken } = yield* webhookReceiver((posted) => {
        const fault = plan(arrivalAt(receiver.root)(posted))
        return fault && say(fault)
      })
      receiver.root = root
      return { root, arrivals: () => requests.map(arrivalAt(root)), received: () => taken.map(arrivalAt(root)) }
    }),
  settings: (_, { perSecond, recipientPerSecond }) => ({
    WEBHOOK_SECRET: `whsec_${"MARKEDSECRET".repeat(3)}`,
    WEBHOOK_ALLOW_HOSTS: "127.0.0.1",
    WEBHOOK_MESSAGES_PER_SECOND: String(perSecond),
    WEBHOOK_URL_MESSAGES_PER_SECOND: String(recipientPerSecond)
  }),
  recipient: (root, n) => ({ url: `${root}/MARKEDADDRESS/${n}` }),
  hidden: ["MARKEDSECRET", "MARKEDADDRESS"],
  blames: "recipient",
  neverSays: ["ThrottlesSender"]
})
