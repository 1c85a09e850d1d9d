// The generated reference says what the code does: nothing drifted, the documents are valid, both kinds of schema agree.
import { readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Parser } from "@asyncapi/parser"
import { assert, describe, it } from "@effect/vitest"
import { Ajv2020 } from "ajv/dist/2020.js"
import { Effect } from "effect"
import { type CommandName, commandNames, commands } from "#shared/contract/Commands.ts"
import { Event, eventTypes } from "#shared/contract/Events.ts"
import { Reply } from "#shared/contract/Replies.ts"
import { Subject } from "#shared/nats/layout/Topology.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { asyncApi } from "../../docs/generate/AsyncApi.ts"
import { beyondSchema } from "../../docs/generate/BeyondSchema.ts"
import { drifted, referenceFolder, write } from "../../docs/generate/Folders.ts"
import { fileName, schemaFiles, toDocument } from "../../docs/generate/JsonSchemas.ts"
import { reference } from "../../docs/generate/Reference.ts"
import { eventAddress } from "../../docs/generate/Subjects.ts"
import { invalidCommands, validCommands } from "./Corpus.ts"
import { submit } from "./Submit.ts"

const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, formats: { "date-time": true } })
// Where AsyncAPI keeps the schemas that its messages refer to.
ajv.addKeyword("components")
const validators = new Map(schemaFiles.map((file) => [file.name, ajv.compile(toDocument(file))]))
const passes = (name: string, json: unknown) => validators.get(name)?.(json) === true

describe("the committed reference", () => {
  it("is what the schemas generate", () =>
    assert.deepStrictEqual(drifted({ folder: referenceFolder, files: reference() }), []))

  it("has a file for every command, the reply, every event and what a webhook is posted", () => {
    const names = [...commandNames, "reply", "webhook.post", ...eventTypes.map((type) => `event.${type}`)].map(fileName)
    assert.deepStrictEqual(readdirSync(referenceFolder).sort(), [...names, "README.md", "asyncapi.json"].sort())
  })

  it.live("is found to have drifted when a file differs, is missing, or is left over, and is mended", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder("reference")
      write({ folder, files: reference() })
      assert.deepStrictEqual(drifted({ folder, files: reference() }), [])
      writeFileSync(join(folder, "reply.schema.json"), "{}")
      writeFileSync(join(folder, "event.gone.schema.json"), "{}")
      rmSync(join(folder, "asyncapi.json"))
      const names = ["asyncapi.json", "event.gone.schema.json", "reply.schema.json"]
      assert.deepStrictEqual(drifted({ folder, files: reference() }), names)
      write({ folder, files: reference() })
      assert.deepStrictEqual(drifted({ folder, files: reference() }), [])
    })
  )
})

const complaints = (document: object) =>
  Effect.map(
    Effect.promise(() => new Parser().parse(JSON.stringify(document))),
    ({ diagnostics }) => diagnostics.map(({ message }) => message)
  )

describe("the AsyncAPI document", () => {
  it.live("validates without a remark", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* complaints(asyncApi), [])
    })
  )

  it.live("would not validate with an action that does not exist, or a message that is nowhere", () =>
    Effect.gen(function* () {
      const text = JSON.stringify(asyncApi)
      const misspelt = JSON.parse(text.replace('"action":"receive"', '"action":"recieve"'))
      const dangling = JSON.parse(text.replace('"#/components/messages/reply"', '"#/components/messages/gone"'))
      assert.isNotEmpty(yield* complaints(misspelt))
      assert.isNotEmpty(yield* complaints(dangling))
    })
  )

  it.prop("names the subject of every event", [Event], ([event]) => {
    const pattern = eventAddress(event.type)
      .replaceAll(".", "\\.")
      .replace(/\{\w+\}/g, "[A-Za-z0-9_-]+")
    assert.match(Subject.event(event), new RegExp(`^${pattern}$`))
  })

  it("has only examples that its own schemas accept", () => {
    const { messages, schemas } = asyncApi.components as {
      readonly messages: Record<string, { headers?: object; payload: object; examples: ReadonlyArray<Example> }>
      readonly schemas: object
    }
    interface Example {
      readonly headers?: unknown
      readonly payload: unknown
    }
    for (const [name, { headers, payload, examples }] of Object.entries(messages)) {
      for (const [schema, of] of [
        [payload, "payload"],
        [headers, "headers"]
      ] as const) {
        const validate = ajv.compile({ ...schema, components: { schemas } })
        for (const example of examples)
          assert.isTrue(validate(example[of] ?? {}), `${of} of ${name}: ${ajv.errorsText(validate.errors)}`)
      }
    }
  })
})

describe("JSON Schema and the services agree", () => {
  for (const { name, examples } of schemaFiles)
    it(`on the examples of ${name}`, () => assert.isTrue(examples.every((example) => passes(name, example))))

  for (const [title, name, json] of validCommands)
    it(`to accept ${title}`, () => {
      assert.deepStrictEqual(submit(name, json), [])
      assert.isTrue(passes(name, json))
    })

  for (const [title, name, json] of invalidCommands)
    it(`to refuse ${title}`, () => {
      assert.isNotEmpty(submit(name, json))
      assert.isFalse(passes(name, json))
    })

  for (const { rule, refused, command = "schedule" } of beyondSchema.slice(0, -1))
    it(`except that only the services know: ${rule}`, () => {
      assert.isNotEmpty(submit(command, refused))
      assert.isTrue(passes(command, refused))
    })

  const agrees = (name: CommandName) =>
    it.prop(`on any ${name} command`, [commands[name]], ([command]) => {
      assert.isTrue(passes(name, JSON.parse(JSON.stringify(command))))
    })
  commandNames.forEach(agrees)

  it.prop("on any reply", [Reply], ([reply]) => assert.isTrue(passes("reply", JSON.parse(JSON.stringify(reply)))))

  it.prop("on any event, also with a field of tomorrow", [Event], ([event]) => {
    const json = JSON.parse(JSON.stringify(event)) as object
    assert.isTrue(passes(`event.${event.type}`, json))
    assert.isTrue(passes(`event.${event.type}`, { ...json, tomorrow: true }))
  })
})
