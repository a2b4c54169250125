// A client of RocketMQ 5.x over gRPC: sends, receives with a simple consumer, and is pushed to. Prints what it saw.
// Usage: GrpcDriver ENDPOINT TOPIC COUNT
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import org.apache.rocketmq.client.apis.ClientConfiguration;
import org.apache.rocketmq.client.apis.ClientServiceProvider;
import org.apache.rocketmq.client.apis.consumer.ConsumeResult;
import org.apache.rocketmq.client.apis.consumer.FilterExpression;
import org.apache.rocketmq.client.apis.consumer.FilterExpressionType;
import org.apache.rocketmq.client.apis.consumer.PushConsumer;
import org.apache.rocketmq.client.apis.consumer.SimpleConsumer;
import org.apache.rocketmq.client.apis.message.MessageView;
import org.apache.rocketmq.client.apis.producer.Producer;

public final class GrpcDriver {
    private static final long WAIT_MS_MAX = 100_000;
    private static final ClientServiceProvider provider = ClientServiceProvider.loadService();

    public static void main(String[] args) throws Exception {
        String topic = args[1];
        int count = Integer.parseInt(args[2]);
        ClientConfiguration conf = ClientConfiguration.newBuilder().setEndpoints(args[0]).enableSsl(false)
            .setRequestTimeout(Duration.ofSeconds(20)).build();
        send(conf, topic, count);
        receive(conf, topic, count);
        push(conf, topic, count);
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }

    private static void send(ClientConfiguration conf, String topic, int count) throws Exception {
        Producer producer = provider.newProducerBuilder().setClientConfiguration(conf).setTopics(topic).build();
        for (int n = 0; n < count; n++) {
            producer.send(provider.newMessageBuilder().setTopic(topic).setTag("T").setKeys("k" + n)
                .setBody(("m" + n).getBytes(StandardCharsets.UTF_8)).build());
        }
        producer.close();
        System.out.println("SENT " + count);
    }

    /** The first message is put off and comes again; all others are acknowledged. */
    private static void receive(ClientConfiguration conf, String topic, int count) throws Exception {
        SimpleConsumer consumer = provider.newSimpleConsumerBuilder().setClientConfiguration(conf).setConsumerGroup("grpc_simple")
            .setAwaitDuration(Duration.ofSeconds(5)).setSubscriptionExpressions(Map.of(topic, FilterExpression.SUB_ALL)).build();
        Set<String> seen = new TreeSet<>();
        String later = null;
        long deadlineMs = System.currentTimeMillis() + WAIT_MS_MAX;
        while (seen.size() < count && System.currentTimeMillis() < deadlineMs) {
            for (MessageView message : consumer.receive(8, Duration.ofSeconds(60))) {
                String text = text(message);
                if (later == null) {
                    later = text;
                    consumer.changeInvisibleDuration(message, Duration.ofSeconds(10));
                    continue;
                }
                if (text.equals(later)) System.out.println("AGAIN attempt " + message.getDeliveryAttempt());
                if (!seen.add(text)) System.out.println("TWICE " + text);
                consumer.ack(message);
            }
        }
        consumer.close();
        System.out.println("RECEIVED " + seen.size());
    }

    private static void push(ClientConfiguration conf, String topic, int count) throws Exception {
        Set<String> seen = new ConcurrentSkipListSet<>();
        PushConsumer consumer = provider.newPushConsumerBuilder().setClientConfiguration(conf).setConsumerGroup("grpc_push")
            .setSubscriptionExpressions(Map.of(topic, new FilterExpression("T", FilterExpressionType.TAG)))
            .setMessageListener(message -> {
                seen.add(text(message));
                return ConsumeResult.SUCCESS;
            }).build();
        long deadlineMs = System.currentTimeMillis() + WAIT_MS_MAX;
        while (seen.size() < count && System.currentTimeMillis() < deadlineMs) Thread.sleep(50);
        consumer.close();
        System.out.println("PUSHED " + seen.size());
    }

    private static String text(MessageView message) {
        return StandardCharsets.UTF_8.decode(message.getBody()).toString();
    }
}
