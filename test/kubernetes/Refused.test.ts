// Values that cannot be meant are refused before anything is installed, in words that say what to do.
import { assert, it } from "@effect/vitest"
import { chart, runTool } from "../../deploy/helm/Render.ts"
import { describeWithTools, refusal, valuesFile } from "./Helm.ts"

interface Case {
  readonly values: string
  /** What the message says. */
  readonly says: RegExp
}

/** Each over the values `minimal`, which are taken. */
const refused: Readonly<Record<string, Case>> = {
  "a key that there is not": { values: "natz: {}", says: /natz/ },
  "a key of a service that there is not": { values: "services: { scheduler: { replica: 2 } }", says: /replica/ },
  "a service that there is not": { values: "services: { fax-gateway: { enabled: true } }", says: /fax-gateway/ },
  "a number as text": { values: "services: { scheduler: { replicas: two } }", says: /services\/scheduler\/replicas/ },
  "no pods": { values: "services: { scheduler: { replicas: -1 } }", says: /services\/scheduler\/replicas/ },
  "a way to manage streams that there is not": { values: "streams: { manage: always }", says: /streams\/manage/ },
  "a way of migrations that there is not": { values: "migrations: { manage: by-hand }", says: /migrations\/manage/ },
  "a kind of autoscaling that there is not": { values: "autoscaling: { kind: vpa }", says: /autoscaling\/kind/ },
  "two kinds of NATS": {
    values: "trial: { nats: { enabled: true } }",
    says: /trial\.nats\.enabled and nats\.url exclude each other/
  },
  "no NATS": { values: 'nats: { url: "" }', says: /nats\.url is needed/ },
  "a password in the address of NATS": {
    values: "nats: { url: 'nats://carillon:hunter2@nats:4222' }",
    says: /nats\.url holds a user/
  },
  "keys of NATS without their secret": {
    values: 'nats: { auth: { kind: nkeys, existingSecret: "" } }',
    says: /name the secret in nats\.auth\.existingSecret/
  },
  "a password of NATS without its user": {
    values: "nats: { auth: { kind: password, existingSecret: nats } }",
    says: /nats\.auth\.user is needed/
  },
  "half of a certificate": {
    values: "nats: { tls: { existingSecret: tls, certKey: tls.crt } }",
    says: /belong together/
  },
  "no Postgres": { values: 'postgres: { existingSecret: "" }', says: /the ledger needs Postgres/ },
  "two kinds of Postgres": {
    values: "trial: { postgres: { enabled: true } }",
    says: /trial\.postgres\.enabled and postgres\.existingSecret exclude each other/
  },
  "the owner of the tables, whom nobody asks": {
    values: "migrations: { manage: service, database: { existingSecret: owner } }",
    says: /migrations\.database\.existingSecret is not used/
  },
  "NACK for a server of the trial": {
    values: 'nats: { url: "" }\ntrial: { nats: { enabled: true } }\nstreams: { manage: nack }',
    says: /streams\.manage is nack/
  },
  "an account of NACK without NACK": { values: "streams: { nack: { account: x } }", says: /streams\.nack\.account/ },
  "three copies on one server": {
    values: 'nats: { url: "" }\ntrial: { nats: { enabled: true } }\nstreams: { replicas: 3 }',
    says: /streams\.replicas is more than the one server/
  },
  "a gateway without a sender": {
    values: "services: { telegram-gateway: { enabled: true } }",
    says: /name its secret in services\.telegram-gateway\.senders\.default/
  },
  "a sender without its secret": {
    values: "services: { telegram-gateway: { enabled: true, senders: { default: {} } } }",
    says: /telegram-gateway\.default|telegram-gateway\/senders\/default/
  },
  "more gateways than can help": {
    values:
      "services: { telegram-gateway: { enabled: true, replicas: 8, senders: { default: { secret: t, key: t } } } }",
    says: /8 replicas are of no use/
  },
  "a gateway that scales": {
    values: "services: { telegram-gateway: { autoscaling: { enabled: true, minReplicas: 1, maxReplicas: 9 } } }",
    says: /telegram-gateway.*autoscaling/
  },
  "a budget that blocks every drain": {
    values: "defaults: { podDisruptionBudget: { maxUnavailable: 0 } }",
    says: /would block every drain|maxUnavailable/
  },
  "KEDA without the monitoring of NATS": {
    values: "autoscaling: { kind: keda }",
    says: /autoscaling\.keda\.monitoringEndpoint is needed/
  },
  "KEDA at an account that the users are not in": {
    values:
      "nats: { auth: { kind: nkeys, existingSecret: nats } }\nautoscaling: { kind: keda, keda: { monitoringEndpoint: nats:8222, account: $G } }",
    says: /autoscaling\.keda\.account is \$G, but nats\.auth\.kind is nkeys/
  },
  "KEDA at an account of a server that has none": {
    values:
      "nats: { auth: { kind: token, existingSecret: nats } }\nautoscaling: { kind: keda, keda: { monitoringEndpoint: nats:8222, account: CARILLON } }",
    says: /nats\.auth\.kind is token: a server with a token has no accounts/
  },
  "a least above the most": {
    values: "services: { scheduler: { autoscaling: { minReplicas: 9, maxReplicas: 3 } } }",
    says: /minReplicas 9 is above maxReplicas 3/
  },
  "a secret among the settings": {
    values: "services: { ledger: { env: { DATABASE_URL: 'postgres://ledger:hunter2@db/carillon' } } }",
    says: /DATABASE_URL is a secret: name it in secretFiles/
  },
  "a secret among the settings of all": {
    values: "defaults: { env: { NATS_PASSWORD: hunter2 } }",
    says: /NATS_PASSWORD is a secret: name it in secretFiles/
  },
  "a setting that the chart makes itself": {
    values: "defaults: { env: { HTTP_PORT: '9000' } }",
    says: /HTTP_PORT is set by the chart itself/
  },
  "External Secrets without a store": {
    values: "externalSecrets: { enabled: true }",
    says: /externalSecrets\.secretStoreRef\.name is needed/
  },
  "headers for no collector": {
    values: "telemetry: { headers: { existingSecret: otlp } }",
    says: /telemetry\.headers without telemetry\.endpoint/
  }
}

describeWithTools("the chart refuses", () => {
  it.each(Object.entries(refused))("%s", async (_, { says, values }) => {
    const message = await refusal(values)
    assert.match(message, says)
    // What somebody wrote by mistake may be a password.
    assert.notInclude(message, "hunter2")
  })

  it("nothing of the values that each case changes", async () => {
    assert.strictEqual(await refusal("{}"), "")
  })
})

describeWithTools("KEDA looks", () => {
  it.each([
    ["none", "$G"],
    ["token", "$G"],
    ["nkeys", "CARILLON"],
    ["creds", "CARILLON"]
  ])("where the streams are, with %s", async (kind, account) => {
    const existingSecret = kind === "none" ? "" : "nats"
    const values = {
      nats: { auth: { kind, existingSecret } },
      autoscaling: { kind: "keda", keda: { monitoringEndpoint: "nats:8222" } }
    }
    const files = ["--values", valuesFile("minimal"), "--values", "-"]
    const text = await runTool("helm", ["template", "carillon", chart, ...files], JSON.stringify(values))
    const accounts = [...text.matchAll(/^ +account: "(.*)"$/gm)].map(([, found]) => found)
    assert.deepStrictEqual([...new Set(accounts)], [account])
  })
})
