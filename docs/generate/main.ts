// Writes docs/reference, docs/configuration.md and deploy/nats from the code, and the tables of docs/capacity.md from
// docs/benchmarks.md; with --check it only says what has drifted, and fails if anything has.
import { capacityPage } from "./Capacity.ts"
import { configuration } from "./Configuration.ts"
import { docsFolder, referenceFolder, writeOrCheck } from "./Folders.ts"
import { natsFolder, natsUsers } from "./NatsUsers.ts"
import { reference } from "./Reference.ts"

writeOrCheck([
  { folder: referenceFolder, files: reference() },
  { folder: docsFolder, files: new Map([...(await configuration), ...capacityPage()]), shared: true },
  { folder: natsFolder, files: natsUsers() }
])
