// The AsyncAPI 3.1 document: who publishes what on which subject, in which stream and in which form.
import { commandNames } from "#shared/contract/Commands.ts"
import { eventTypes } from "#shared/contract/Events.ts"
import { platforms, priorities } from "#shared/contract/fields/Fields.ts"
import { streams } from "#shared/nats/layout/Topology.ts"
import { version } from "#shared/service/Version.ts"
import { commandMessages, eventMessages, messageKey, replyMessage } from "./AsyncApiMessages.ts"
import { schemas } from "./AsyncApiSchemas.ts"
import type { Json } from "./JsonSchemas.ts"
import { apiAddress, commandAddress, eventAddress } from "./Subjects.ts"

const ref = (path: string): Json => ({ $ref: `#/${path}` })
const messagesOf = (channel: string, keys: ReadonlyArray<string>) =>
  keys.map((key) => ref(`channels/${channel}/messages/${key}`))
const channelMessages = (keys: ReadonlyArray<string>) =>
  Object.fromEntries(keys.map((key) => [key, ref(`components/messages/${key}`)]))
const record = <Name extends string>(names: ReadonlyArray<Name>, entry: (name: Name) => readonly [string, Json]) =>
  Object.fromEntries(names.map(entry))

const windowSeconds = (stream: keyof typeof streams) => streams[stream].duplicate_window / 1_000_000_000

const commandStream = {
  stream: "COMMANDS",
  publish: "JetStream publish, answered by the stream when the command is stored; core publish works too",
  deduplication: `By the message's id, while it waits and for at least half of the time that the event log is kept: no header is needed. A Nats-Msg-Id is honoured for ${windowSeconds("COMMANDS")} s; if you set one, make it new for each command (an outbox row's key, say): a cancel under the Nats-Msg-Id of the schedule command would be dropped`
}

const eventStream = (type: string) => ({
  stream: "EVENTS",
  deduplication:
    type === "scheduled"
      ? "Create-only: one message per subject, and the id is in the subject; one more that is `used` may follow it"
      : `Nats-Msg-Id is ce-id, within ${windowSeconds("EVENTS")} s; ce-id stays the same whenever an event is said again`
})

const parameters = {
  platform: {
    description: "The platform of the message; `unknown` in rejections that name none",
    enum: [...platforms]
  },
  id: { description: "The message's id" },
  sender: { description: "The sender's name" },
  priority: { description: "Each priority has a lane of its own", enum: [...priorities] }
}

const channels = {
  ...record(commandNames, (name) => [
    `command.${name}`,
    {
      address: commandAddress(name),
      messages: channelMessages(messageKey.command(name)),
      "x-jetstream": commandStream
    }
  ]),
  ...record(commandNames, (name) => [
    `api.${name}`,
    { address: apiAddress(name), messages: channelMessages(messageKey.command(name)) }
  ]),
  reply: {
    address: null,
    description: "The requester's inbox, as NATS request/reply has it",
    messages: channelMessages(["reply"])
  },
  ...record(eventTypes, (type) => [
    messageKey.event(type),
    {
      address: eventAddress(type),
      parameters: {
        platform:
          type === "rejected" ? { ...parameters.platform, enum: [...platforms, "unknown"] } : parameters.platform,
        ...(type === "scheduled" ? { id: parameters.id } : {}),
        ...(type === "dispatched" ? { sender: parameters.sender, priority: parameters.priority } : {})
      },
      messages: channelMessages([messageKey.event(type)]),
      "x-jetstream": eventStream(type)
    }
  ])
}

const operations = {
  ...record(commandNames, (name) => [
    `${name}`,
    {
      action: "receive",
      channel: ref(`channels/command.${name}`),
      summary: `Takes ${name} commands; every refusal becomes a rejected event`,
      messages: messagesOf(`command.${name}`, messageKey.command(name))
    }
  ]),
  ...record(commandNames, (name) => [
    `request.${name}`,
    {
      action: "receive",
      channel: ref(`channels/api.${name}`),
      summary: `The same, answered once the command is carried out`,
      messages: messagesOf(`api.${name}`, messageKey.command(name)),
      reply: { channel: ref("channels/reply"), messages: messagesOf("reply", ["reply"]) },
      // The queue group of NATS micro services.
      bindings: { nats: { queue: "q" } }
    }
  ]),
  ...record(eventTypes, (type) => [
    messageKey.event(type),
    {
      action: "send",
      channel: ref(`channels/${messageKey.event(type)}`),
      messages: messagesOf(messageKey.event(type), [messageKey.event(type)])
    }
  ])
}

export const asyncApi: Json = {
  asyncapi: "3.1.0",
  id: "urn:carillon:asyncapi",
  info: {
    title: "Carillon",
    version,
    description:
      "Sends messages to people at the time they were asked for. Publish a command, or send it as a request; read what became of it from the events. Commands refuse fields they do not have. Events gain fields: ignore those you do not know.",
    license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" }
  },
  defaultContentType: "application/json",
  servers: {
    nats: { host: "127.0.0.1:4222", protocol: "nats", description: "nats-server 2.14 or newer with JetStream" }
  },
  channels,
  operations,
  components: { messages: { ...commandMessages, reply: replyMessage, ...eventMessages }, schemas }
}
