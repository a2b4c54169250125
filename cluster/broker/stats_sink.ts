// What the hot paths tell the statistics, once a request and never once a message. admin/ counts it; tests ignore it.

export interface StatsSink {
  /** Messages handed to a consumer group. */
  groupGot(
    group: string,
    topic: string,
    queueId: number,
    messageCount: number,
    bytes: number,
  ): void;
  /** Messages handed out, by topic, for the broker's total. */
  brokerGot(topic: string, messageCount: number): void;
  /** A look at a queue that had nothing for a pull. */
  getMissed(): void;
  /** How long a pull that found something took. */
  groupGetLatency(group: string, topic: string, queueId: number, latencyMs: number): void;
  /** How far behind the log's end a pull read. */
  fellBehind(group: string, topic: string, queueId: number, bytes: number): void;
  /** A checkpoint was made of messages of a topic that a group popped, or that it put off. */
  checkpointed(group: string, topic: string): void;
  /** Popped messages were acknowledged, or put off. */
  acknowledged(group: string, topic: string, messageCount: number): void;
  /** Messages that were stored for a topic: from producers, send-back and delayed delivery. */
  topicPut(topic: string, queueId: number, messageCount: number, bytes: number): void;
  brokerPut(topic: string, messageCount: number): void;
  sentBack(group: string, topic: string): void;
  sentToDlq(group: string, topic: string): void;
  topicDeleted(topic: string): void;
  groupDeleted(group: string): void;
}

/** Counts nothing. */
export const noStats: StatsSink = {
  groupGot() {},
  brokerGot() {},
  getMissed() {},
  groupGetLatency() {},
  fellBehind() {},
  checkpointed() {},
  acknowledged() {},
  topicPut() {},
  brokerPut() {},
  sentBack() {},
  sentToDlq() {},
  topicDeleted() {},
  groupDeleted() {},
};
