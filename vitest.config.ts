// One run for all tests: real servers are started once (test/support/servers/GlobalServers.ts), files run side by side.
import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"
import { workers } from "./test/support/Workers.ts"

/** Vitest begins with the largest files. Those that start processes and wait for them are small ones too, and would be last. */
class ProcessesFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>) {
    const startsProcesses = ({ moduleId }: TestSpecification) =>
      /\/test\/(alerts|cli|journeys|kubernetes|local|security|systemd|table-bridge)\//.test(moduleId)
    const sorted = await super.sort(files)
    return [...sorted.filter(startsProcesses), ...sorted.filter((file) => !startsProcesses(file))]
  }
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/servers/GlobalServers.ts"],
    testTimeout: 400_000,
    hookTimeout: 120_000,
    sequence: { sequencer: ProcessesFirst },
    // A worker keeps what it has imported for the files that come after: half of the time of small ones was imports. A test that
    // changes something of its process (a clock, PATH) puts it back.
    isolate: false,
    setupFiles: ["test/support/servers/Ports.ts"],
    maxWorkers: workers
  }
})
