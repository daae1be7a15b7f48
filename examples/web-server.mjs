/** A page that says which allocation served it. What it needs to know comes from its environment. */
import { createServer } from "node:http";

const { PORT_http: port, BERTH_ALLOC_ID: allocation, BERTH_NODE_NAME: node } = process.env;
let served = 0;

const server = createServer((request, response) => {
  if (request.url === "/health") {
    response.end("ok\n");
    return;
  }
  served += 1;
  process.stdout.write(`${request.method} ${request.url}\n`);
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.end(`Served by ${allocation} on ${node}, ${served} so far.\n`);
});

server.listen(Number(port), "127.0.0.1", () => {
  process.stdout.write(`listening on http://127.0.0.1:${port}\n`);
});

process.once("SIGTERM", () => {
  process.stdout.write(`stopping after ${served} requests\n`);
  server.close();
  server.closeAllConnections();
});
