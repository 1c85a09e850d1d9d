// The profile "restricted" of Pod Security, as https://kubernetes.io/docs/concepts/security/pod-security-standards says it,
// and what goes beyond it.
import type { IContainer } from "kubernetes-models/v1/Container"
import { changeContainer, changeWorkload, eachContainer, eachWorkload, type Topic } from "../Rule.ts"

/** Of restricted: volumes that bring nothing of the node. */
const volumes = new Set([
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "persistentVolumeClaim",
  "projected",
  "secret"
])

const security = (container: IContainer) => {
  container.securityContext ??= {}
  return container.securityContext
}

export const podSecurity: Topic = {
  about: "each pod",
  rules: [
    {
      says: "runs as a user that is not root, told by number",
      broken: eachContainer(({ securityContext: own = {} }, { pod: { securityContext: all = {} } }) => {
        const user = own.runAsUser ?? all.runAsUser
        const group = own.runAsGroup ?? all.runAsGroup
        return [
          ...((own.runAsNonRoot ?? all.runAsNonRoot) === true ? [] : ["runAsNonRoot is not true"]),
          ...(user !== undefined && user > 0 ? [] : [`runAsUser is ${user}`]),
          ...(group !== undefined && group > 0 ? [] : [`runAsGroup is ${group}`])
        ]
      }),
      bites: {
        "user 0": changeContainer((container) => {
          security(container).runAsUser = 0
        }),
        "no user": changeWorkload(({ pod }) => {
          pod.securityContext = { runAsNonRoot: true, runAsGroup: 1 }
          for (const container of pod.containers) delete container.securityContext
        }),
        "a container that may be root": changeContainer((container) => {
          security(container).runAsNonRoot = false
        })
      }
    },
    {
      says: "has a root file system that is only read",
      broken: eachContainer(({ securityContext }) =>
        securityContext?.readOnlyRootFilesystem === true ? undefined : "may write its root file system"
      ),
      bites: {
        "one that may be written": changeContainer((container) => {
          delete security(container).readOnlyRootFilesystem
        })
      }
    },
    {
      says: "gains no privileges",
      broken: eachContainer(({ securityContext: own = {} }) => [
        ...(own.allowPrivilegeEscalation === false ? [] : ["allowPrivilegeEscalation is not false"]),
        ...(own.privileged ? ["is privileged"] : []),
        ...(own.procMount && own.procMount !== "Default" ? ["procMount"] : [])
      ]),
      bites: {
        "escalation that is not ruled out": changeContainer((container) => {
          delete security(container).allowPrivilegeEscalation
        }),
        "a privileged container": changeContainer((container) => {
          security(container).privileged = true
        })
      }
    },
    {
      says: "has no capabilities of root",
      broken: eachContainer(({ securityContext }) => {
        const { add = [], drop = [] } = securityContext?.capabilities ?? {}
        return [
          ...(drop.includes("ALL") ? [] : ["does not drop ALL capabilities"]),
          ...add.map((name) => `has ${name}`)
        ]
      }),
      bites: {
        "some kept": changeContainer((container) => {
          security(container).capabilities = { drop: ["NET_RAW"] }
        }),
        "one added": changeContainer((container) => {
          security(container).capabilities = { drop: ["ALL"], add: ["SYS_ADMIN"] }
        })
      }
    },
    {
      says: "filters system calls",
      broken: eachContainer(({ securityContext: own }, { pod }) => {
        const type = (own?.seccompProfile ?? pod.securityContext?.seccompProfile)?.type
        return type === "RuntimeDefault" || type === "Localhost" ? undefined : `seccompProfile is ${type}`
      }),
      bites: {
        "no filter": changeWorkload(({ pod }) => {
          for (const container of pod.containers) delete container.securityContext?.seccompProfile
          delete pod.securityContext?.seccompProfile
        }),
        "a filter that lets all through": changeContainer((container) => {
          security(container).seccompProfile = { type: "Unconfined" }
        })
      }
    },
    {
      says: "keeps out of its node",
      broken: eachWorkload(({ pod }) => [
        ...(["hostNetwork", "hostPID", "hostIPC"] as const).filter((part) => pod[part]),
        ...(pod.volumes ?? []).flatMap(({ name, ...source }) =>
          Object.keys(source)
            .filter((kind) => !volumes.has(kind))
            .map((kind) => `volume ${name} is ${kind}`)
        ),
        ...(pod.securityContext?.sysctls ?? []).map(({ name }) => `sets ${name}`),
        ...[...(pod.initContainers ?? []), ...pod.containers].flatMap(({ ports = [] }) =>
          ports.filter(({ hostPort }) => hostPort).map(({ hostPort }) => `takes port ${hostPort} of its node`)
        )
      ]),
      bites: {
        "the network of its node": changeWorkload(({ pod }) => {
          pod.hostNetwork = true
        }),
        "a folder of its node": changeWorkload(({ pod }) => {
          pod.volumes = [...(pod.volumes ?? []), { name: "node", hostPath: { path: "/" } }]
        }),
        "a port of its node": changeContainer((container) => {
          container.ports = [{ containerPort: 8080, hostPort: 8080 }]
        })
      }
    },
    {
      says: "is given no token of the cluster's API",
      broken: eachWorkload(({ pod }) => [
        ...(pod.automountServiceAccountToken === false ? [] : ["automountServiceAccountToken is not false"]),
        ...(pod.volumes ?? []).flatMap(({ name, projected }) =>
          projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken) ? [`volume ${name}`] : []
        )
      ]),
      bites: {
        "one mounted by default": changeWorkload(({ pod }) => {
          delete pod.automountServiceAccountToken
        }),
        "one among its volumes": changeWorkload(({ pod }) => {
          const token = { serviceAccountToken: { path: "token" } }
          pod.volumes = [...(pod.volumes ?? []), { name: "token", projected: { sources: [token] } }]
        })
      }
    },
    {
      // A Service called `http` would set HTTP_PORT.
      says: "has no settings by the names of Services that happen to be there",
      broken: eachWorkload(({ pod }) =>
        pod.enableServiceLinks === false ? undefined : "enableServiceLinks is not false"
      ),
      bites: {
        "links as Kubernetes makes them by default": changeWorkload(({ pod }) => {
          delete pod.enableServiceLinks
        })
      }
    }
  ]
}
