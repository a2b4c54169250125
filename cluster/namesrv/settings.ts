// What the name server reads of its configuration, by Apache's key names; core/config declares the keys themselves.
// Live keys are changed in place by code 318, so components keep the object, never copies of its values.

export interface NamesrvSettings {
  rocketmqHome: string | null;
  kvConfigPath: string;
  configStorePath: string;
  clusterTest: boolean;
  orderMessageEnable: boolean;
  returnOrderTopicConfigToBroker: boolean;
  /** Between two looks for brokers without a heartbeat. */
  scanNotActiveBrokerInterval: number;
  /** Unregistrations that may wait; more are refused with SYSTEM_ERROR. */
  unRegisterBrokerQueueCapacity: number;
  supportActingMaster: boolean;
  enableAllTopicList: boolean;
  enableTopicList: boolean;
  notifyMinBrokerIdChanged: boolean;
  needWaitForService: boolean;
  waitSecondsForService: number;
  deleteTopicWithBrokerRegistration: boolean;
  /** Keys that code 318 refuses, joined by ";", besides those that it always refuses. */
  configBlackList: string;
  bindAddress: string;
  /** 0: any free port. */
  listenPort: number;
}
