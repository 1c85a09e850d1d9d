// The messages of the AsyncAPI document: payload, headers and an example of each, in each form that it may have.
import { eventHeaders, type Headers } from "#shared/contract/CloudEvents.ts"
import { type CommandName, commandNames } from "#shared/contract/Commands.ts"
import { type EventType, events, eventTypes, notOfMessages, ofRecipients } from "#shared/contract/Events.ts"
import { platforms } from "#shared/contract/fields/Fields.ts"
import { schemaRef } from "./AsyncApiSchemas.ts"
import { commandExamples, eventExample, replyExamples } from "./Examples.ts"
import { commandSchemas, eventSchemas, type Json } from "./JsonSchemas.ts"

/** The keys under which messages stand in the document. */
export const messageKey = {
  command: (name: CommandName) => [name, `${name}.structured`],
  event: (type: EventType) => `event.${type}`
}

const text = { type: "string" }
const optional = (description: string): Json => ({ type: "string", description })

const commandMessage = (name: CommandName): Json => {
  const { title, description } = described(commandSchemas, name)
  return {
    name: title,
    title,
    summary: description,
    description: "As bare JSON, or as a CloudEvent in binary mode with its attributes in headers",
    contentType: "application/json",
    headers: {
      type: "object",
      properties: {
        "content-type": optional("application/json; may be left out"),
        "ce-id": optional(
          "Binary mode. As all ce-* headers: not needed and not looked at; the subject says which command it is"
        ),
        "ce-type": optional("Binary mode"),
        "ce-source": optional("Binary mode"),
        "ce-specversion": optional("Binary mode: 1.0")
      }
    },
    payload: schemaRef(title),
    examples: [{ name, payload: commandExamples[name] }]
  }
}

const structuredMessage = (name: CommandName): Json => {
  const { title, description } = described(commandSchemas, name)
  return {
    name: `${title}.structured`,
    title: `${title} as a CloudEvent in structured mode`,
    summary: description,
    description: "The attributes are not looked at; the subject says which command it is. Batches are refused",
    contentType: "application/cloudevents+json",
    headers: {
      type: "object",
      required: ["content-type"],
      properties: { "content-type": { type: "string", pattern: "^application/cloudevents\\+json" } }
    },
    payload: {
      type: "object",
      required: ["specversion", "id", "source", "type", "data"],
      properties: {
        specversion: { const: "1.0" },
        id: text,
        source: text,
        type: text,
        datacontenttype: { const: "application/json" },
        data: schemaRef(title)
      }
    },
    examples: [
      {
        name,
        headers: { "content-type": "application/cloudevents+json" },
        payload: {
          specversion: "1.0",
          id: "0f3b1a52",
          source: "/clinic/appointments",
          type: `carillon.command.${name}.v1`,
          datacontenttype: "application/json",
          data: commandExamples[name]
        }
      }
    ]
  }
}

export const commandMessages: Json = Object.fromEntries(
  commandNames.flatMap((name) => {
    const [plain, structured] = messageKey.command(name)
    return [
      [plain, commandMessage(name)],
      [structured, structuredMessage(name)]
    ]
  })
)

export const replyMessage: Json = {
  name: "Reply",
  title: "Reply",
  summary: "What became of a request",
  description:
    "While the COMMANDS stream is out of reach the answer has the code 503 in Nats-Service-Error-Code and no payload: ask again",
  headers: {
    type: "object",
    properties: {
      "Nats-Service-Error": optional("`rejected` if it was"),
      "Nats-Service-Error-Code": optional("400 if it was rejected"),
      "content-type": { const: "application/json" }
    }
  },
  payload: schemaRef("Reply"),
  examples: Object.entries(replyExamples).map(([name, payload]) => ({ name, payload }))
}

/** What `eventHeaders` sets, and the publisher on top of it. */
const eventHeadersSchema = (type: EventType, example: Headers): Json => ({
  type: "object",
  required: [
    "ce-specversion",
    "ce-id",
    "ce-type",
    "ce-source",
    "ce-time",
    "ce-platform",
    ...(type === "rejected" || notOfMessages.has(type) || ofRecipients.has(type) ? [] : ["ce-subject"]),
    ...("attempt" in events[type].fields ? ["ce-attempt"] : []),
    "content-type"
  ],
  properties: {
    "ce-specversion": { const: "1.0" },
    "ce-id": optional("Made of what the event says: the same whenever it is said again. De-duplicate by it"),
    "ce-type": { const: example["ce-type"] },
    "ce-source": { type: "string", pattern: "^/carillon/", description: "The service that says it" },
    "ce-time": schemaRef("Instant"),
    "ce-subject": schemaRef("MessageId"),
    "ce-platform": { enum: type === "rejected" ? [...platforms, "unknown"] : [...platforms] },
    "ce-attempt": { type: "string", pattern: "^[0-9]+$" },
    "content-type": { const: "application/json" },
    "Nats-Msg-Id": optional("As ce-id")
  }
})

const eventMessage = (type: EventType): Json => {
  const { title, description } = described(eventSchemas, `event.${type}`)
  const event = eventExample(type)
  const headers = eventHeaders(event, "scheduler")
  return {
    name: headers["ce-type"],
    title,
    summary: description,
    description: "A CloudEvent in binary mode",
    headers: eventHeadersSchema(type, headers),
    payload: schemaRef(title),
    examples: [{ name: type, headers, payload: event }]
  }
}

export const eventMessages: Json = Object.fromEntries(
  eventTypes.map((type) => [messageKey.event(type), eventMessage(type)])
)

function described(files: typeof commandSchemas, name: string) {
  const file = files.find((file) => file.name === name)
  if (!file) throw new Error(`there is no schema ${name}`)
  return file
}
