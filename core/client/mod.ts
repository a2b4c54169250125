// The public face of the client library.
export { ClientError, type ClientErrorCode } from "./client_error.ts";
export type { ClientState } from "./client_core.ts";
export type { ClientEnvironment } from "./environment.ts";
export type { Message, MessageQueue, SendResult, SendStatus } from "./message.ts";
export type {
  BatchListener,
  ConsumeContext,
  ConsumeOutcome,
  Later,
  MessageListener,
} from "./listener.ts";
export {
  type AllocationInput,
  type AllocationStrategy,
  average,
  averageByCircle,
  consistentHash,
  type ConsistentHashOptions,
  fixedQueues,
  type MachineRoomResolver,
  machineRooms,
  nearMachineRoom,
} from "./allocation.ts";
export {
  LitePullConsumer,
  type PollOptions,
  type TopicQueuesListener,
} from "./lite_pull_consumer.ts";
export type { QueueOffset } from "./offsets.ts";
export type { Expression } from "./subscription.ts";
export type {
  LitePullConsumerOptions,
  PopConsumerOptions,
  ProducerOptions,
  PullConsumerOptions,
  PushConsumerOptions,
  QueueSelector,
} from "./options.ts";
export {
  type ConsumeOptions,
  PopConsumer,
  type PopHandler,
  type PopOptions,
} from "./pop_consumer.ts";
export { PoppedMessage } from "./popped_message.ts";
export type { PullResult, PullStatus } from "./pull.ts";
export { PullConsumer, type PullOptions, type ReadOptions } from "./pull_consumer.ts";
export { PushConsumer, type QueueListener } from "./push_consumer.ts";
export { ReceivedMessage, type Schema } from "./received_message.ts";
export { Producer, type RequestOptions, type SendOptions } from "./producer.ts";
export { Reply, type ReplyContent } from "./reply.ts";
export type {
  ClientHooks,
  ConsumeCall,
  ConsumeEnd,
  HookClient,
  SendCall,
  SendEnd,
  SendKind,
  TransactionEnd,
} from "./hooks.ts";
export type { ClientEvents } from "./events.ts";
export { openTelemetry, type TelemetryApi, type TelemetrySpan } from "./telemetry.ts";
export type { Credentials } from "./signing.ts";
export {
  type ConsumeBeginTrace,
  type ConsumeEndTrace,
  decodeTraces,
  type PublishTrace,
  type RecallTrace,
  type TraceRecord,
  type TransactionEndTrace,
} from "./trace_records.ts";
export { atRandom, byKey, inMachineRoom } from "./selectors.ts";
export type {
  LocalTransaction,
  TransactionCheck,
  TransactionOptions,
  TransactionResult,
  TransactionState,
} from "./transactions.ts";
