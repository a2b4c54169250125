// Pulling messages from a queue.
import { row } from "../code_row.ts";
import { pullRequest, pullResponse } from "./common.ts";

export const PULL_MESSAGE = row({
  code: 11,
  name: "PULL_MESSAGE",
  doc: "Pulls messages (body: records); held while there are none, if the flags ask so.",
  servedBy: ["broker"],
  request: pullRequest,
  response: pullResponse,
});

export const LITE_PULL_MESSAGE = row({
  code: 361,
  name: "LITE_PULL_MESSAGE",
  doc: "The same from a lite pull consumer.",
  servedBy: ["broker"],
  request: pullRequest,
  response: pullResponse,
});
