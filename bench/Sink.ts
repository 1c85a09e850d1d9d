// Takes spans and forgets them, as a collector nearby would: in a process of its own, so that its work is not counted.
import { createServer } from "node:http"

const server = createServer((request, response) => {
  request.resume()
  request.on("end", () => response.writeHead(200, { "content-type": "application/x-protobuf" }).end())
}).listen(0, "127.0.0.1", () => {
  const { port } = server.address() as { readonly port: number }
  process.send?.({ endpoint: `http://127.0.0.1:${port}` })
})
process.on("disconnect", () => process.exit())
