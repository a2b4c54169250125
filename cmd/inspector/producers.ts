// Producers: producerConnection, producer.
import { OperationError } from "../../core/errors.ts";
import {
  GET_ALL_PRODUCER_INFO,
  GET_PRODUCER_CONNECTION_LIST,
} from "../../core/remoting/codes/groups.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";
import { asObject, bodyObject, compareTexts, entries, list, number, text } from "./bodies.ts";
import { Refusal } from "./cluster.ts";
import { defineCommand } from "./command.ts";
import { type ClientConnection, connectionsOf } from "./connections.ts";
import { address, groupName, required, topicName } from "./option.ts";

const producerConnection = defineCommand({
  name: "producerConnection",
  summary: "Show the connected members of a producer group",
  options: {
    group: required("g", "producerGroup", groupName, "producer group name"),
    topic: required("t", "topic", topicName, "a topic that it sends to"),
  },
  example: "-n 127.0.0.1:9876 -g order_producer -t Orders",
  async run({ cluster, options, report }) {
    const { group, topic } = options;
    const row = GET_PRODUCER_CONNECTION_LIST;
    const addresses = await cluster.addressesOfTopic(topic);
    const lists = await Promise.all(addresses.map(async (broker): Promise<ClientConnection[]> => {
      const answer = await cluster.askAny(row, broker, { producerGroup: group });
      // Brokers answer so when they know no member.
      if (answer.code === ResponseCode.SYSTEM_ERROR) return [];
      if (answer.code !== ResponseCode.SUCCESS) {
        throw new Refusal(answer.code, answer.remark ?? "", broker, row);
      }
      return connectionsOf(bodyObject(answer.body, broker)["connectionSet"]);
    }));
    const byId = new Map(lists.flat().map((each) => [each.clientId, each]));
    if (byId.size === 0) {
      throw new OperationError(
        `no producer of group '${group}' is connected to a broker of topic '${topic}'`,
      );
    }
    const connections = [...byId.values()];
    for (const [index, connection] of connections.entries()) {
      const { clientAddr, clientId, language, versionDesc } = connection;
      const format = "%04d  %-32s %-22s %-8s %s";
      report.printf(format, index + 1, clientId, clientAddr, language, versionDesc);
    }
    report.json({ group, connections: connections.map((each) => ({ ...each })) });
  },
});

const producer = defineCommand({
  name: "producer",
  summary: "List the producers that are connected to a broker",
  options: { broker: required("b", "broker", address, "broker address") },
  example: "-b 127.0.0.1:10911",
  async run({ cluster, options, report }) {
    const { body } = await cluster.ask(GET_ALL_PRODUCER_INFO, options.broker, {});
    const groups = entries(bodyObject(body, options.broker)["data"])
      .sort(([one], [other]) => compareTexts(one, other));
    const rows = groups.flatMap(([group, members]) =>
      list(members).map((member) => {
        const { clientId, language, lastUpdateTimestamp, remoteIP, version } = asObject(member);
        return {
          group,
          clientId: text(clientId),
          remoteIP: text(remoteIP),
          language: text(language),
          version: number(version),
          lastUpdateTimestamp: number(lastUpdateTimestamp),
        };
      })
    );
    for (const { group, ...row } of rows) {
      const { clientId, language, lastUpdateTimestamp, remoteIP, version } = row;
      report.line(
        `producer group (${group}) instance : clientId=${clientId},remoteIP=${remoteIP}, ` +
          `language=${language}, version=${version}, lastUpdateTimestamp=${lastUpdateTimestamp}`,
      );
    }
    report.json(rows);
  },
});

export const producerCommands = [producerConnection, producer];
