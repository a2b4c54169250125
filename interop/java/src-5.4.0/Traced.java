// A Java producer and a Java consumer that write message traces.
// Usage: Traced NAMESRV TOPIC     sends three messages, consumes them, prints "ID <message id>" for each and "RECALLED <message id>" for one taken back, and ends when traced
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

public final class Traced {
    private static final int COUNT = 3;

    public static void main(String[] args) throws Exception {
        try {
            run(args[0], args[1]);
            Runtime.getRuntime().halt(0);
        } catch (Throwable error) {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    private static void run(String namesrv, String topic) throws Exception {
        // Off unless asked for.
        System.setProperty("com.rocketmq.recall.default.trace.enable", "true");
        DefaultMQProducer producer = new DefaultMQProducer("G_java_traced", true, null);
        producer.setNamesrvAddr(namesrv);
        producer.setSendMsgTimeout(10_000);
        producer.start();
        for (int n = 0; n < COUNT; n++) {
            System.out.println("ID " + producer.send(new Message(topic, "TagA", "key" + n, ("body " + n).getBytes())).getMsgId());
        }
        Message later = new Message(topic, "later".getBytes());
        later.setDelayTimeMs(600_000);
        System.out.println("RECALLED " + producer.recallMessage(topic, producer.send(later).getRecallHandle()));
        Set<String> consumed = ConcurrentHashMap.newKeySet();
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("C_java_traced", true, null);
        consumer.setNamesrvAddr(namesrv);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) consumed.add(message.getMsgId());
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        long deadlineMs = System.currentTimeMillis() + 60_000;
        while (consumed.size() < COUNT) {
            if (System.currentTimeMillis() > deadlineMs) throw new AssertionError("consumed " + consumed.size());
            Thread.sleep(20);
        }
        // Shutting down writes what waits.
        consumer.shutdown();
        producer.shutdown();
        // The traces are sent asynchronously.
        Thread.sleep(1_000);
    }
}
