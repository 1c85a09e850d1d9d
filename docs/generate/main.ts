// Writes docs/reference, docs/configuration.md and deploy/nats from the code, and the tables of docs/capacity.md from
// docs/benchmarks.md; with --check it only says what has drifted, and fails if anything has.
import { capacityPage } from "./Capacity.ts"
import { configuration } from "./Configuration.ts"
import { natsFolder, natsUsers } from "./NatsUsers.ts"
import { reference } from "./Reference.ts"
import { docsFolder, drifted, referenceFolder, write } from "./ReferenceFolder.ts"

const folders = [
  { name: "docs/reference", folder: referenceFolder, files: reference() },
  { name: "docs", folder: docsFolder, files: new Map([...(await configuration), ...capacityPage()]) },
  { name: "deploy/nats", folder: natsFolder, files: natsUsers() }
]

for (const { files, folder, name } of folders) {
  const names = drifted(files, folder)
  if (!process.argv.includes("--check")) {
    write(files, folder)
    for (const file of names) console.log(`${name}/${file}`)
  } else if (names.length > 0) {
    for (const file of names) console.error(`${name}/${file} is not what the code says: run npm run docs`)
    process.exitCode = 1
  }
}
