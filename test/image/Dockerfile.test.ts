// The Dockerfile and what gets into the image, as far as they can be checked without building it: npm run image:try does.
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import manifest from "../../package.json" with { type: "json" }
import { complaints, letsIn } from "./DockerfileRules.ts"

const root = join(import.meta.dirname, "../..")
const text = (file: string) => readFileSync(join(root, file), "utf8")
const dockerfile = text("Dockerfile")
const ignore = text(".dockerignore")
const files = execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" }).trim().split("\n")
const dependencies = Object.keys(manifest.dependencies)
const inImage = files.filter((file) => letsIn(ignore, file))

describe("the Dockerfile", () => {
  it("gives no reason to complain", () => assert.deepStrictEqual(complaints(dockerfile), []))

  const broken: ReadonlyArray<readonly [what: string, from: string | RegExp, to: string, complaint: RegExp]> = [
    ["an unknown instruction", "WORKDIR /app", "WORKDIRR /app", /Unknown instruction/],
    ["no version of the base", /node:26-slim$/m, "node:latest", /names no version/],
    ["a base without a tag", /node:26-slim$/m, "node", /names no version/],
    ["a user by name", /USER [\d:]+\nEXPOSE/, "USER node\nEXPOSE", /user is not a number/],
    ["root", /USER [\d:]+\nEXPOSE/, "USER 0:0\nEXPOSE", /user is not a number/],
    ["no user", /USER [\d:]+\nEXPOSE/, "EXPOSE", /user is not a number/],
    ["no label for the revision", /org\.opencontainers\.image\.revision=\S+ \\\n/, "", /no label for its revision/],
    ["development dependencies", "--omit=dev", "", /not installed by npm ci/],
    ["install scripts", "--ignore-scripts", "", /not installed by npm ci/],
    ["no lockfile", " package-lock.json", "", /package-lock.json is not copied/],
    ["a shell as entry", /ENTRYPOINT \[(.*)\]/, "ENTRYPOINT $1", /shell would stand/],
    ["ADD", "COPY . .", "ADD . .", /ADD fetches/],
    ["a secret in the environment", "ENV ", "ENV TELEGRAM_BOT_TOKEN=1:x ", /TELEGRAM_BOT_TOKEN=1:x stays/],
    ["a secret for the build", "ARG SOURCE", "ARG NPM_TOKEN\nARG SOURCE", /NPM_TOKEN= stays/]
  ]
  it.each(broken)("is refused with %s", (_, from, to, complaint) => {
    const changed = dockerfile.replace(from, to)
    assert.notStrictEqual(changed, dockerfile)
    assert.match(complaints(changed).join("\n"), complaint)
  })

  it("says of the image what package.json says", () => {
    const label = (name: string) => dockerfile.match(`org.opencontainers.image.${name}="(.*)"`)?.[1]
    assert.strictEqual(label("title"), manifest.name)
    assert.strictEqual(label("description"), manifest.description)
    assert.strictEqual(label("licenses"), manifest.license)
  })

  it("has a Node of the version that the project is made with", () => {
    assert.strictEqual(/node:(\d+)-slim/.exec(dockerfile)?.[1], manifest.devDependencies.node.split(".")[0])
  })
})

describe("what gets into the image", () => {
  it.each([
    ".git/config",
    ".npmrc",
    ".env",
    ".carillon/run.json",
    "keys/scheduler.nk",
    "shared/keys/scheduler.nk",
    "services/ledger/.env",
    "node_modules/pg/package.json",
    "services/ledger/node_modules/pg/package.json",
    "test/image/Dockerfile.test.ts",
    "bench/main.ts",
    "chaos/main.ts",
    "deploy/local/main.ts",
    "deploy/image/try/main.ts"
  ])("is not %s", (path) => assert.isFalse(letsIn(ignore, path)))

  it("would be, were nothing ignored", () => assert.isTrue(letsIn("", ".git/config")))

  it("is all of the services, the command line and what they share", () => {
    const code = files.filter((file) => /^(cli|services|shared)\//.test(file) && !file.endsWith(".md"))
    assert.isAbove(code.length, 200)
    assert.includeMembers(inImage, [...code, "package.json", "package-lock.json", "carillon", "LICENSE"])
  })

  it("imports nothing that is not in it, and no development dependency", () => {
    const code = inImage.filter((file) => /\.(ts|mjs)$/.test(file))
    for (const file of code) {
      const imported = [...text(file).matchAll(/^(?:import |\} )(?:.* )?from "([^"]+)"|\bimport\("([^"]+)"\)/gm)]
      for (const name of imported.map(([, still, late]) => still ?? late ?? "")) {
        if (/^(node:|#shared\/|#cli\/)/.test(name)) continue
        if (name.startsWith(".")) assert.include(inImage, join(file, "..", name), file)
        else assert.include(dependencies, name.match(/^(@[^/]+\/)?[^/]+/)?.[0], file)
      }
    }
  })
})
