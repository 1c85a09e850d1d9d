// One run for all tests: real servers are started once (test/support/servers/GlobalServers.ts), files run side by side.
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/servers/GlobalServers.ts"],
    testTimeout: 400_000,
    hookTimeout: 120_000,
    // A worker keeps what it has imported for the files that come after: half of the time of small ones was imports. A test that
    // changes something of its process (a clock, PATH) puts it back.
    isolate: false,
    // Most of their time they wait for servers and clocks.
    maxWorkers: 3
  }
})
