// What this build calls itself. Peers are told Apache's version instead (core/remoting).

export const VERSION = "0.1.0";
export const PROTOCOL_VERSION = "Apache RocketMQ 5.4.0";
