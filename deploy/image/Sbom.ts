// npm run image:sbom: what the image holds of npm, as CycloneDX. npm's own list, without what only development needs:
// its --omit=dev leaves out effect and pg too, for development dependencies use them as well.
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import manifest from "../../package.json" with { type: "json" }

interface Bom {
  readonly metadata: { readonly component: { readonly "bom-ref": string; readonly name: string } }
  readonly components: ReadonlyArray<{ readonly "bom-ref": string; readonly name: string; readonly version: string }>
  readonly dependencies: ReadonlyArray<{ readonly ref: string; readonly dependsOn: ReadonlyArray<string> }>
}

interface Locked {
  readonly version: string
  readonly dev?: boolean
  readonly devOptional?: boolean
}

const root = join(import.meta.dirname, "../..")

/** `name@version` of all that npm ci --omit=dev installs. */
export const shipped = (): ReadonlySet<string> => {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, Locked>>
  }
  return new Set(
    Object.entries(packages)
      .filter(([path, { dev, devOptional }]) => path !== "" && !dev && !devOptional)
      .map(([path, { version }]) => `${path.split("node_modules/").at(-1)}@${version}`)
  )
}

const everything = () => {
  const args = ["sbom", "--package-lock-only", "--sbom-format=cyclonedx", "--sbom-type=application"]
  return JSON.parse(execFileSync("npm", args, { cwd: root, encoding: "utf8", maxBuffer: 64 << 20 })) as Bom
}

export const sbom = (): Bom => {
  const all = everything()
  const ships = shipped()
  // One that is there twice is marked as if only development needed it.
  const components = all.components
    .filter(({ name, version }) => ships.has(`${name}@${version}`))
    .map((one) => ({ ...one, scope: "required", properties: [] }))
  const own = all.metadata.component
  const kept = new Set([own["bom-ref"], ...components.map((one) => one["bom-ref"])])
  return {
    ...all,
    // npm calls it after the folder it is in.
    metadata: { ...all.metadata, component: { ...own, name: manifest.name } },
    components,
    dependencies: all.dependencies
      .filter(({ ref }) => kept.has(ref))
      .map((one) => ({ ...one, dependsOn: one.dependsOn.filter((ref) => kept.has(ref)) }))
  }
}

if (import.meta.main) console.log(JSON.stringify(sbom(), undefined, 2))
