// NetworkPolicies, as a network plugin judges them: who gets where.
import { BlockList, isIPv6 } from "node:net"
import { called, containersOf, ofKind, type Release, selects, type Workload, workloads } from "../Objects.ts"
import { changeContainer, eachWorkload, some, type Topic } from "../Rule.ts"

type Policy = ReturnType<typeof policies>[number]
type Egress = NonNullable<NonNullable<Policy["spec"]>["egress"]>[number]

const policies = (release: Release) => ofKind(release, "NetworkPolicy")

const typesOf = ({ spec }: Policy) => spec?.policyTypes ?? (spec?.egress ? ["Ingress", "Egress"] : ["Ingress"])

const of = (release: Release, { labels }: Workload, type: "Ingress" | "Egress") =>
  policies(release).filter((it) => typesOf(it).includes(type) && selects(it.spec?.podSelector ?? {}, labels))

const family = (address: string) => (isIPv6(address) ? "ipv6" : "ipv4")

/** An IPv4 address is in no block of IPv6, though a BlockList has all of them in ::/0. */
const blocks = (cidrs: ReadonlyArray<string>) => (address: string) => {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [network = "", length] = cidr.split("/")
    if (family(network) === family(address)) list.addSubnet(network, Number(length), family(network))
  }
  return list.check(address, family(address))
}

/** Outside of the cluster: peers by labels are not there. */
const letsOut = ({ ports = [], to = [] }: Egress, address: string, port: number, protocol: string) =>
  (ports.length === 0 ||
    ports.some(
      ({ endPort, port: first, protocol: by = "TCP" }) =>
        by === protocol && (first === undefined || (port >= Number(first) && port <= (endPort ?? Number(first))))
    )) &&
  (to.length === 0 ||
    to.some(({ ipBlock }) => ipBlock && blocks([ipBlock.cidr])(address) && !blocks(ipBlock.except ?? [])(address)))

const reaches = (release: Release, workload: Workload, address: string, port: number) => {
  const all = of(release, workload, "Egress")
  return all.length === 0 || all.some(({ spec }) => spec?.egress?.some((rule) => letsOut(rule, address, port, "TCP")))
}

/** Where a policy that names pods or namespaces leads, only its ports are known. */
const goesTo = (release: Release, workload: Workload, port: number, protocol = "TCP") => {
  const all = of(release, workload, "Egress")
  const rules = all.flatMap(({ spec }) => spec?.egress ?? [])
  return all.length === 0 || rules.some((rule) => letsOut({ ports: rule.ports ?? [] }, "", port, protocol))
}

const anywhere = ["198.51.100.7", "2001:db8::7"]
const usual = [443, 80, 8443, 25]
const metadata = "169.254.169.254"
/** Private, and named by no file of values. */
const nearby = ["10.0.0.1", metadata]

/** As if nobody had left out private networks and metadata of what is the internet. */
const withoutException = (release: Release) => {
  const peers = policies(release)
    .flatMap(({ spec }) => spec?.egress ?? [])
    .flatMap(({ to }) => to ?? [])
  delete some(peers, ({ ipBlock }) => ipBlock?.except !== undefined).ipBlock?.except
}

const isGateway = ({ labels }: Workload) => Boolean(labels["app.kubernetes.io/component"]?.endsWith("-gateway"))

const isTrial = ({ labels }: Workload) => Boolean(labels["app.kubernetes.io/component"]?.startsWith("trial-"))

/** Ports of the addresses that a pod is told. */
const portsTold = (workload: Workload, setting: string, otherwise: number) =>
  containersOf(workload)
    .flatMap(({ env = [] }) => env.filter(({ name, value }) => name === setting && value))
    .flatMap(({ value = "" }) => value.split(",").map((url) => Number(URL.parse(url.trim())?.port || otherwise)))

