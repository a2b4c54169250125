// What POP reads of the configuration, by Apache's key names. Live keys are changed in place.

export interface PopSettings {
  brokerName: string;
  brokerClusterName: string;
  brokerIP1: string;
  brokerPermission: number;
  timerWheelEnable: boolean;
  timerMaxDelaySec: number;
  accessMessageInMemoryMaxRatio: number;
  popPollingSize: number;
  maxPopPollingSize: number;
  popLongPollingForceNotifyInterval: number;
  reviveQueueNum: number;
  reviveInterval: number;
  enablePopBufferMerge: boolean;
  popCkStayBufferTime: number;
  popCkStayBufferTimeOut: number;
  popCkMaxBufferSize: number;
  popCkOffsetMaxQueueSize: number;
  enablePopBatchAck: boolean;
  enableNotifyAfterPopOrderLockRelease: boolean;
  initPopOffsetByCheckMsgInMem: boolean;
  retrieveMessageFromPopRetryTopicV1: boolean;
  enableRetryTopicV2: boolean;
  useSeparateRetryQueue: boolean;
  popFromRetryProbability: number;
  popFromRetryProbabilityForPriority: number;
  priorityOrderAsc: boolean;
  popResponseReturnActualRetryTopic: boolean;
  popInflightMessageThreshold: number;
  enablePopMessageThreshold: boolean;
  skipWhenCKRePutReachMaxTimes: boolean;
}
