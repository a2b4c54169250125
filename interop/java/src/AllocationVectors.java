// Prints what each of Apache's allocation strategies gives to each member, as JSON: the vectors of core/client/allocation_test.ts.
// Usage: AllocationVectors
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.AllocateMessageQueueStrategy;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMachineRoomNearby;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragelyByCircle;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByConfig;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByMachineRoom;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueConsistentHash;
import org.apache.rocketmq.common.message.MessageQueue;

public final class AllocationVectors {
    private static final String[] ROOMS = {"hz", "sh", "bj"};

    public static void main(String[] args) {
        List<String> cases = new ArrayList<>();
        for (int[] size : new int[][] {{1, 1}, {1, 4}, {3, 8}, {4, 3}, {5, 16}, {7, 30}}) {
            for (boolean rooms : new boolean[] {false, true}) cases.addAll(casesOf(queues(size[1], rooms), members(size[0], rooms)));
        }
        // A member that the broker lists twice.
        cases.addAll(casesOf(queues(9, true), new ArrayList<>(Arrays.asList("hz-10.0.0.1@1", "hz-10.0.0.1@1", "sh-10.0.0.2@2"))));
        // Rooms without a member, and a name with too many parts.
        List<MessageQueue> odd = queues(6, true);
        odd.add(new MessageQueue("T", "gz@broker@a", 0));
        odd.add(new MessageQueue("T", "gz@b", 1));
        cases.addAll(casesOf(odd, new ArrayList<>(Arrays.asList("hz-10.0.0.1@1", "sh-10.0.0.2@2", "sh-10.0.0.3@3"))));
        System.out.println("[\n" + String.join(",\n", cases) + "\n]");
    }

    private static List<MessageQueue> queues(int count, boolean rooms) {
        List<MessageQueue> queues = new ArrayList<>();
        for (int n = 0; n < count; n++) {
            String broker = "broker-" + (char) ('a' + n % 3);
            queues.add(new MessageQueue("T", rooms ? ROOMS[n % 3] + "@" + broker : broker, n / 3));
        }
        return queues;
    }

    private static List<String> members(int count, boolean rooms) {
        List<String> members = new ArrayList<>();
        for (int n = 0; n < count; n++) members.add((rooms ? ROOMS[n % 2] + "-" : "") + "10.0.0." + (n + 1) + "@" + (4000 + 7 * n));
        return members;
    }

    private static List<String> casesOf(List<MessageQueue> queues, List<String> members) {
        Collections.sort(queues);
        Collections.sort(members);
        List<String> cases = new ArrayList<>();
        AllocateMessageQueueByConfig config = new AllocateMessageQueueByConfig();
        config.setMessageQueueList(queues.subList(0, 1));
        AllocateMessageQueueByMachineRoom room = new AllocateMessageQueueByMachineRoom();
        room.setConsumeridcs(new HashSet<>(Arrays.asList("hz", "gz")));
        List<AllocateMessageQueueStrategy> strategies = new ArrayList<>(Arrays.asList(new AllocateMessageQueueAveragely(),
            new AllocateMessageQueueAveragelyByCircle(), config, room, new AllocateMessageQueueConsistentHash(), new AllocateMessageQueueConsistentHash(3)));
        if (queues.get(0).getBrokerName().contains("@") && members.get(0).contains("-")) {
            AllocateMachineRoomNearby.MachineRoomResolver resolver = new AllocateMachineRoomNearby.MachineRoomResolver() {
                @Override public String brokerDeployIn(MessageQueue queue) {
                    return queue.getBrokerName().split("@")[0];
                }

                @Override public String consumerDeployIn(String clientId) {
                    return clientId.split("-")[0];
                }
            };
            strategies.add(new AllocateMachineRoomNearby(new AllocateMessageQueueAveragely(), resolver));
            strategies.add(new AllocateMachineRoomNearby(new AllocateMessageQueueAveragelyByCircle(), resolver));
        }
        for (int index = 0; index < strategies.size(); index++) {
            AllocateMessageQueueStrategy strategy = strategies.get(index);
            List<String> shares = new ArrayList<>();
            for (String member : members) shares.add(list(strategy.allocate("G", member, queues, members).stream().map(AllocationVectors::text).collect(Collectors.toList())));
            cases.add("{\"strategy\":\"" + strategy.getName() + "\",\"virtualNodes\":" + (index == 5 ? 3 : 10)
                + ",\"queues\":" + list(queues.stream().map(AllocationVectors::text).collect(Collectors.toList()))
                + ",\"members\":" + list(members) + ",\"shares\":[" + String.join(",", shares) + "]}");
        }
        return cases;
    }

    private static String text(MessageQueue queue) {
        return queue.getBrokerName() + "/" + queue.getQueueId();
    }

    private static String list(List<String> texts) {
        return texts.stream().map(text -> "\"" + text + "\"").collect(Collectors.joining(",", "[", "]"));
    }
}
