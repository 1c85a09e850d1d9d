// Loads every service without running it, so that all of it is in the compile cache; fails if anything is missing.
import { readdirSync } from "node:fs"
import { flushCompileCache } from "node:module"
import { join } from "node:path"

const services = join(import.meta.dirname, "../../services")

for (const name of readdirSync(services)) await import(join(services, name, "main.ts"))
// What is loaded only where traces are wanted.
await import("#shared/telemetry/Tracing.ts")
await import("@opentelemetry/exporter-trace-otlp-proto")
flushCompileCache()
