// Test files run side by side, in processes that go through the ports one after the other: each through its own part of them.
import { takePortsOfPart } from "../../../deploy/local/LocalServer.ts"
import { workers } from "../Workers.ts"

takePortsOfPart(Number(process.env.VITEST_POOL_ID), workers + 1)
