// Secrets from elsewhere, by the External Secrets Operator (external-secrets.io/v1). The package with its types has v1beta1
// only, which the operator no longer serves.
import type { Custom } from "./Custom.ts"

interface RemoteRef {
  readonly key: string
  readonly property?: string
  readonly version?: string
  readonly metadataPolicy?: "None" | "Fetch"
  readonly conversionStrategy?: "Default" | "Unicode"
  readonly decodingStrategy?: "Auto" | "Base64" | "Base64URL" | "None"
}

export interface ExternalSecretSpec {
  readonly secretStoreRef?: { readonly name?: string; readonly kind?: "SecretStore" | "ClusterSecretStore" }
  readonly refreshPolicy?: "CreatedOnce" | "Periodic" | "OnChange"
  readonly refreshInterval?: string
  readonly target?: {
    readonly name?: string
    readonly creationPolicy?: "Owner" | "Orphan" | "Merge" | "None"
    readonly deletionPolicy?: "Delete" | "Merge" | "Retain"
    readonly immutable?: boolean
    readonly template?: {
      readonly type?: string
      readonly engineVersion?: "v2"
      readonly mergePolicy?: "Replace" | "Merge"
      readonly metadata?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> }
      readonly data?: Readonly<Record<string, string>>
    }
  }
  readonly data?: ReadonlyArray<{ readonly secretKey: string; readonly remoteRef: RemoteRef }>
  readonly dataFrom?: ReadonlyArray<{ readonly extract?: RemoteRef }>
}

export type IExternalSecret = Custom<"external-secrets.io/v1", "ExternalSecret", ExternalSecretSpec>
