// A Java producer and consumer with the settings that change how they reach their broker or what things are called.
// Usage: Features vip NAMESRV TOPIC         sends over the fast port, consumes with it; prints SENT and the bodies
//        Features namespace NAMESRV TOPIC   the same in the namespace "shop", plus what TOPIC holds that others sent
//        Features autoBatch NAMESRV TOPIC   sends 100 messages that travel together; prints how many offsets there are
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

public final class Features {
    public static void main(String[] args) throws Exception {
        try {
            if (args[0].equals("autoBatch")) autoBatch(args[1], args[2]);
            else exchange(args[0], args[1], args[2]);
            Runtime.getRuntime().halt(0);
        } catch (Throwable error) {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    private static void configure(ClientConfig client, String feature, String namesrv) {
        client.setNamesrvAddr(namesrv);
        client.setVipChannelEnabled(feature.equals("vip"));
        if (feature.equals("namespace")) client.setNamespace("shop");
    }

    private static DefaultMQProducer producer(String feature, String namesrv) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("G_" + feature);
        configure(producer, feature, namesrv);
        producer.setSendMsgTimeout(10_000);
        producer.start();
        return producer;
    }

    /** Sends "java", waits until "java" and "ts" are consumed, and prints them with their topic. */
    private static void exchange(String feature, String namesrv, String topic) throws Exception {
        DefaultMQProducer producer = producer(feature, namesrv);
        System.out.println("SENT " + producer.send(new Message(topic, "java".getBytes())).getSendStatus());
        Set<String> seen = new ConcurrentSkipListSet<>();
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("C_java_" + feature);
        configure(consumer, feature, namesrv);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) seen.add(message.getTopic() + ":" + new String(message.getBody(), StandardCharsets.UTF_8));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        long deadlineMs = System.currentTimeMillis() + 60_000;
        while (seen.size() < 2) {
            if (System.currentTimeMillis() > deadlineMs) throw new AssertionError("consumed only " + seen);
            Thread.sleep(20);
        }
        for (String each : seen) System.out.println("SEEN " + each);
        consumer.shutdown();
        producer.shutdown();
    }

    private static void autoBatch(String namesrv, String topic) throws Exception {
        DefaultMQProducer producer = producer("autoBatch", namesrv);
        // 4.9's client has no such thing, and this file is compiled for it too.
        DefaultMQProducer.class.getMethod("setAutoBatch", boolean.class).invoke(producer, true);
        int count = 100;
        producer.send(new Message(topic, "makes the topic".getBytes()));
        CountDownLatch done = new CountDownLatch(count);
        List<String> problems = new ArrayList<>();
        Set<String> ids = new TreeSet<>();
        for (int n = 0; n < count; n++) {
            producer.send(new Message(topic, "TagA", "key" + n, ("batched " + n).getBytes()), new SendCallback() {
                @Override public void onSuccess(SendResult result) {
                    synchronized (ids) {
                        ids.add(result.getMsgId());
                    }
                    done.countDown();
                }

                @Override public void onException(Throwable error) {
                    synchronized (problems) {
                        problems.add(error.toString());
                    }
                    done.countDown();
                }
            });
        }
        if (!done.await(60, TimeUnit.SECONDS) || !problems.isEmpty()) throw new AssertionError("failed: " + problems);
        System.out.println("IDS " + ids.size());
        producer.shutdown();
    }
}
