// Static topics: logical queues mapped onto physical ones.
import { row } from "../code_row.ts";
import { createTopicRequest } from "./common.ts";

const STATIC_TOPICS = "Static topics (queue mapping) are not implemented yet.";

export const UPDATE_AND_CREATE_STATIC_TOPIC = row({
  code: 513,
  name: "UPDATE_AND_CREATE_STATIC_TOPIC",
  doc: "Creates or changes a static topic (body: TopicQueueMappingDetail).",
  servedBy: [],
  whyNotServed: STATIC_TOPICS,
  request: createTopicRequest,
  response: {},
});
