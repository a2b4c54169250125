// Keys that Apache's other classes read from the same files: tiered storage, containers, the address server.
// Known so that they aren't taken for mistakes; none has an effect. Declarations only.
import { ignored, keysOf, optionalText } from "../key.ts";
import { ADDRESS_SERVER, NO_CONTAINER, NO_PLUGIN } from "./reasons.ts";

const tiered = (meaning: string, secret = false) =>
  ignored(optionalText(), NO_PLUGIN, meaning, { secret });

export const elsewhereKeys = {
  ...keysOf("BrokerStartup", {
    rmqAddressServerDomain: ignored(optionalText(), ADDRESS_SERVER, "Host of an address server."),
    rmqAddressServerSubGroup: ignored(optionalText(), ADDRESS_SERVER, "Path on it."),
  }),
  ...keysOf("BrokerContainerConfig", {
    brokerConfigPaths: ignored(
      optionalText(),
      NO_CONTAINER,
      "Files of the brokers in a container.",
    ),
    brokerContainerIP: ignored(optionalText(), NO_CONTAINER, "Address of the container."),
  }),
  ...keysOf("tieredstore MessageStoreConfig", {
    tieredStorageLevel: tiered("Which reads go to tiered storage."),
    tieredBackendServiceProvider: tiered("Java class of the tier."),
    tieredMetadataServiceProvider: tiered("Java class that keeps its metadata."),
    tieredStoreFilePath: tiered("Folder of the tier."),
    tieredStoreFileReservedTime: tiered("Hours that it keeps files."),
    tieredStoreDeleteFileEnable: tiered("Whether it deletes files."),
    tieredStoreCommitLogMaxSize: tiered("Size of its log files."),
    tieredStoreConsumeQueueMaxSize: tiered("Size of its queue files."),
    tieredStoreGroupCommit: tiered("Whether it commits in groups."),
    tieredStoreGroupCommitTimeout: tiered("How long a group waits."),
    tieredStoreGroupCommitCount: tiered("Messages in a group."),
    tieredStoreGroupCommitSize: tiered("Bytes in a group."),
    objectStoreEndpoint: tiered("Object store of the tier."),
    objectStoreBucket: tiered("Bucket in it."),
    objectStoreAccessKey: tiered("Key for it.", true),
    objectStoreSecretKey: tiered("Secret for it.", true),
  }),
};
