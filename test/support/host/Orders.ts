// What a test and the host of its services say to each other.
import type { ServiceName } from "#shared/service/Services.ts"

export interface Order {
  /** What the answers to it are told by. */
  readonly id: number
  readonly what:
    | { readonly start: ServiceName; readonly environment: Readonly<Record<string, string>> }
    | { readonly command: ReadonlyArray<string>; readonly environment: Readonly<Record<string, string>> }
    | "stop"
}

export interface Told {
  readonly id: number
  readonly what: { readonly out: string } | { readonly err: string } | { readonly code: number }
}
