// A program with Dapr's SDK for JavaScript that uses what stands beside workflows: state, messages and calls, to itself and back.
// Prints one line of JSON.

import { CommunicationProtocolEnum, DaprClient, DaprServer, HttpMethod } from "@dapr/dapr";

const daprHost = "127.0.0.1";
const protocol = process.argv[2] === "grpc" ? CommunicationProtocolEnum.GRPC : CommunicationProtocolEnum.HTTP;
const daprPort = process.argv[2] === "grpc" ? process.env.DAPR_GRPC_PORT : process.env.DAPR_HTTP_PORT;
const clientOptions = { daprHost, daprPort, communicationProtocol: protocol };
const logger = { level: "error" };
const found = {};

const server = new DaprServer({ serverHost: daprHost, serverPort: process.env.APP_PORT, clientOptions, communicationProtocol: protocol, logger });
const heard = new Promise((resolve) => server.pubsub.subscribe("pubsub", "orders", async (data) => resolve(data)));
await server.invoker.listen("double", async (data) => ({ doubled: JSON.parse(data.body).n * 2 }), { method: HttpMethod.POST });
await server.start();

const client = new DaprClient({ ...clientOptions, logger });
await client.state.save("statestore", [
  { key: "a", value: { n: 1 } },
  { key: "b", value: "two" },
]);
found.state = await client.state.get("statestore", "a");
found.bulk = (await client.state.getBulk("statestore", ["b", "nothing"])).map((one) => one.data || null);
await client.state.transaction("statestore", [
  { operation: "upsert", request: { key: "c", value: "3" } },
  { operation: "delete", request: { key: "a" } },
]);
found.after = [await client.state.get("statestore", "a"), String(await client.state.get("statestore", "c"))];
await client.state.delete("statestore", "c");

await client.pubsub.publish("pubsub", "orders", { id: 7 });
found.heard = await heard;
found.invoked = await client.invoker.invoke(process.env.APP_ID, "double", HttpMethod.POST, { n: 21 });
found.id = (await client.metadata.get()).id;
console.log(JSON.stringify(found));
process.exit(0);
