// What pulling reads of the configuration, by Apache's key names. Live keys are changed in place.

export interface PullSettings {
  brokerIP1: string;
  brokerId: number;
  brokerPermission: number;
  litePullMessageEnable: boolean;
  rejectPullConsumerEnable: boolean;
  slaveReadEnable: boolean;
  useServerSideResetOffset: boolean;
  enableBroadcastOffsetStore: boolean;
  longPollingEnable: boolean;
  shortPollingTimeMills: number;
  /** Bytes of queue (20 an entry) that one pull may scan without a match. */
  maxFilterMessageSize: number;
  maxTransferBytesOnMessageInMemory: number;
  maxTransferCountOnMessageInMemory: number;
  maxTransferBytesOnMessageInDisk: number;
  maxTransferCountOnMessageInDisk: number;
  /** Percent of the machine's memory: what lies closer to the log's end counts as in memory. */
  accessMessageInMemoryMaxRatio: number;
}
