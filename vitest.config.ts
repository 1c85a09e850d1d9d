// One run for all tests: real servers are started once (test/support/servers/GlobalServers.ts), files run side by side.
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/servers/GlobalServers.ts"],
    testTimeout: 400_000,
    hookTimeout: 120_000,
    // Most of their time they wait for servers and clocks.
    maxWorkers: 3
  }
})