export const network: Topic = {
  about: "the network",
  rules: [
    {
      says: "is closed to every pod, in and out, unless the values say otherwise",
      broken: (release) =>
        release.given.networkPolicy?.enabled === false
          ? []
          : workloads(release).flatMap((workload) =>
              (["Ingress", "Egress"] as const)
                .filter((type) => of(release, workload, type).length === 0)
                .map((type) => `${workload.called}: ${type} is open`)
            ),
      bites: {
        "no policy": (release) => {
          for (const { spec } of policies(release))
            Object.assign(spec ?? {}, { podSelector: { matchLabels: { no: "pod" } } })
        },
        "policies of one direction": (release) => {
          for (const { spec } of policies(release)) Object.assign(spec ?? {}, { policyTypes: ["Ingress"] })
        }
      }
    },
    {
      says: "leads to the internet from gateways only",
      broken: eachWorkload((workload, release) =>
        policies(release).length === 0
          ? undefined
          : anywhere.flatMap((address) =>
              usual
                .filter((port) => reaches(release, workload, address, port) && !(isGateway(workload) && port === 443))
                .map((port) => `reaches ${address} at ${port}`)
            )
      ),
      bites: {
        "for all": (release) => {
          some(policies(release), ({ spec }) => spec?.egress === undefined).spec = {
            podSelector: {},
            policyTypes: ["Egress"],
            egress: [{ to: [{ ipBlock: { cidr: "0.0.0.0/0" } }] }]
          }
        },
        "by a rule that names nobody": (release) => {
          const rules = policies(release).flatMap(({ spec }) => spec?.egress ?? [])
          delete some(rules, ({ to }) => Boolean(to?.length)).to
          delete some(rules, ({ to }) => !to?.length).ports
        }
      }
    },
    {
      says: "leads gateways to the internet",
      broken: eachWorkload((workload, release) =>
        isGateway(workload) &&
        !anywhere.some((address) => reaches(release, workload, address, 443)) &&
        !narrowed(release)
          ? "reaches nothing"
          : undefined
      ),
      bites: {
        "a way that is missing": (release) => {
          const gateway = some(workloads(release), isGateway)
          for (const { spec } of of(release, gateway, "Egress")) {
            for (const rule of spec?.egress ?? []) rule.ports = [{ port: 1 }]
          }
        }
      }
    },
    {
      says: "leads gateways to no private network that is not named, for publishers choose where webhooks go",
      broken: eachWorkload((workload, release) =>
        isGateway(workload) && policies(release).length > 0
          ? nearby.filter((address) => reaches(release, workload, address, 443)).map((address) => `reaches ${address}`)
          : undefined
      ),
      bites: {
        "an exception that is missing": withoutException,
        "no address, which is any": (release) => {
          const rules = policies(release).flatMap(({ spec }) => spec?.egress ?? [])
          delete some(rules, ({ ports, to }) => Boolean(to) && ports?.[0]?.port === 443).to
        }
      }
    },
    {
      says: "never leads to the metadata of a cloud, where its credentials are",
      broken: eachWorkload((workload, release) =>
        policies(release).length > 0 && reaches(release, workload, metadata, 80) ? `reaches ${metadata}` : undefined
      ),
      bites: {
        "an exception that is missing": (release) => {
          withoutException(release)
          for (const { spec } of policies(release)) for (const rule of spec?.egress ?? []) delete rule.ports
        }
      }
    },
    {
      says: "leads every pod to what it is told to use, and to DNS",
      broken: eachWorkload((workload, release) => {
        const told = [
          ...portsTold(workload, "NATS_URL", 4222).map((port) => ["NATS", port] as const),
          ...portsTold(workload, "OTEL_EXPORTER_OTLP_ENDPOINT", 4318).map((port) => ["the collector", port] as const)
        ]
        return [
          ...told
            .filter(([, port]) => !goesTo(release, workload, port))
            .map(([what, port]) => `cannot reach ${what} at ${port}`),
          ...(told.length > 0 && !goesTo(release, workload, 53, "UDP") ? ["cannot ask DNS"] : [])
        ]
      }),
      bites: {
        "another port of NATS": changeContainer(
          ({ env = [] }) => {
            some(env, ({ name }) => name === "NATS_URL").value = "nats://nats.example:4333"
          },
          ({ env = [] }) => env.some(({ name }) => name === "NATS_URL")
        ),
        "no DNS": (release) => {
          const ports = policies(release).flatMap(({ spec }) => spec?.egress?.flatMap(({ ports }) => ports ?? []) ?? [])
          some(ports, ({ port }) => port === 53)
          for (const one of ports) if (one.port === 53) one.port = 54
        }
      }
    },
    {
      // Where it is on every node, or at another port, not even a job before an install would find NATS.
      says: "leads every pod to the DNS that the values name",
      broken: eachWorkload((workload, release) => {
        const { ports = [], to = [] } = release.given.networkPolicy?.dns ?? {}
        const rules = of(release, workload, "Egress").flatMap(({ spec }) => spec?.egress ?? [])
        return isTrial(workload)
          ? undefined
          : to
              .flatMap(({ ipBlock }) => ipBlock?.cidr.split("/")[0] ?? [])
              .flatMap((address) => ports.flatMap((port) => ["UDP", "TCP"].map((by) => [address, port, by] as const)))
              .filter(([address, port, by]) => !rules.some((rule) => letsOut(rule, address, port, by)))
              .map((where) => `cannot ask ${where.join(" ")}`)
      }),
      bites: {
        "the usual one only": (release) => {
          const peers = policies(release).flatMap(({ spec }) => spec?.egress?.flatMap(({ to }) => to ?? []) ?? [])
          delete some(peers, ({ ipBlock }) => ipBlock?.cidr === "169.254.20.10/32").ipBlock
        }
      }
    },
    {
      says: "lets nobody in who is not named",
      broken: (release) =>
        policies(release).flatMap((policy) =>
          (policy.spec?.ingress ?? [])
            .filter(
              ({ from, ports }) =>
                !from?.length || !ports?.length || from.some((peer) => Object.keys(peer).length === 0)
            )
            .map(() => `${called(policy)} lets everybody in`)
        ),
      bites: {
        everybody: (release) => {
          const rules = policies(release).flatMap(({ spec }) => spec?.ingress ?? [])
          delete some(rules, ({ from }) => from !== undefined).from
        }
      }
    }
  ]
}

/** The values may name the addresses that gateways are to reach, instead of the whole internet. */
const narrowed = ({ given }: Release) => JSON.stringify(given).includes("internetCidrs")
