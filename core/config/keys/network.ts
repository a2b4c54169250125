// NettyServerConfig and NettyClientConfig, shared by both servers. listenPort is with its server: the defaults differ.
// Declarations only.
import { bool, ignored, int, keysOf, long, pattern, refused, text, used } from "../key.ts";
import { NO_NETTY, NO_POOLS, TLS } from "./reasons.ts";

export const serverNetworkKeys = keysOf("NettyServerConfig", {
  bindAddress: used(
    pattern("0.0.0.0", /^[0-9a-zA-Z.:%_-]{1,255}$/, "a host name or an IP address"),
    "Address to listen on: a host name, an IPv4 or an IPv6 address.",
  ),
  serverChannelMaxIdleTimeSeconds: used(
    int(120, "s", { min: 1 }),
    "Silence after which a connection is closed.",
  ),
  serverSocketBacklog: ignored(
    int(1024, "", { min: 1 }),
    "the runtime chooses it",
    "Connections that may wait to be accepted.",
  ),
  enableShutdownGracefully: ignored(
    bool(false),
    "a stop always finishes what was begun and tells clients to go elsewhere",
    "Tells clients to go elsewhere before closing.",
  ),
  shutdownWaitTimeSeconds: ignored(
    int(30, "s"),
    "a stop waits 5 s for what was begun",
    "How long a stop waits for requests in progress.",
  ),
  serverWorkerThreads: ignored(int(8, "threads"), NO_POOLS, "Threads for requests."),
  serverCallbackExecutorThreads: ignored(int(0, "threads"), NO_POOLS, "Threads for answers."),
  serverSelectorThreads: ignored(int(3, "threads"), NO_POOLS, "Threads for sockets."),
  serverOnewaySemaphoreValue: ignored(
    int(256, "requests"),
    NO_NETTY,
    "One-way requests that the server may have sent at once.",
  ),
  serverAsyncSemaphoreValue: ignored(
    int(64, "requests"),
    NO_NETTY,
    "Asynchronous requests that the server may have sent at once.",
  ),
  serverSocketSndBufSize: ignored(
    int(0, "bytes"),
    "the system sizes socket buffers",
    "Socket send buffer; 0 leaves it to the system.",
  ),
  serverSocketRcvBufSize: ignored(
    int(0, "bytes"),
    "the system sizes socket buffers",
    "Socket receive buffer; 0 leaves it to the system.",
  ),
  writeBufferHighWaterMark: ignored(
    int(0, "bytes"),
    "a connection with 4 MiB of unsent answers is paused",
    "Unsent bytes at which a connection is paused.",
  ),
  writeBufferLowWaterMark: ignored(
    int(0, "bytes"),
    "a paused connection resumes below 1 MiB of unsent answers",
    "Unsent bytes at which it resumes.",
  ),
  serverNettyWorkerGroupEnable: ignored(bool(true), NO_NETTY, "Uses Netty's worker group."),
  serverPooledByteBufAllocatorEnable: ignored(bool(true), NO_NETTY, "Pools Netty's buffers."),
  useEpollNativeSelector: ignored(bool(false), NO_NETTY, "Uses epoll directly."),
});

export const clientNetworkKeys = keysOf("NettyClientConfig", {
  connectTimeoutMillis: ignored(
    int(3000, "ms", { min: 1 }),
    "a connection may take as long as the request that it is opened for",
    "How long a connection to another node may take to open.",
  ),
  clientChannelMaxIdleTimeSeconds: ignored(
    int(120, "s", { min: 1 }),
    "a connection to another node is kept while it works",
    "Silence after which a connection to another node is closed.",
  ),
  clientCloseSocketIfTimeout: ignored(
    bool(true),
    "a connection is closed when it gave no sign of life within a request's time",
    "Closes a connection on which an answer didn't come in time.",
  ),
  clientWorkerThreads: ignored(int(4, "threads"), NO_POOLS, "Threads for sockets."),
  clientCallbackExecutorThreads: ignored(
    int((machine) => machine.processors, "threads"),
    NO_POOLS,
    "Threads for answers.",
    { defaultText: "processors" },
  ),
  clientOnewaySemaphoreValue: ignored(
    int(65_535, "requests"),
    NO_NETTY,
    "One-way requests that may be sent at once.",
  ),
  clientAsyncSemaphoreValue: ignored(
    int(65_535, "requests"),
    NO_NETTY,
    "Asynchronous requests that may be sent at once.",
  ),
  channelNotActiveInterval: ignored(
    int(60_000, "ms"),
    NO_NETTY,
    "Silence after which a connection counts as unused.",
  ),
  isScanAvailableNameSrv: ignored(
    bool(true),
    "name servers are found out when they are needed",
    "Tries all name servers regularly.",
    { aliases: ["scanAvailableNameSrv"] },
  ),
  clientSocketSndBufSize: ignored(
    int(0, "bytes"),
    "the system sizes socket buffers",
    "Socket send buffer; 0 leaves it to the system.",
  ),
  clientSocketRcvBufSize: ignored(
    int(0, "bytes"),
    "the system sizes socket buffers",
    "Socket receive buffer; 0 leaves it to the system.",
  ),
  clientPooledByteBufAllocatorEnable: ignored(bool(false), NO_NETTY, "Pools Netty's buffers."),
  useTLS: refused(
    bool(false),
    {
      when: (on) => on,
      because: TLS,
      instead: "set it to false and protect the link by the network",
    },
    "Uses TLS towards other nodes.",
  ),
  socksProxyConfig: refused(
    text("{}"),
    {
      when: (proxies) => proxies !== "" && proxies !== "{}",
      because: "connections through a SOCKS proxy aren't supported",
      instead: "leave it empty",
    },
    "SOCKS proxies by address, as JSON.",
    { secret: true },
  ),
  disableCallbackExecutor: ignored(bool(false), NO_NETTY, "Answers run on socket threads."),
  disableNettyWorkerGroup: ignored(bool(false), NO_NETTY, "Uses no Netty worker group."),
  maxReconnectIntervalTimeSeconds: ignored(
    long(60, "s"),
    "a lost connection is opened again when it is needed",
    "Longest pause between two tries to connect again.",
  ),
  enableReconnectForGoAway: ignored(
    bool(true),
    "a lost connection is opened again when it is needed",
    "Connects again when the server says that it goes away.",
  ),
});
