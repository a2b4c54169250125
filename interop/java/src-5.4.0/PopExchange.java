// Leaves popped messages unacknowledged in a store, or collects them after another broker has taken it over.
// Usage: PopExchange NAMESRV leave|collect NAME INVISIBLE_MS
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;

public final class PopExchange {
    private static final int MESSAGES = 40;
    private static final long COLLECT_MS_MAX = 100_000;

    public static void main(String[] args) throws Exception {
        Env env = new Env(args[0], args[2]);
        String topic = env.topic("exchange");
        String group = env.group("exchange");
        if (args[1].equals("leave")) leave(env, topic, group, Long.parseLong(args[3]));
        else collect(env, topic, group);
        Runtime.getRuntime().halt(0);
    }

    /** Of 40 messages every third is acknowledged: one by one, in batches, or after its time was changed. */
    private static void leave(Env env, String topic, String group, long invisibleMs) throws Exception {
        PopScenarios.prepare(env, topic, group, 2, 8);
        DefaultMQProducer producer = env.producer("exchange");
        for (int n = 0; n < MESSAGES; n++) producer.send(Env.message(topic, "", "", "m" + n));
        try (PopCalls calls = new PopCalls(env, topic, group)) {
            List<MessageExt> popped = new ArrayList<>();
            while (popped.size() < MESSAGES) popped.addAll(calls.pop(7, invisibleMs, false, null, "*"));
            for (MessageExt message : popped) {
                int number = number(message);
                if (number % 3 == 0) calls.ack(message);
                if (number % 6 == 1) calls.changeInvisible(message, invisibleMs);
            }
            calls.batchAck(List.of(popped.stream().filter(message -> number(message) == 38).findFirst().get()));
        }
        System.out.println("LEFT");
        System.out.flush();
    }

    private static void collect(Env env, String topic, String group) throws Exception {
        Map<String, Integer> seen = new TreeMap<>();
        List<String> expected = new ArrayList<>();
        for (int n = 0; n < MESSAGES; n++) if (n % 3 != 0 && n != 38) expected.add("m" + n);
        long deadlineMs = System.currentTimeMillis() + COLLECT_MS_MAX;
        try (PopCalls calls = new PopCalls(env, topic, group)) {
            while (System.currentTimeMillis() < deadlineMs && !seen.keySet().containsAll(expected)) {
                for (MessageExt message : calls.pop(16, 60_000, false, null, "*")) {
                    seen.merge("m" + number(message), 1, Integer::sum);
                    calls.ack(message);
                }
            }
        }
        for (Map.Entry<String, Integer> entry : seen.entrySet()) System.out.println("SEEN " + entry.getKey() + " " + entry.getValue());
        System.out.flush();
    }

    private static int number(MessageExt message) {
        return Integer.parseInt(new String(message.getBody()).substring(1));
    }
}
